"""The tables of a report, as texts; the page and the Markdown show the same ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightning_modules.configuration import Configuration
from studies import document
from studies.arms import arms
from studies.comparison import ArmResult, Comparison, PairResult
from studies.records import Outcome
from studies.results import StudyResults
from studies.space import Alternatives, Choice, Range
from studies.wording import amount, duration, interval, level, unit, value_text


@dataclass(frozen=True)
class Table:
    """A head, rows of texts, and what a reader must know of them."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    arms: Sequence[str] = ()
    """The arm of every row, whose colour it gets."""
    wide: Sequence[int] = ()
    """Columns of prose; all others hold figures and short names."""


@dataclass(frozen=True)
class Chosen:
    """The configuration that an arm's search chose."""

    arm: str
    trial: str
    values: Mapping[str, str]
    """What the search chose, by its place in the configuration."""
    file: str
    """The whole configuration as a study file."""


def ranking(comparison: Comparison) -> Table:
    """A row per arm, the best confirmed mean first."""
    metric = comparison.metric
    points = f"optimism ({unit(metric)})"
    head = [
        " × ".join(comparison.factors) or "study",
        "confirmed mean (95 %)",
        "seeds",
        "test mean",
        "search best",
        points,
        "untuned",
        "epochs",
        "time",
        "epochs to reference",
    ]
    rows = [
        [
            arm.arm or comparison.study,
            interval(metric, arm.mean),
            _seeds(arm),
            level(metric, arm.test_mean),
            level(metric, arm.search_best),
            "–" if arm.optimism is None else amount(metric, arm.optimism, signed=True),
            level(metric, arm.default),
            str(arm.epochs),
            duration(arm.seconds),
            "–" if arm.epochs_to_reference is None else str(arm.epochs_to_reference),
        ]
        for arm in comparison.arms
    ]
    note = f"All values are {metric}, to {comparison.goal}, at the best epoch of a training."
    if comparison.reference is not None:
        note += (
            f" The reference is {level(metric, comparison.reference)}, the worst arm's best value "
            "of the search; epochs and time are those of the search."
        )
    return Table(head, rows, note, [arm.arm for arm in comparison.arms])


def _seeds(arm: ArmResult) -> str:
    failed = f" ({arm.failures} failed)" if arm.failures else ""
    return f"{len(arm.confirmed)}{failed}"


def pairs(comparison: Comparison) -> Table:
    """A row per pair of arms, in the order of the ranking."""
    metric = comparison.metric
    head = [
        "A",
        "B",
        f"A − B ({unit(metric)})",
        "95 % interval",
        "method",
        "p",
        "p after Holm",
        "P(A better)",
        "verdict",
        "seeds",
        "detectable",
        "seeds needed",
    ]
    note = (
        "P(A better) is the share of seeds in which A is better, ties counting half. Detectable is "
        f"the smallest difference ({unit(metric)}) that so many seeds show 8 times in 10; seeds "
        "needed is how many would show the observed difference 8 times in 10, if it is the true "
        "one; “none” where no thousand would."
    )
    return Table(head, [_pair(metric, pair) for pair in comparison.pairs], note)


def _pair(metric: str, pair: PairResult) -> list[str]:
    result = pair.result
    difference, share = result.difference, result.probability_a_better.estimate
    known = math.isfinite(difference.estimate)
    bounded = math.isfinite(difference.low)
    low, high = (amount(metric, bound, signed=True) for bound in (difference.low, difference.high))
    words = {"a": f"{pair.a} is better", "b": f"{pair.b} is better"}
    detectable = amount(metric, pair.detectable) if math.isfinite(pair.detectable) else "–"
    return [
        pair.a,
        pair.b,
        amount(metric, difference.estimate, signed=True) if known else "–",
        f"{low} to {high}" if bounded else "–",
        difference.method,
        f"{result.p:.2g}",
        f"{result.p_holm:.2g}",
        f"{share:.0%}" if math.isfinite(share) else "–",
        words.get(result.verdict.better, "no detectable difference"),
        str(result.seeds),
        detectable,
        "none" if pair.seeds_needed is None else str(pair.seeds_needed),
    ]


def chosen(results: StudyResults) -> list[Chosen]:
    """Every arm's configuration that was confirmed, or would be."""
    found = []
    for arm in arms(results.spec):
        trial, _ = results.winner(arm.name)
        if trial is None:
            continue
        values = arm.space.chosen(Configuration.resolve(trial.configuration).flat())
        tree = {"study": f"{results.study}-best", **trial.configuration}
        texts = {path: value_text(value) for path, value in values.items()}
        found.append(Chosen(arm.name, trial.key, texts, document.dump(tree)))
    return found


def configurations(results: StudyResults, found: Sequence[Chosen]) -> Table:
    """A row per arm; the columns are the places of all that was searched."""
    places = list(dict.fromkeys(path for each in found for path in each.values))
    rows = [
        [each.arm or results.study, each.trial, *(each.values.get(path, "–") for path in places)]
        for each in found
    ]
    note = (
        "Values to four digits; what no search chose is as the study file and the components' "
        "defaults have it."
    )
    head = [" × ".join(results.spec.factors) or "study", "trial", *places]
    return Table(head, rows, note, [each.arm for each in found])


def search_space(results: StudyResults) -> Table:
    """A row per range; one that all arms share has one row."""
    found: dict[tuple[str, str, str], list[str]] = {}
    made = arms(results.spec)
    for arm in made:
        untuned = arm.space.default()
        for name, node in arm.space.parameters():
            start = value_text(untuned[name]) if name in untuned else "–"
            found.setdefault((name, _range(node), start), []).append(arm.name)
    everyone = [arm.name for arm in made]
    rows = [
        ["all" if names == everyone else ", ".join(names), name, range_, start]
        for (name, range_, start), names in found.items()
    ]
    return Table(["arm", "parameter", "range", "untuned"], rows, wide=[0, 2])


def _range(node: Range | Choice | Alternatives) -> str:
    if isinstance(node, Choice):
        return "one of " + ", ".join(value_text(value) for value in node.values)
    if isinstance(node, Alternatives):
        return "one of " + ", ".join(node.options)
    said = f"{value_text(node.low)} to {value_text(node.high)}"
    if node.num is not None:
        said += f", {node.num} points"
    if node.step is not None:
        said += f", steps of {node.step:g}"
    return (
        said + (", logarithmic" if node.log else "") + (", whole numbers" if node.integer else "")
    )


def outcomes(results: StudyResults) -> Table:
    """How the trials of every arm and phase ended."""
    met = {trial.outcome for trial in results.ended}
    columns = [outcome for outcome in Outcome if outcome in met]
    rows, names = [], []
    for phase in ("search", "confirm"):
        for arm in results.arms:
            trials = [t for t in results.ended if (t.phase, t.arm) == (phase, arm)]
            if not trials:
                continue
            counts = [sum(trial.outcome == outcome for trial in trials) for outcome in columns]
            reused = sum(trial.twin is not None for trial in trials)
            epochs = sum(trial.epochs for trial in trials)
            seconds = duration(sum(trial.seconds for trial in trials))
            figures = map(str, (*counts, reused, epochs))
            rows.append([arm or results.study, phase, *figures, seconds])
            names.append(arm)
    head = ["arm", "phase", *(outcome.value for outcome in columns), "reused", "epochs", "time"]
    note = "Reused: a configuration that had been trained before, whose result was taken."
    return Table(head, rows, note, names)


def environment(results: StudyResults) -> Table:
    """Versions of the packages, and the machine."""
    devices = sorted({trial.device for trial in results.ended if trial.device})
    rows = [["trained on", ", ".join(devices)]] if devices else []
    rows += [[name, value] for name, value in results.hardware.items()]
    rows += [[name, version] for name, version in results.versions.items()]
    return Table(["of the last run", ""], rows, wide=[1])
