"""The tables of a report, as texts; the page and the Markdown show the same ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lightning_modules.configuration import Configuration
from studies.analysis import (
    ArmResult,
    Comparison,
    PairResult,
    choose,
    configuration_of,
    recommended,
)
from studies.records import Outcome, Trial
from studies.results import (
    StudyResults,
    amount,
    duration,
    in_unit,
    level,
    level_words,
    plural,
    value_text,
)
from studies.results.wording import interval
from studies.sentences import MATCHED, signed
from studies.sentences.claim_words import claim_words, interval_words, verdict_words
from studies.sentences.description import PHASES
from studies.sentences.effects import percent, signed_spread
from studies.sentences.expectation import expectation
from studies.study_file import Alternatives, Arm, Choice, Range, document


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
    repeat: int = 1
    split: str = ""
    """The seed of the split of its search."""


@dataclass(frozen=True)
class Use:
    """The configuration of a study to use."""

    chosen: Chosen
    how: str
    """Which trial it is, and how it was chosen."""
    network: str
    """Which trained network stands for it."""
    expected: str
    """What to expect of it, and what that rests on."""


def ranking(comparison: Comparison) -> Table:
    """A row per arm, the best confirmed mean first."""
    words = claim_words(comparison)
    columns = _ranking_columns(comparison)
    head = [words.first, *columns]
    rows = [
        [arm.arm or comparison.study, *(cell(arm) for cell in columns.values())]
        for arm in comparison.arms
    ]
    return Table(head, rows, _ranking_note(comparison), [arm.arm for arm in comparison.arms])


Cell = Callable[[ArmResult], str]


def _ranking_columns(comparison: Comparison) -> dict[str, Cell]:
    """What is told of every arm, by the heads of its columns."""
    metric, design, words = comparison.metric, comparison.design, claim_words(comparison)
    several = design.planned > 1
    columns: dict[str, Cell] = {
        f"{metric}, {words.mean} (95 %)": lambda arm: interval(metric, arm.mean),
    }
    if several:
        columns["searches"] = lambda arm: str(
            len(arm.confirmed) if design.seeds else design.searches
        )
        columns["lost"] = lost_words
    elif design.at is None:
        columns["seeds"] = _seeds
    if design.part != "test" and any(arm.test for arm in comparison.arms):
        columns["test mean"] = lambda arm: level(metric, arm.test_mean)
    columns["search best"] = lambda arm: level(metric, arm.search_best)
    columns[f"selection bias{in_unit(metric)}"] = lambda arm: (
        "–" if arm.selection_bias is None else amount(metric, arm.selection_bias, signed=True)
    )
    columns["defaults"] = lambda arm: level(metric, arm.default)
    columns["epochs"] = lambda arm: str(arm.epochs)
    columns["time"] = lambda arm: duration(arm.seconds)
    if not several:
        columns["epochs to reference"] = lambda arm: (
            "–" if arm.epochs_to_reference is None else str(arm.epochs_to_reference)
        )
    return columns


def lost_words(arm: ArmResult) -> str:
    """How many repeats gave an arm nothing, and which."""
    which = ", ".join(map(str, arm.lost))
    return f"{len(arm.lost)} ({which})" if arm.lost else "0"


def _ranking_note(comparison: Comparison) -> str:
    metric, design, words = comparison.metric, comparison.design, claim_words(comparison)
    several = design.planned > 1
    said = f"{words.about} {metric} is to {comparison.goal}, at the best epoch of a training"
    if several and design.seeds:
        said += f", from {plural(design.seeds, 'fresh seed')} of each winner"
    said += "."
    if several and comparison.lost:
        said += (
            " A lost repeat found nothing for the arm: it is in no mean and counts against it, and "
            "arms that lost fewer come first."
        )
    if design.part == "test":
        said += " Search best, selection bias and defaults are of the validation part."
    said += (
        " Selection bias is how much better the winner looked in its search than on "
        "fresh seeds of the same part."
    )
    if not several and comparison.reference is not None:
        said += (
            f" The reference is {level(metric, comparison.reference)}, the least that any search "
            "found; epochs and time are those of the search."
        )
    return said


def _seeds(arm: ArmResult) -> str:
    failed = f" ({arm.failures} failed)" if arm.failures else ""
    return f"{len(arm.confirmed)}{failed}"


def pairs(comparison: Comparison) -> Table:
    """A row per pair of arms, in the order of the ranking."""
    design, words = comparison.design, claim_words(comparison)
    columns = _pair_columns(comparison)
    if words.unit == MATCHED:
        return Table(
            list(columns),
            [[cell(pair) for cell in columns.values()] for pair in comparison.pairs],
            f"The searches are read at {design.at} trials; their trials are matched by number.",
            wide=[list(columns).index("verdict")],
        )
    said = (
        f"A and B stand in the order of the arms above. A better in: the share of {words.units} in "
        "which A's value is better, ties counting half. "
    )
    if design.logarithms:
        said += "Effects are ratios: how many percent A's value lies above B's, or below it. "
    if any(pair.lopsided for pair in comparison.pairs):
        said += (
            "Lopsided: the differences are skewed and few, so that the test finds a difference "
            "too often. "
        )
    what = f"difference{' (%)' if design.logarithms else in_unit(comparison.metric)}"
    said += f"Detectable is the smallest {what} that so many {words.units} show 8 times in 10"
    if design.claim == "configurations":
        said += (
            "; seeds needed is how many would show the observed difference 8 times in 10, if it "
            "is the true one; “–” where more than 1,000 would be needed"
        )
    elif "repeats needed" in columns:
        said += (
            "; repeats needed is how many would show the observed difference 8 times in 10 at a "
            "second look, if it is the true one; “–” where more than 1,000 would be needed"
        )
    return Table(
        list(columns),
        [[cell(pair) for cell in columns.values()] for pair in comparison.pairs],
        f"{said}. Differences have {interval_words(comparison)}.",
        wide=[list(columns).index("verdict")],
    )


PairCell = Callable[[PairResult], str]


def _pair_columns(comparison: Comparison) -> dict[str, PairCell]:
    """What is told of every pair, by the heads of its columns."""
    design, metric = comparison.design, comparison.metric
    ofs = ("found for A", "found for B") if design.claim == "configurations" else ("A", "B")
    effect = "A above B (%)" if design.logarithms else f"A − B{in_unit(metric)}"
    columns: dict[str, PairCell] = {
        ofs[0]: lambda pair: pair.a,
        ofs[1]: lambda pair: pair.b,
        effect: lambda pair: signed(comparison, pair.result.difference.estimate),
        f"{level_words(design.level)} interval": lambda pair: signed_spread(
            comparison, pair.result.difference
        ),
        "test": lambda pair: pair.test + (", lopsided" if pair.lopsided else ""),
        "p": lambda pair: _p(pair, pair.result.p),
        "p after Holm": lambda pair: _p(pair, pair.result.p_holm),
    }
    counted = claim_words(comparison).unit != MATCHED
    if counted:
        columns["A better in"] = lambda pair: _share(pair.result.probability_a_better.estimate)
    columns["verdict"] = lambda pair: verdict_words(comparison, pair)
    if not counted:
        return columns
    if design.claim == "configurations":
        columns["seeds"] = lambda pair: str(pair.result.seeds)
    else:
        columns[claim_words(comparison).units] = lambda pair: str(pair.repeats)
    if design.sequential:
        columns["closed after"] = lambda pair: "open" if pair.look is None else str(pair.look)
    columns["detectable"] = lambda pair: _detectable(comparison, pair)
    if design.claim == "configurations":
        columns["seeds needed"] = lambda pair: (
            "–" if pair.seeds_needed is None else str(pair.seeds_needed)
        )
    elif any(pair.repeats_needed is not None for pair in comparison.pairs):
        columns["repeats needed"] = lambda pair: (
            "–" if pair.repeats_needed is None else str(pair.repeats_needed)
        )
    return columns


def _p(pair: PairResult, p: float) -> str:
    return f"{p:.2g}" if math.isfinite(p) and pair.test != "none" else "–"


def _share(share: float) -> str:
    return f"{share:.0%}" if math.isfinite(share) else "–"


def _detectable(comparison: Comparison, pair: PairResult) -> str:
    if not math.isfinite(pair.detectable):
        return "–"
    if comparison.design.logarithms:
        return percent(comparison, pair.detectable)
    return amount(comparison.metric, pair.detectable)


def chosen(results: StudyResults) -> list[Chosen]:
    """The winner of every search, which was confirmed or would be, by arm and repeat."""
    found = []
    for arm in results.spec.arms:
        for repeat in range(1, results.spec.repeats + 1):
            trial, _ = results.winner(arm.name, repeat)
            if trial is not None:
                found.append(_chosen(results, arm, trial))
    return found


def _chosen(results: StudyResults, arm: Arm, trial: Trial) -> Chosen:
    values = arm.space.open_values_of(Configuration.of(trial.configuration).flat())
    tree = {"study": f"{results.study}-best", **configuration_of(trial).to_dict()}
    texts = {path: value_text(value) for path, value in values.items()}
    split = trial.split_seed
    return Chosen(
        arm.name,
        trial.key,
        texts,
        document.dump(tree),
        repeat=trial.repeat,
        split="–" if split is None else str(split),
    )


def configurations(results: StudyResults, found: Sequence[Chosen]) -> Table:
    """A row per winner; the columns are the places of all that was searched."""
    several = results.spec.repeats > 1
    places = list(dict.fromkeys(path for each in found for path in each.values))
    rows = [
        [
            each.arm or results.study,
            *([str(each.repeat), each.split] if several else []),
            each.trial,
            *(each.values.get(path, "–") for path in places),
        ]
        for each in found
    ]
    note = (
        "Values to four digits; what no search chose is as the study file and the components' "
        "defaults have it."
    )
    if several:
        note = f"A row is the winner of one search; split is the seed of its rows. {note}"
    where = ["repeat", "split"] if several else []
    head = [" × ".join(results.spec.factors) or "study", *where, "trial", *places]
    return Table(head, rows, note, [each.arm for each in found])


def to_use(results: StudyResults) -> Use | None:
    """The configuration to use; None where no trial has completed."""
    best = recommended(results)
    if best is None:
        return None
    arm = next(arm for arm in results.spec.arms if arm.name == best.trial.arm)
    whose = f"{best.trial.arm}'s" if best.trial.arm else "the"
    if best.repeats:
        how = (
            f"of the winners of {whose} {plural(best.repeats, 'search', 'searches')} the one that "
            f"is best by validation on all splits that it has met, in "
            f"{plural(best.seeds, 'fresh run')}"
        )
    elif best.seeds:
        one = "the configuration that the search found"
        if best.trial.arm:
            one = f"the configuration found for {best.trial.arm}, which has the best mean of all"
        how = f"{one}, with {plural(best.seeds, 'fresh seed')}"
    else:
        how = "the best trial of the search, which looks better than it is: it was not confirmed"
    expected = expectation(results)
    return Use(
        _chosen(results, arm, best.trial),
        how=f"{best.trial.key}: {how}",
        network=f"The network to use: {choose(results).words}",
        expected="" if expected is None else expected.words,
    )


def search_space(results: StudyResults) -> Table:
    """A row per range; one that all arms share has one row."""
    found: dict[tuple[str, str, str], list[str]] = {}
    made = results.spec.arms
    for arm in made:
        defaults = arm.space.default()
        for name, node in arm.space.parameters():
            start = value_text(defaults[name]) if name in defaults else "–"
            found.setdefault((name, _range(node), start), []).append(arm.name)
    everyone = [arm.name for arm in made]
    rows = [
        ["all" if names == everyone else ", ".join(names), name, range_, start]
        for (name, range_, start), names in found.items()
    ]
    return Table(["arm", "parameter", "range", "default"], rows, wide=[0, 2])


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
    for phase in PHASES:
        for arm in results.arms:
            trials = [t for t in results.ended if (t.phase, t.arm) == (phase, arm)]
            if not trials:
                continue
            counts = [sum(trial.outcome == outcome for trial in trials) for outcome in columns]
            reused = sum(trial.duplicate_of is not None for trial in trials)
            epochs = sum(trial.epochs for trial in trials)
            seconds = duration(sum(trial.seconds for trial in trials))
            figures = map(str, (*counts, reused, epochs))
            rows.append([arm or results.study, phase, *figures, seconds])
            names.append(arm)
    head = ["arm", "phase", *(outcome.value for outcome in columns), "reused", "epochs", "time"]
    note = "Reused: a configuration that had been trained before, whose result was taken."
    if any(row[1] == "cross" for row in rows):
        note += " Cross: winners of one repeat on the splits of others, to choose the one to use."
    return Table(head, rows, note, names)


def environment(results: StudyResults) -> Table:
    """Versions of the packages, and the machine."""
    devices = sorted({trial.device for trial in results.ended if trial.device})
    rows = [["trained on", ", ".join(devices)]] if devices else []
    rows += [[name, value] for name, value in results.hardware.items()]
    rows += [[name, version] for name, version in results.versions.items()]
    return Table(["of the last run", ""], rows, wide=[1])
