"""What a comparison is made of: its arms, their pairs, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studies.records import Trial
from studies.results import Codes, Devices
from studies.statistics import ALPHA, Goal, Interval, verdicts
from studies.study_file.sections import Claim


@dataclass(frozen=True)
class ArmResult:
    """One arm; values are of the metric under comparison."""

    arm: str
    levels: tuple[str, ...]
    search_best: float | None
    """The chosen trial of the search, which looks better than it is; the mean over repeats."""
    default: float | None
    """The trial with the components' defaults; the mean over repeats."""
    winner: Trial | None
    """The trial of the (first) search whose configuration was confirmed, or would be."""
    confirmed: Mapping[int, float]
    """What the arm is compared by: with the claim `configurations` the winner's value by fresh
    seed, with the claim `arms` the mean of each repeat's winner by repeat. What failed is missing
    here."""
    failures: int
    """Fresh runs that ended without a value."""
    mean: Interval
    """Of the confirmed values; of logarithms it is the geometric mean."""
    selection_bias: float | None
    """How much better the winners looked in the search than on fresh seeds of the same part."""
    test: Mapping[int, float]
    """The same metric of the test part, by fresh seed."""
    outcomes: Mapping[str, int]
    """How the trials of the search ended."""
    epochs: int
    seconds: float
    epochs_to_reference: int | None
    """Epochs of the (first) search until a trial was as good as the worst arm's best."""
    seconds_to_reference: float | None
    lost: tuple[int, ...] = ()
    """Repeats that gave the arm nothing."""

    @property
    def test_mean(self) -> float | None:
        """Mean over the fresh runs of the metric of the test part."""
        return sum(self.test.values()) / len(self.test) if self.test else None


@dataclass(frozen=True)
class PairResult:
    """Two arms in the order of the comparison; differences are a - b."""

    a: str
    b: str
    result: verdicts.PairedResult
    deviation: float
    """Standard deviation of the differences; NaN below two."""
    wins: int
    """Seeds, or repeats, in which `a` is better."""
    ties: int
    withheld: str
    """Why the leading arm is not called better although its values allow it; else empty."""
    detectable: float
    """The smallest true difference that is shown with probability 0.8 by as many seeds, or
    repeats; infinite where they allow no verdict at all."""
    seeds_needed: int | None
    """Seeds that would show the observed difference with probability 0.8, if there are so few."""
    repeats: int = 1
    """Repeats in which both arms have a value."""
    repeats_needed: int | None = None
    """Repeats that would show the observed difference with probability 0.8."""
    lopsided: bool = False
    """Whether the differences are too lopsided for so few of them."""
    lost_a: int = 0
    lost_b: int = 0
    look: int | None = None
    """The look, in repeats, at which a sequential comparison decided or closed the pair."""
    test: str = "sign-flip test"


@dataclass(frozen=True)
class Basis:
    """The claim of a comparison and the searches, seeds and rows that it rests on."""

    claim: Claim | None
    part: str
    """`test` or `validation`: whose rows the values are of."""
    trials: int | None
    """Trials of each search, where the budget counts them."""
    epochs: int | None = None
    """Epochs of each search, where the budget counts those; with neither it is a whole grid."""
    searches: int = 1
    """Searches of each arm that count: whole repeats."""
    planned: int = 1
    """Searches that were planned."""
    seeds: int = 0
    """Fresh seeds of every winner."""
    splits: int = 1
    """Different splits of the rows."""
    rows: int | None = None
    """Rows of the smallest part that values are of."""
    resolution: float = 0.0
    """The least by which two values can differ: one row; 0 where that is not known."""
    level: float = ALPHA
    """The level of this look, over all pairs."""
    looks: tuple[int, ...] = ()
    """Numbers of repeats at which a verdict was made, this one included."""
    sequential: bool = False
    at: int | None = None
    """The budget that one long search is read at."""
    against: str | None = None
    logarithms: bool = False
    """Whether values are compared as logarithms, so that effects are ratios."""
    scale_note: str = ""
    """Why they are not, where that is usual or was asked for."""
    why_none: str = ""
    """Why no verdict is given of any pair."""


@dataclass(frozen=True)
class Comparison:
    """A study's arms in the order of their means, and every pair that is compared."""

    study: str
    factors: tuple[str, ...]
    metric: str
    goal: Goal
    arms: Sequence[ArmResult]
    pairs: Sequence[PairResult]
    reference: float | None
    """The worst arm's best value of the search."""
    missing: Sequence[str]
    """What is not known yet, and the way to it."""
    design: Basis = field(default_factory=lambda: Basis(None, "validation", None))
    codes: Codes = field(default_factory=dict)
    """The versions of the user's own code that the trials ran with."""
    devices: Devices = field(default_factory=Devices)
    """The kinds of device that the trials ran on."""

    @property
    def lost(self) -> Mapping[str, Sequence[int]]:
        """The lost repeats of every arm that has any."""
        return {arm.arm: arm.lost for arm in self.arms if arm.lost}


def winner(pair: PairResult) -> str:
    """The arm that is better; empty where none is."""
    return {"a": pair.a, "b": pair.b, "none": ""}[pair.result.verdict.better]


def loser(pair: PairResult) -> str:
    """The arm that is worse; empty where none is."""
    return {"a": pair.b, "b": pair.a, "none": ""}[pair.result.verdict.better]
