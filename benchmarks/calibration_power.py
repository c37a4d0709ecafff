"""How often a real difference between arms is found, through fairtune's own search and verdict.

The arms are two values of an axis of a recorded table (`calibration_pairs.py`), matched as in every
study. Which one is better, and by how much, is known from 20,000 searches of each: at the budget of
the study, which the claim is about, and at 20 trials, where a gap of more than 1.5 standard
deviations between searches counts as clear. (The deviation is that of what the winners are worth on
average over seeds: the luck of the search alone.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from calibration_arms import seed_of, train
from calibration_pairs import PAIRS, Cells, Pair, cells
from calibration_rows import Kind, Row
from tables import Replayed, load

from studies.analysis import compare

DESIGNS = ((6, 7), (8, 5))
"""Repeats, and trials of each search; with a fresh run each 48 trainings of every arm."""
SEARCHES = 20_000
LONG, CLEAR = 20, 1.5
"""Trials of a search, and standard deviations between such searches, of a clear gap."""


@dataclass(frozen=True)
class Found:
    """What the comparisons of a pair of arms said, by design."""

    pair: str
    gap: float
    """In standard deviations between searches of 20 trials."""
    better: dict[tuple[int, int], str]
    """The better arm by what searches of the design find on average, a or b."""
    said: dict[tuple[int, int], list[str]]


def worth(arm: Cells, trials: int, rng: np.random.Generator) -> tuple[float, float]:
    """The mean and the standard deviation of what searches find."""
    values = arm.means[arm.winners(arm.draw(SEARCHES, trials, rng))]
    return float(values.mean()), float(values.std())


def better(a: Cells, b: Cells, trials: int, rng: np.random.Generator) -> str:
    """The arm whose searches find more on average."""
    lead = worth(a, trials, rng)[0] - worth(b, trials, rng)[0]
    return "a" if (lead > 0) == (a.goal == "maximize") else "b"


def verdict(table: Replayed, pair: Pair, repeats: int, trials: int, seed: int) -> str:
    """What a study says: a, b or none."""
    tree = pair.study(table, trials, seed)
    tree["search"]["repeats"] = repeats
    (found,) = compare(train(tree, table.perform)).pairs
    winner = {"a": found.a, "b": found.b}.get(found.result.verdict.better)
    return {str(pair.a): "a", str(pair.b): "b"}.get(str(winner), "none")


def measure(name: str, repetitions: int) -> list[Found]:
    """Every pair of a table, by both designs."""
    table, made = load(name), []
    for pair in PAIRS[name]:
        rng = np.random.default_rng(seed_of(name, f"gap {pair}", 0))
        a, b = cells(table, pair)
        (mean_a, sd_a), (mean_b, sd_b) = worth(a, LONG, rng), worth(b, LONG, rng)
        gap = abs(mean_a - mean_b) / math.sqrt((sd_a**2 + sd_b**2) / 2)
        said = {
            design: [
                verdict(table, pair, *design, seed_of(name, f"power {pair} {design}", each))
                for each in range(repetitions)
            ]
            for design in DESIGNS
        }
        right = {design: better(a, b, design[1], rng) for design in DESIGNS}
        made.append(Found(f"{name}: {pair}", gap, right, said))
    return made


def rows(measured: Sequence[list[Found]]) -> list[Row]:
    """Right for clear gaps, wrong for all."""
    pairs = [pair for each in measured for pair in each]
    clear = [pair for pair in pairs if pair.gap > CLEAR]
    made = []
    for design in DESIGNS:
        repeats, trials = design
        what = f"{repeats} repeats of {trials} trials and a fresh run"
        right = [v == pair.better[design] for pair in clear for v in pair.said[design]]
        wrong = [
            v not in ("none", pair.better[design]) for pair in pairs for v in pair.said[design]
        ]
        made += [
            Row(f"{what}: {len(clear)} pairs with a clear gap, the better one found",
                sum(right), len(right), 0.6, "at least"),
            Row(f"{what}: {len(pairs)} pairs, the worse one called better",
                sum(wrong), len(wrong), 0.01, slack=2),
        ]  # fmt: skip
    return made


KINDS = {"power": Kind(measure, rows, 12)}
