"""What a study searched, how its trials ended, and on what it ran."""

from __future__ import annotations

from studies.records import Outcome
from studies.reporting.tables.table import Table
from studies.results import StudyResults, duration, largest, resource_words, value_text
from studies.sentences.description import PHASES
from studies.study_file import Alternatives, Choice, Range


def search_space_table(results: StudyResults) -> Table:
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


def outcomes_table(results: StudyResults) -> Table:
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


def annotations_table(results: StudyResults) -> Table:
    """What people have written about trials, those that have been put aside included."""
    rows = []
    for trial in (*results.trials, *results.superseded):
        said = trial.annotation
        if said.texts:
            tags = ", ".join(f"{name} = {value}" for name, value in said.tags.items())
            rows.append([trial.key, said.note or "–", tags or "–"])
    return Table(["trial", "note", "tags"], rows, wide=[1, 2])


def environment_table(results: StudyResults) -> Table:
    """Versions of the packages, and the machine."""
    devices = sorted({trial.device for trial in results.ended if trial.device})
    rows = [["trained on", ", ".join(devices)]] if devices else []
    if taken := resource_words(largest(results.ended)):
        rows.append(["of one trial at most", taken])
    rows += [[name, value] for name, value in results.hardware.items()]
    rows += [[name, version] for name, version in results.versions.items()]
    return Table(["of the last run", ""], rows, wide=[1])
