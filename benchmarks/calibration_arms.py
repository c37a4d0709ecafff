"""Verdicts about arms on recorded trainings, through fairtune's own search and confirmation.

Every comparison is a study of its own: its searches, the fresh runs of their winners and the
verdict are the product's; only the training is a look-up (`tables.py`). A study of 9 repeats is
judged by several rules, each on the repeats that it would have had: 6; 6, then 9 where nothing was
found; and the looks at 6 and 8. On all repeats the verdict must be that of `compare`.

*Equal arms* are two labels of one optimizer. As the product matches the draws and the seeds of all
arms, they would tie by construction; so here, and only here, an arm's draws are salted with its
name, and so is the seed that a training draws from its table. The first trial has the defaults in
both arms. Tables of HPOBench are shares of right answers and compared as they are, those of HPOLib
are losses and compared as logarithms: what `objective.scale: auto` does.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from calibration_rows import MOST_TIES, Kind, Row, false_better
from replay import LookUpEngine, run
from tables import NETWORK, TABLES, Replayed, load

from lightning_modules.networks import NETWORKS
from studies.analysis import compare
from studies.analysis.arm_looks import design_of, part_of_claim
from studies.analysis.arm_values import arm_values
from studies.engines import Task
from studies.engines.worker import Perform
from studies.home import Home
from studies.records import EpochReport, Record, TrialEnd
from studies.results import StudyResults
from studies.results.repeat_results import repeat_results
from studies.search import arm_search
from studies.statistics import LOOKS, SECOND_LOOK_ALPHA, Goal
from studies.statistics.arm_pairs import ArmValues
from studies.statistics.arm_verdicts import compare_arms, sequential

EQUAL = ("left", "right")
FIRST, EXTENDED = 6, 9
"""Repeats of a study, and of the same study once it is extended."""
TRIALS = {"random": 8, "tpe": 9}
"""Trials of each search: of TPE's nine the first three are drawn at random."""
K, AT = 40, 10
ONCE_SEEDS = 8


@contextmanager
def unmatched() -> Iterator[None]:
    """Every arm draws its own values while this lasts."""
    ask, build = arm_search.ArmSearch.ask, arm_search.build_sampler
    asking = ""

    def ask_as_arm(search: arm_search.ArmSearch, free: Mapping[str, int]) -> Any:
        nonlocal asking
        asking = search.arm.name
        return ask(search, free)

    def build_for_arm(spec: Any, number: int, repeat: int = 1) -> Any:
        return build(spec, number, repeat, extra=asking)

    with (
        patch.object(arm_search.ArmSearch, "ask", ask_as_arm),
        patch.object(arm_search, "build_sampler", build_for_arm),
    ):
        yield


def unmatched_training(table: Replayed) -> Perform:
    """A training whose seed in the table depends on the arm too, and on the configuration: the
    best trials of a search share their fresh seed, which cancels between matched arms only."""

    def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
        told = f"{task.trial.partition('-')[0]}/{task.configuration.hash}"
        rng = np.random.default_rng([task.seed, zlib.crc32(told.encode())])
        return table.trained(task.configuration, rng)

    return perform


def train(tree: Mapping[str, Any], perform: Perform) -> StudyResults:
    """Run a study in memory."""
    with TemporaryDirectory() as folder, patch.dict(NETWORKS, table=NETWORK):
        return run(tree, Record.in_memory(), Home.at(Path(folder)), perform, LookUpEngine)


def equal_arms(
    table: Replayed, method: str, trials: int, seed: int, *, repeats: int, **compare: Any
) -> StudyResults:
    """A study of two equal arms, matching off."""
    tree = table.study(method, trials, seed)
    tree["optimizer"] = [{**tree["optimizer"], "label": arm} for arm in EQUAL]
    tree["search"]["repeats"] = repeats
    tree["compare"] = {"factor": "optimizer", **compare}
    tree["confirm"] = {"cross": False}
    with unmatched():
        return train(tree, unmatched_training(table))


def one_search(table: Replayed, method: str, trials: int, seed: int, seeds: int) -> StudyResults:
    """Two equal arms as they were once judged: by one search each, and the winners' fresh seeds."""
    tree = table.study(method, trials, seed)
    tree["optimizer"] = [{**tree["optimizer"], "label": arm} for arm in EQUAL]
    tree["compare"] = {"factor": "optimizer", "claim": "configurations"}
    tree["confirm"] = {"seeds": seeds}
    with unmatched():
        return train(tree, unmatched_training(table))


@dataclass(frozen=True)
class Verdicts:
    """Whether the rules told two arms apart, and the repeats without any difference."""

    fixed: str
    extended: str
    sequential: str
    ties: list[bool]


def judge(results: StudyResults) -> Verdicts:
    """The verdicts of all rules on one study, by the product's own functions."""
    metric, goal = results.spec.objective.metric, results.spec.objective.goal
    part = part_of_claim(results, metric)
    found = repeat_results(results, part.metric)
    repeats = results.spec.repeats
    design = design_of(results, found, part, repeats)
    a, b = (arm_values(rows, repeats, design.logarithms) for rows in found.values())
    whole = compare_arms([(a, b)], goal, resolution=design.resolution)[0].better
    (shown,) = compare(results).pairs
    told = {"a": shown.a, "b": shown.b, "none": "none"}[shown.result.verdict.better]
    assert told == dict(zip(("a", "b", "none"), (*found, "none"), strict=True))[whole]
    ties = [a.values[repeat] == b.values[repeat] for repeat in sorted(a.values.keys() & b.values)]
    return rules(a, b, goal, ties, resolution=design.resolution)


def rules(
    a: ArmValues, b: ArmValues, goal: Goal, ties: list[bool], *, resolution: float = 0.0
) -> Verdicts:
    """What each rule says of two arms: fixed, extended once, and sequential."""

    def at(repeats: int, **options: float) -> str:
        pair = (a.first(repeats), b.first(repeats))
        return compare_arms([pair], goal, resolution=resolution, **options)[0].better

    fixed, extended, looked = at(FIRST), "none", "none"
    done = len(a.values)
    if done >= LOOKS[-1]:
        looked = sequential([(a, b)], goal, resolution=resolution, done=done).pairs[0].better
    if done >= EXTENDED:
        extended = fixed if fixed != "none" else at(EXTENDED, alpha=SECOND_LOOK_ALPHA)
    return Verdicts(fixed, extended, looked, ties)


def seed_of(name: str, what: str, repetition: int) -> int:
    """The seed of a study."""
    entropy = [list(TABLES).index(name), zlib.crc32(what.encode()), repetition]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


Judged = tuple[str, list[Verdicts]]
"""The verdicts about equal arms on a table."""


def measure_equal(name: str, method: str, repeats: int, repetitions: int) -> list[Verdicts]:
    """The verdicts about equal arms on a table, each study with a seed of its own."""
    table, trials = load(name), TRIALS[method]
    seeds = [seed_of(name, method, repetition) for repetition in range(repetitions)]
    return [judge(equal_arms(table, method, trials, seed, repeats=repeats)) for seed in seeds]


def measure_equal_random(name: str, repetitions: int) -> Judged:
    """Equal arms by random search, 9 repeats each."""
    return name, measure_equal(name, "random", EXTENDED, repetitions)


def measure_equal_tpe(name: str, repetitions: int) -> Judged:
    """Equal arms by TPE, 6 repeats each."""
    return name, measure_equal(name, "tpe", FIRST, repetitions)


def rows_equal_random(measured: Sequence[Judged]) -> list[Row]:
    """What equal arms by random search were called."""
    what = f"equal arms, random search of {TRIALS['random']}"
    return [
        *by_ties(f"{what}, {FIRST} repeats", measured, "fixed", FIRST),
        *by_ties(
            f"{what}, {FIRST} repeats, then {EXTENDED} at 0.01", measured, "extended", EXTENDED
        ),
        *by_ties(f"{what}, looks at 6 and 8 (auto)", measured, "sequential", LOOKS[-1]),
    ]


def rows_equal_tpe(measured: Sequence[Judged]) -> list[Row]:
    """What equal arms by TPE were called."""
    what = f"equal arms, TPE of {TRIALS['tpe']}, {FIRST} repeats"
    return by_ties(what, measured, "fixed", FIRST)


def by_ties(what: str, measured: Sequence[Judged], rule: str, repeats: int) -> list[Row]:
    """A row of the tables on which equal arms rarely tie, and one of the others.

    They tie where the defaults win most searches of both arms, and where the best share of right
    answers is 1.
    """
    rarely = [name for name, found in measured if tied(found, repeats) <= MOST_TIES]
    rows = []
    for often in (False, True):
        names = [name for name, _ in measured if (name not in rarely) == often]
        found = [each for name, verdicts in measured if name in names for each in verdicts]
        tables = f"{len(names)} tables" + (" that tie" if often else "")
        told = [getattr(each, rule) != "none" for each in found]
        rows += [false_better(f"{what}, {tables}", told, tied(found, repeats))] if names else []
    return rows


def tied(found: Sequence[Verdicts], repeats: int) -> float:
    """The share of the first repeats in which both arms have the same value."""
    return float(np.mean([each.ties[:repeats] for each in found]))


def measure_equal_at(name: str, repetitions: int) -> list[tuple[bool, bool]]:
    """Equal arms by one search of 40 each, read at 10: whether told apart, and whether both are
    worth exactly the same."""
    table, made = load(name), []
    for each in range(repetitions):
        results = equal_arms(table, "random", K, seed_of(name, "at", each), repeats=1, at=AT)
        (pair,) = compare(results).pairs
        assert pair.test == "jackknife t"
        better = pair.result.verdict.better != "none"
        made.append((better, pair.result.difference.estimate == 0))
    return made


def rows_equal_at(measured: Sequence[list[tuple[bool, bool]]]) -> list[Row]:
    """What equal arms by one long search were called."""
    found = [each for every in measured for each in every]
    what = f"equal arms, one random search of {K} read at {AT}"
    ties = float(np.mean([same for _, same in found]))
    return [false_better(what, [better for better, _ in found], ties)]


def measure_equal_once(name: str, repetitions: int) -> list[bool]:
    """Equal arms by one search each: whether their configurations were told apart."""
    table, told = load(name), []
    for each in range(repetitions):
        seed = seed_of(name, "once", each)
        results = one_search(table, "random", TRIALS["random"], seed, ONCE_SEEDS)
        (pair,) = compare(results).pairs
        told.append(pair.result.verdict.better != "none")
    return told


def rows_equal_once(measured: Sequence[list[bool]]) -> list[Row]:
    """No bound: that one search of each arm tells them apart is why arms need several."""
    told = [each for found in measured for each in found]
    what = f"equal arms, one search of {TRIALS['random']} each and {ONCE_SEEDS} fresh seeds"
    return [Row(f"{what}, {len(measured)} tables", sum(told), len(told))]


KINDS = {
    "equal-once": Kind(measure_equal_once, rows_equal_once, 84),
    "equal-random": Kind(measure_equal_random, rows_equal_random, 126),
    "equal-tpe": Kind(measure_equal_tpe, rows_equal_tpe, 126),
    "equal-at": Kind(measure_equal_at, rows_equal_at, 84),
}
