"""The design of a comparison: what is claimed, from how many searches, on which split.

Everything here is fixed before a study starts; the file's defaults are filled in and what does not
go together is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lightning_modules.components import suggestion
from lightning_modules.errors import Problem, shown
from studies.statistics import LOOKS, MIN_REPEATS
from studies.statistics.levels import FUTILE, LOOK_ALPHA, REPEATS
from studies.study_file.sections import Claim, CompareSection, ConfirmSection, SearchSection

Split = Literal["per_repeat", "fixed"]
Scale = Literal["auto", "log", "raw"]
SPLITS: tuple[Split, ...] = ("per_repeat", "fixed")
SCALES: tuple[Scale, ...] = ("auto", "log", "raw")
TRIALS, TRIALS_PER_REPEAT = 20, 8
"""Trials of a search where the file does not say: alone, and as one of several repeats."""
TRIALS_PER_BUDGET = 4
"""A search that is read as "what N trials would have found" has at least so many times N."""


@dataclass(frozen=True)
class LookPlan:
    """How a sequential comparison looks: fixed before the start, and recorded with the study."""

    looks: tuple[int, ...] = LOOKS
    level: float = LOOK_ALPHA
    futile: float = FUTILE


@dataclass(frozen=True)
class Design:
    """What a comparison claims and from what; resolved, nothing is left to a default."""

    claim: Claim | None
    """None where nothing is compared."""
    repeats: int
    """Independent searches of each arm; the most that there may be where they are sequential."""
    sequential: bool
    """Whether verdicts are looked for after 6 and 8 repeats."""
    against: str | None
    """The arm that all others are compared with; None for every pair."""
    at: int | None
    """The budget N that one long random search is read at; None where repeats are the unit."""
    scale: Scale
    split: Split
    top: int
    """Configurations of each search that train on fresh seeds."""
    seeds: int | None
    """Fresh seeds for each of them; None for the smallest number that allows a verdict."""
    cross: bool
    """Whether the leading arm's best winners train on the other splits."""
    plan: LookPlan = LookPlan()
    """The looks of a sequential comparison."""

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of repeats after which a verdict is made; at most the last is left out."""
        return self.plan.looks if self.sequential else (self.repeats,)

    @property
    def by_repeats(self) -> bool:
        """Whether the unit of a verdict about arms is the repeat."""
        return self.claim == "arms" and self.repeats > 1


def design(
    search: SearchSection,
    compare: CompareSection | None,
    confirm: ConfirmSection | None,
    claim: Claim | None,
    *,
    split: Split | None,
    scale: Scale | None,
) -> Design:
    """The design of a file whose keys are right."""
    arms = claim == "arms"
    at = compare.at if compare else None
    confirmed = confirm is not None
    sequential = search.repeats == "auto"
    repeats = REPEATS if arms and confirmed and at is None else 1
    if search.repeats == "auto":
        repeats = LOOKS[-1]
    elif search.repeats is not None:
        repeats = search.repeats
    confirm = confirm or ConfirmSection()
    top = confirm.top or 1
    if at is not None:
        top = math.ceil(2 * (search.trials or max(TRIALS, TRIALS_PER_BUDGET * at)) / at)
    seeds = 1 if arms else None
    return Design(
        claim=claim,
        repeats=repeats,
        sequential=sequential,
        against=compare.against if compare else None,
        at=at,
        scale=scale or "auto",
        split=split or ("per_repeat" if repeats > 1 else "fixed"),
        top=top,
        seeds=seeds if confirm.seeds == "auto" else confirm.seeds,
        cross=confirm.cross,
    )


def default_trials(search: SearchSection, made: Design) -> int:
    """Trials of each search; the defaults of a search that is read at N are none of them."""
    if made.at is not None:
        return search.trials or max(TRIALS, TRIALS_PER_BUDGET * made.at)
    return search.trials or (TRIALS_PER_REPEAT if made.repeats > 1 else TRIALS)


def design_problems(
    search: SearchSection,
    compare: CompareSection | None,
    confirm: ConfirmSection | None,
    claim: Claim | None,
    arms: Sequence[str],
    sampler: str,
    pruner: str,
) -> Iterator[Problem]:
    """What does not go together, with the way out."""
    if search.repeats == "auto" and (claim != "arms" or confirm is None):
        yield Problem(
            ("search", "repeats"),
            "auto needs verdicts about arms to look for; write compare.claim: arms with confirm, "
            "or a number",
        )
    if claim == "configurations" and search.repeats not in (None, 1, "auto"):
        yield Problem(
            ("search", "repeats"),
            "does not go with compare.claim: configurations, which compares what one search of "
            "each arm found; write search.repeats: 1, or claim arms",
        )
    if compare is None:
        return
    if compare.against is not None and arms and compare.against not in arms:
        hint = suggestion(compare.against, arms) or "; the arms are " + ", ".join(arms)
        yield Problem(("compare", "against"), f"there is no arm {shown(compare.against)}{hint}")
    if compare.at is not None:
        yield from _problems_at(compare.at, search, confirm, claim, sampler, pruner)


def _problems_at(
    at: int,
    search: SearchSection,
    confirm: ConfirmSection | None,
    claim: Claim | None,
    sampler: str,
    pruner: str,
) -> Iterator[Problem]:
    here = ("compare", "at")
    if claim != "arms":
        yield Problem(here, "is about arms; drop it, or write compare.claim: arms")
    if sampler != "random" or pruner != "none":
        yield Problem(
            here,
            "reads independent draws that were trained to their end; write search.method: random "
            "and search.pruner: none, or drop at",
        )
    if search.epochs is not None:
        yield Problem(here, "counts trials; write search.trials in place of search.epochs")
    if search.trials is not None and search.trials < TRIALS_PER_BUDGET * at:
        yield Problem(
            here,
            f"needs a search of at least {TRIALS_PER_BUDGET} times as many trials: write "
            f"search.trials: {TRIALS_PER_BUDGET * at}, or a smaller at",
        )
    if search.repeats == "auto":
        yield Problem(here, "does not go with search.repeats: auto; write a number of repeats")
    elif search.repeats is not None and 1 < search.repeats < MIN_REPEATS:
        yield Problem(
            here,
            f"takes one search, or {MIN_REPEATS} repeats and more of which each is a unit; got "
            f"{search.repeats}",
        )
    if confirm is not None and confirm.top is not None:
        yield Problem(("confirm", "top"), "does not go with compare.at, which decides it; drop top")


def take_choice(
    node: Any, section: str, key: str, known: Sequence[str]
) -> tuple[Any, str | None, list[Problem]]:
    """Take a key of the driver's out of a section of the configuration: the section without it, its
    value, and what is wrong with it.

    The alternatives of a section must agree on it. A class of the user's keeps a value of that name
    that is none of the known ones.
    """
    found: dict[tuple[str | int, ...], Any] = {}

    def without(item: Any, path: tuple[str | int, ...]) -> Any:
        if not isinstance(item, Mapping) or key not in item:
            return item
        value = item[key]
        if "class" in item and value not in known:
            return item
        found[(*path, key)] = value
        return {name: each for name, each in item.items() if name != key}

    if isinstance(node, list):
        rest: Any = [without(item, (section, index)) for index, item in enumerate(node)]
    else:
        rest = without(node, (section,))
    problems = [
        Problem(path, f"must be {' or '.join(known)}, got {shown(value)}")
        for path, value in found.items()
        if value not in known
    ]
    if not problems and len(set(found.values())) > 1:
        path = next(iter(found))
        problems = [Problem(path, "must be the same for every alternative")]
    value = next(iter(found.values()), None)
    return rest, (None if problems else value), problems
