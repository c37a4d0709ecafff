"""Pairs of arms that the recorded tables hold: two values of an axis, everything else searched.

48 pairs: 4 of every table. What a search of an arm finds is drawn straight from the recordings, so
that a million searches take a second; the first trial has the defaults of the arm's study file, as
in the product. Matched arms draw the same positions on all other axes and the same seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from tables import NETWORK, SOURCES, Replayed

from lightning_modules.networks import NETWORKS
from studies.statistics import Goal
from studies.statistics.intervals import Array
from studies.study_file import resolve
from studies.study_file.document import Document

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Pair:
    """Two values of an axis."""

    place: str
    a: Any
    b: Any

    def __str__(self) -> str:
        return f"{self.place} {self.a}/{self.b}"

    def study(self, table: Replayed, trials: int, seed: int) -> dict[str, Any]:
        """A study file that compares the two by random search."""
        tree = table.study("random", trials, seed)
        *sections, name = self.place.split(".")
        node = tree
        for section in sections:
            node = node[section]
        node[name] = {"values": [self.a, self.b]}
        tree["compare"] = {"factor": self.place}
        tree["confirm"] = {"cross": False}
        return tree


CLASSIFIED = (
    Pair("model.depth", 1, 3),
    Pair("model.width", 64, 256),
    Pair("data.batch_size", 16, 256),
    Pair("regularization.l2.strength", 1e-08, 0.0021544348),
)
PREDICTED = (
    Pair("model.activation_fn_1", "relu", "tanh"),
    Pair("schedule.name", "cosine", "constant"),
    Pair("model.dropout_1", 0.0, 0.3),
    Pair("data.batch_size", 8, 64),
)
PAIRS: Mapping[str, tuple[Pair, ...]] = {
    name: pairs
    for source, pairs in zip(SOURCES, (CLASSIFIED, PREDICTED), strict=True)
    for name in source.tables.available_dataset_names
}
"""Those of every table."""


@dataclass(frozen=True)
class Draws:
    """What searches draw: positions of configurations and of seeds, shape (searches, trials), and
    the fresh seed of every search."""

    configurations: Indices
    seeds: Indices
    fresh: Indices


@dataclass(frozen=True)
class Cells:
    """The recordings of one arm, shape (configurations, seeds), logarithms where they are losses;
    arms of a pair have the same configurations in the same order."""

    values: Array
    default: int
    goal: Goal

    @cached_property
    def means(self) -> Array:
        """Over seeds, shape (configurations,)."""
        return np.asarray(self.values.mean(axis=1))

    def draw(self, searches: int, trials: int, rng: np.random.Generator) -> Draws:
        """What as many searches draw."""
        count, seeds = len(self.values), len(self.values[0])
        shape = (searches, trials)
        return Draws(
            rng.integers(count, size=shape),
            rng.integers(seeds, size=shape),
            rng.integers(seeds, size=searches),
        )

    def winners(self, draws: Draws, *, default: bool = True) -> Indices:
        """The best configuration of each search, by the search's own values."""
        chosen = draws.configurations.copy()
        if default:
            chosen[:, 0] = self.default
        values = self.values[chosen, draws.seeds]
        best = values.argmax(axis=1) if self.goal == "maximize" else values.argmin(axis=1)
        return np.take_along_axis(chosen, best[:, None], axis=1)[:, 0]

    def found(self, draws: Draws, *, default: bool = True) -> Array:
        """The values of the winners on their fresh seeds, shape (searches,)."""
        return np.asarray(self.values[self.winners(draws, default=default), draws.fresh])


def cells(table: Replayed, pair: Pair) -> tuple[Cells, Cells]:
    """The recordings of both arms of a pair."""
    with patch.dict(NETWORKS, table=NETWORK):
        spec = resolve(Document("a pair", pair.study(table, 8, 0)))
    rest = {place: values for place, values in table.axes.items() if place != pair.place}
    made = []
    for value, arm in zip((pair.a, pair.b), spec.arms, strict=True):
        at = list(table.axes[pair.place]).index(value)
        rows = table.grid.take(at, axis=list(table.axes).index(pair.place))
        point = arm.space.default()
        default = [list(values).index(point[place]) for place, values in rest.items()]
        position = int(np.ravel_multi_index(default, list(map(len, rest.values()))))
        flat = rows.reshape(-1, table.grid.shape[-1])
        made.append(Cells(on_scale(flat, table.goal), position, table.goal))
    return made[0], made[1]


def whole(table: Replayed) -> Cells:
    """The recordings of a table as one arm."""
    with patch.dict(NETWORKS, table=NETWORK):
        spec = resolve(Document("a table", table.study("random", 8, 0)))
    point = spec.arms[0].space.default()
    default = [list(values).index(point[place]) for place, values in table.axes.items()]
    position = int(np.ravel_multi_index(default, list(map(len, table.axes.values()))))
    flat = table.grid.reshape(-1, table.grid.shape[-1])
    return Cells(on_scale(flat, table.goal), position, table.goal)


def on_scale(values: Array, goal: Goal) -> Array:
    """Losses as logarithms, shares of right answers as they are: what the product does."""
    return np.log(values) if goal == "minimize" else values
