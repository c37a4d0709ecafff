"""What a study found, on one card: the claim, the arm that leads, its configuration, and what to
do next."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from studies.analysis import Comparison, PairResult, winner
from studies.home import home_option
from studies.reporting.tables import ConfigurationToUse
from studies.results import StudyResults, level_words, plural
from studies.results.commands import command
from studies.results.wording import interval
from studies.sentences.effects import effect, spread
from studies.sentences.expectation import expectation
from studies.study_file import is_program

SHOWN = 4
"""Parameters on the card."""
FIRST = ("optimizer.lr",)
"""Parameters that come before the others."""
COMMAND = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Answer:
    """What a study found."""

    sentence: str
    """The claim with its uncertainty."""
    leader: str
    """The arm of the configuration to use; empty where there is none, or one arm without a name."""
    level: str
    """What to expect of it, with its interval; empty where nothing has completed."""
    metric: str
    parameters: Sequence[tuple[str, str]]
    """The first of those that were searched, by their places."""
    others: int
    """How many more there are."""
    trial: str
    """The trial that found it; empty where there is none."""
    file: str
    """The whole configuration as a study file."""
    why: str
    """What the next command is for."""
    command: str


def answer(
    results: StudyResults,
    comparison: Comparison,
    headline: str,
    advice: Sequence[str],
    use: ConfigurationToUse | None,
) -> Answer:
    """The card of a study, from what its report says."""
    expected = expectation(results)
    values = dict(use.winner.values) if use is not None else {}
    order = sorted(values, key=lambda path: path not in FIRST)
    why, line = _next(results, advice)
    return Answer(
        sentence=headline.rstrip(".") + _margin(comparison) + ".",
        leader=use.winner.arm if use is not None else "",
        level="" if expected is None else interval(expected.metric, expected.interval),
        metric="" if expected is None else expected.metric,
        parameters=[(path, values[path]) for path in order[:SHOWN]],
        others=max(0, len(values) - SHOWN),
        trial=use.winner.trial if use is not None else "",
        file=use.winner.file if use is not None else "",
        why=why,
        command=line,
    )


def _margin(comparison: Comparison) -> str:
    """How large the difference is that a sentence on several arms rests on, with its interval; a
    single pair's sentence says it itself."""
    known = [p for p in comparison.pairs if math.isfinite(p.result.difference.estimate)]
    if len(comparison.pairs) < 2 or comparison.design.why_none or not known:
        return ""
    by_winner: dict[str, list[PairResult]] = {}
    for pair in comparison.pairs:
        if better := winner(pair):
            by_winner.setdefault(better, []).append(pair)
    for better, pairs in by_winner.items():
        if len(pairs) == len(comparison.arms) - 1 > 1:
            closest = min(pairs, key=_size)
            if closest not in known:  # an arm that came to nothing has no distance
                return ""
            behind = _behind(comparison, closest, better)
            return f"; {behind} comes closest: {_effect(comparison, closest)}"
    decided = [pair for pair in known if winner(pair)]
    widest = max(decided or known, key=_size)
    found = widest.result.difference.estimate
    if decided:
        better = winner(widest)
        behind = _behind(comparison, widest, better)
        return f"; {better} {_effect(comparison, widest)} over {behind}"
    leads = (found > 0) == (comparison.goal == "maximize")
    ahead = widest.a if leads else widest.b
    behind = _behind(comparison, widest, ahead)
    said = _effect(comparison, widest)
    return f"; the largest difference observed: {ahead} {said} over {behind}"


def _size(pair: PairResult) -> float:
    return abs(pair.result.difference.estimate)


def _behind(comparison: Comparison, pair: PairResult, ahead: str) -> str:
    other = pair.b if pair.a == ahead else pair.a
    claims_configurations = comparison.design.claim == "configurations"
    return f"the one found for {other}" if claims_configurations else other


def _effect(comparison: Comparison, pair: PairResult) -> str:
    found, level = pair.result.difference, level_words(comparison.design.level)
    interval = f"{level} interval {spread(comparison, found)}"
    return f"{effect(comparison, found.estimate)} ({interval})"


def _next(results: StudyResults, advice: Sequence[str]) -> tuple[str, str]:
    """What to do next, and the command for it."""
    if not results.finished:
        running = results.home.driver(results.study)
        stopped = " once it has stopped" if running else ""
        return f"the same command continues it{stopped}", command(results)
    for text in advice:
        if found := COMMAND.search(text):
            why = text[: found.start()].strip(" :").rstrip(",;")
            return why[:1].lower() + why[1:] or "buy more", found[1]
    home = home_option(results.home.path)
    study = shlex.quote(results.study)
    if results.ranking and any(map(is_program, results.spec.configurations)):
        return "print the whole configuration", f"fairtune best {study}{home}"
    if results.ranking:
        return "give its network a name in MLflow's registry", f"fairtune promote {study}{home}"
    ended = plural(len(results.ended), "trial")
    return f"see why {ended} came to nothing", f"fairtune status {study}{home}"
