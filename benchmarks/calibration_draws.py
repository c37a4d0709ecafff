"""Verdicts about arms whose searches are drawn straight from recorded trainings, or made up.

Where thousands of comparisons are needed, the runner is left out: searches draw configurations and
seeds from a table (`calibration_pairs.py`), and only the judging is fairtune's own code.

- *shifted*: two arms of different shape, made equal: the second is moved by the difference of what
  both find on average, known from 20,000 searches. Matched, as the product has it; matched, but
  with a drawn configuration in place of the defaults; and with matching off.
- *shifted-at*: the same for one search of 40 trials read at 10, whose 8 best trials get a fresh
  run; with a seed for each, as the product has it, and with one for all of them, without a bound.
- *fresh-seeds*: equal arms, matching off, whose winners are run on 1, 8 and 30 fresh seeds: the
  mean of the configuration plus residuals that are drawn from those of its recorded seeds.
- *lopsided*: made up differences; both arms have normal noise, one of them fails now and then, and
  its mean is moved so that the arms are equal.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from calibration_arms import AT, EXTENDED, FIRST, TRIALS, K, Verdicts, rules, tied
from calibration_pairs import PAIRS, Cells, Draws, Indices, cells, on_scale, whole
from calibration_rows import MOST_TIES, Kind, Row, false_better
from tables import TABLES, load

from studies.statistics.arm_pairs import ArmValues
from studies.statistics.arm_verdicts import compare_arms
from studies.statistics.intervals import Array
from studies.statistics.resampled_search import Searched, compare_searches, confirmed_top

SEARCHES = 20_000
"""Searches from which it is known what an arm finds on average."""
WORST = 0.12
"""The share of false verdicts that the worst pair may have."""
FRESH = (1, 8, 30)
FAILING, DEPTH, REPEATS = (0.05, 0.1, 0.2), 10.0, (4, 6, 8)
"""Of an arm that fails now and then: the share of its repeats that do, by how many standard
deviations, and how many repeats there are."""


def rng_of(name: str, what: str) -> np.random.Generator:
    """The generator of a case."""
    return np.random.default_rng([list(TABLES).index(name), zlib.crc32(what.encode())])


def expected(arm: Cells, trials: int, rng: np.random.Generator, *, default: bool = True) -> float:
    """What a search of so many trials finds on average."""
    draws = arm.draw(SEARCHES, trials, rng)
    return float(arm.means[arm.winners(draws, default=default)].mean())


def values(found: Array) -> ArmValues:
    """As of repeats 1, 2, ..."""
    return ArmValues(dict(enumerate(map(float, found), start=1)))


@dataclass(frozen=True)
class Shifted:
    """The verdicts about one pair of arms that were made equal."""

    pair: str
    said: Mapping[str, list[Verdicts]]
    """By the way in which the arms were searched."""


MATCHED, UNDEFAULTED, UNMATCHED = "matched", "matched, no defaults", "unmatched"
RULES = {
    "fixed": f"{FIRST} repeats",
    "extended": f"{FIRST} repeats, then {EXTENDED} at 0.01",
    "sequential": "looks at 6 and 8 (auto)",
}
WAYS = {MATCHED: tuple(RULES), UNDEFAULTED: tuple(RULES), UNMATCHED: ("fixed",)}
"""The rules that are told of each way to search."""


def measure_shifted(name: str, repetitions: int) -> list[Shifted]:
    """Every pair of a table."""
    table = load(name)
    return [
        Shifted(
            f"{name}: {pair}",
            {
                way: shifted(*cells(table, pair), f"{name} {pair} {way}", repetitions)
                for way in WAYS
            },
        )
        for pair in PAIRS[name]
    ]


def shifted(a: Cells, b: Cells, what: str, repetitions: int) -> list[Verdicts]:
    """The verdicts about two arms of which the second is moved to be equal to the first."""
    trials, default = TRIALS["random"], UNDEFAULTED not in what
    rng = np.random.default_rng(zlib.crc32(what.encode()))
    move = expected(a, trials, rng, default=default) - expected(b, trials, rng, default=default)
    said = []
    for _ in range(repetitions):
        draws = a.draw(EXTENDED, trials, rng)
        others = a.draw(EXTENDED, trials, rng) if UNMATCHED in what else draws
        x, y = a.found(draws, default=default), b.found(others, default=default)
        ties = [bool(tie) for tie in x == y]
        said.append(rules(values(x), values(y + move), a.goal, ties))
    return said


def rows_shifted(measured: Sequence[list[Shifted]]) -> list[Row]:
    """The pairs that rarely tie, the worst of them, and those that often do."""
    pairs = [pair for each in measured for pair in each]
    rows = []
    for way, told in WAYS.items():
        found = {pair.pair: pair.said[way] for pair in pairs}
        often = {pair: said for pair, said in found.items() if tied(said, EXTENDED) > MOST_TIES}
        rarely = {pair: said for pair, said in found.items() if pair not in often}
        for rule in told:
            what = f"arms moved to be equal, {way}, {RULES[rule]}"
            rows += mean_and_worst(what, rarely, rule) if rarely else []
            rows += mean_and_worst(what, often, rule, often=True)[:1] if often else []
    return rows


def mean_and_worst(
    what: str, found: Mapping[str, list[Verdicts]], rule: str, *, often: bool = False
) -> list[Row]:
    """Two rows: of all pairs, and of the worst."""
    told = {pair: [getattr(v, rule) != "none" for v in said] for pair, said in found.items()}
    ties = tied([each for said in found.values() for each in said], EXTENDED)
    return all_and_worst(f"{what}, {len(found)} pairs{' that tie' if often else ''}", told, ties)


def all_and_worst(what: str, told: Mapping[str, list[bool]], ties: float | None) -> list[Row]:
    """Two rows: of all cases, and of the worst."""
    worst = max(told, key=lambda pair: fmean(told[pair]))
    every = [each for said in told.values() for each in said]
    return [
        false_better(what, every, ties),
        false_better(f"- the worst pair ({worst})", told[worst], bound=WORST),
    ]


@dataclass(frozen=True)
class ShiftedAt:
    """Whether a pair of equal arms was told apart by one long search."""

    pair: str
    shared: list[bool]
    """With one fresh seed for all best trials."""
    own: list[bool]
    """With a fresh seed for each of them."""


def measure_shifted_at(name: str, repetitions: int) -> list[ShiftedAt]:
    """Every pair of a table, matched."""
    table, made = load(name), []
    for pair in PAIRS[name]:
        a, b = cells(table, pair)
        rng = rng_of(name, f"shifted at {pair}")
        move = expected(a, AT, rng, default=False) - expected(b, AT, rng, default=False)
        told: list[list[bool]] = [[], []]
        for _ in range(repetitions):
            draws = a.draw(1, K, rng)
            top = confirmed_top(K, AT)
            own = rng.integers(a.values.shape[1], size=top)
            for fresh, said in zip((np.repeat(draws.fresh, top), own), told, strict=True):
                searches = (searched(a, draws, fresh), searched(b, draws, fresh, move))
                (found,) = compare_searches([searches], AT, a.goal)
                said.append(found.better != "none")
        made.append(ShiftedAt(f"{name}: {pair}", *told))
    return made


def searched(arm: Cells, draws: Draws, fresh: Indices, move: float = 0.0) -> Searched:
    """One search, and the fresh runs of its best trials."""
    chosen, seeds = draws.configurations[0], draws.seeds[0]
    search = arm.values[chosen, seeds]
    best = np.argsort(-search if arm.goal == "maximize" else search, kind="stable")
    confirmed = {
        int(at): float(arm.values[chosen[at], seed]) + move
        for at, seed in zip(best, fresh, strict=False)
    }
    return Searched(search + move, confirmed)


def rows_shifted_at(measured: Sequence[list[ShiftedAt]]) -> list[Row]:
    """All pairs together, and the worst of them."""
    pairs = [pair for each in measured for pair in each]
    what = f"arms moved to be equal, matched, {K} trials read at {AT}"
    shared = {pair.pair: pair.shared for pair in pairs}
    own = {pair.pair: pair.own for pair in pairs}
    not_ours = all_and_worst(
        f"{what}, one fresh seed for all (not the product's way)", shared, None
    )
    return [
        *(replace(row, bound=None) for row in not_ours),
        *all_and_worst(f"{what}, a fresh seed for each", own, None),
    ]


@dataclass(frozen=True)
class FreshSeeds:
    """A comparison of equal arms with each number of fresh seeds."""

    told_apart: list[bool]
    ties: list[float]
    """The share of repeats in which both arms have the same value."""


def measure_fresh_seeds(name: str, repetitions: int) -> list[FreshSeeds]:
    """Equal arms on a table: the same searches with more and more fresh seeds."""
    table = load(name)
    arm, rng = whole(table), rng_of(name, "fresh seeds")
    raw = np.exp(arm.values) if table.goal == "minimize" else arm.values
    made = []
    for _ in range(repetitions):
        winners = [arm.winners(arm.draw(FIRST, TRIALS["random"], rng)) for _ in range(2)]
        drawn = [resampled(raw[chosen], rng) for chosen in winners]
        told, ties = [], []
        for seeds in FRESH:
            a, b = (on_scale(x[:, :seeds], table.goal).mean(axis=1) for x in drawn)
            (pair,) = compare_arms([(values(a), values(b))], table.goal)
            told.append(pair.better != "none")
            ties.append(float((a == b).mean()))
        made.append(FreshSeeds(told, ties))
    return made


def resampled(recorded: Array, rng: np.random.Generator) -> Array:
    """As many fresh runs as are ever needed: the mean of each configuration plus residuals of its
    own seeds; shapes (winners, seeds) and (winners, most)."""
    means = recorded.mean(axis=1, keepdims=True)
    at = rng.integers(recorded.shape[1], size=(len(recorded), max(FRESH)))
    return np.asarray(means + np.take_along_axis(recorded - means, at, axis=1))


def rows_fresh_seeds(measured: Sequence[list[FreshSeeds]]) -> list[Row]:
    """The share of each number of seeds, and by how much the last one has more than the second."""
    told = np.array([each.told_apart for table in measured for each in table])
    ties = np.array([each.ties for table in measured for each in table]).mean(axis=0)
    rows = [
        false_better(f"equal arms, {FIRST} repeats, fresh seeds: {seeds}", list(said), float(tied))
        for seeds, said, tied in zip(FRESH, told.T, ties, strict=True)
    ]
    before, after = told[:, 1].astype(int), told[:, 2].astype(int)
    more, fewer = int((after > before).sum()), int((after < before).sum())
    what = f"- of the verdicts that differ with {FRESH[2]} in place of {FRESH[1]}: became false"
    return [*rows, Row(what, more, more + fewer, 0.5, slack=2)]


@dataclass(frozen=True)
class Lopsided:
    """Comparisons of equal arms of which one fails now and then."""

    repeats: int
    better: Array
    flagged: Array


def measure_lopsided(case: str, repetitions: int) -> list[Lopsided]:
    """One way of failing, for each number of repeats."""
    share, made = float(case), []
    rng = np.random.default_rng(int(100 * share))
    for repeats in REPEATS:
        better, flagged = [], []
        for _ in range(repetitions):
            a, b = rng.standard_normal((2, repeats))
            b += DEPTH * ((rng.random(repeats) < share) - share)
            (pair,) = compare_arms([(values(a), values(b))], "minimize")
            better.append(pair.better != "none")
            flagged.append(pair.lopsided)
        made.append(Lopsided(repeats, np.array(better), np.array(flagged)))
    return made


def rows_lopsided(measured: Sequence[list[Lopsided]]) -> list[Row]:
    """How often told apart: all of them, and those whose differences are called lopsided."""
    rows = []
    for case, found in zip(LOPSIDED, measured, strict=True):
        for each in found:
            what = f"equal, one fails by {DEPTH:g} sd in {float(case):.0%}, {each.repeats} repeats"
            lopsided = each.better[each.flagged]
            rows += [
                Row(what, int(each.better.sum()), len(each.better)),
                Row("- of those called lopsided", int(lopsided.sum()), len(lopsided)),
            ]
    return rows


LOPSIDED = tuple(map(str, FAILING))
KINDS = {
    "shifted": Kind(measure_shifted, rows_shifted, 300),
    "shifted-at": Kind(measure_shifted_at, rows_shifted_at, 100),
    "fresh-seeds": Kind(measure_fresh_seeds, rows_fresh_seeds, 400),
    "lopsided": Kind(measure_lopsided, rows_lopsided, 10_000, LOPSIDED),
}
