"""Whether intervals of real trainings cover the difference over all splits, not over one.

Small networks on breast_cancer and diabetes, adam against momentum: one study of many repeats, each
with a split, searches and a fresh seed of its own, trained, compared on the repeats' test parts and
read by fairtune's own code. All of its repeats together are taken as the truth: their mean is the
split-averaged difference. Comparisons of 6 repeats are drawn from them with replacement, so that
they scatter around that mean as new repeats would; an interval of 95 % should cover it. The
interval over comparisons does not know that they all come from one bank of repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from calibration_rows import Kind, Row
from replay import run

from studies.analysis.arm_looks import design_of, part_of_claim
from studies.analysis.arm_values import arm_values
from studies.engines.training import train_task
from studies.home import Home
from studies.records import Record
from studies.results.repeat_results import repeat_results
from studies.statistics.arm_pairs import ArmValues
from studies.statistics.arm_verdicts import compare_arms

DATA = ("breast_cancer", "diabetes")
FIRST, TRIALS, EPOCHS = 6, 4, 5
DRAWN = 2_000
"""Comparisons that are drawn from the repeats of a study."""


def study(data: str, repeats: int) -> dict[str, Any]:
    """The study file."""
    return {
        "study": "calibration",
        "data": {"name": data, "batch_size": 32},
        "model": {"name": "mlp", "hidden": [16]},
        "optimizer": [
            {"name": "adam", "lr": {"min": 1e-4, "max": 1e-1, "log": True}},
            {"name": "momentum", "lr": {"min": 1e-4, "max": 1e-1, "log": True}},
        ],
        "trainer": {"epochs": EPOCHS, "accelerator": "cpu"},
        "objective": {"metric": "val/loss", "goal": "minimize"},
        "search": {"method": "random", "trials": TRIALS, "repeats": repeats},
        "compare": {"factor": "optimizer"},
        "confirm": {"cross": False},
    }


def bank(data: str, repeats: int) -> tuple[ArmValues, ArmValues]:
    """What all repeats found for both arms; a repeat that one arm lost is in neither."""
    with TemporaryDirectory() as folder:
        home = Home.at(Path(folder))
        home.create()
        results = run(study(data, repeats), Record.in_memory(), home, train_task)
    part = part_of_claim(results, results.spec.objective.metric)
    found = repeat_results(results, part.metric)
    design = design_of(results, found, part, repeats)
    assert design.part == "test" and design.splits == repeats
    a, b = (arm_values(rows, repeats, design.logarithms) for rows in found.values())
    both = sorted(a.values.keys() & b.values)
    return chosen(a, both), chosen(b, both)


def chosen(arm: ArmValues, repeats: Sequence[int]) -> ArmValues:
    """Some repeats of an arm, counted anew; one may be there twice."""
    return ArmValues({at: arm.values[repeat] for at, repeat in enumerate(repeats, start=1)})


def measure(data: str, repetitions: int) -> tuple[str, int, list[bool]]:
    """Whether intervals cover the mean difference of the bank, and how many repeats that has."""
    a, b = bank(data, repetitions)
    both = list(a.values)
    truth = fmean(a.values[r] - b.values[r] for r in both)
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(DRAWN):
        drawn = [both[at] for at in rng.integers(len(both), size=FIRST)]
        pair = chosen(a, drawn), chosen(b, drawn)
        interval = compare_arms([pair], "minimize")[0].difference
        covered.append(interval.low <= truth <= interval.high)
    return data, len(both), covered


def rows(measured: Sequence[tuple[str, int, list[bool]]]) -> list[Row]:
    """The coverage of every data set."""
    return [
        Row(
            f"{data}: intervals of {FIRST} repeats cover the mean of {repeats}",
            sum(covered), len(covered), 0.92, "at least",
        )
        for data, repeats, covered in measured
    ]  # fmt: skip


KINDS = {"trainings": Kind(measure, rows, 80, DATA)}
