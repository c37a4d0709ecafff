"""A study in words and as a table, as MLflow shows it on the study's run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lightning_modules.configuration import flatten
from studies.analysis import StudyOutcome, configuration_of, recommended
from studies.analysis.best_configuration import Recommendation
from studies.records import Trial
from studies.results import StudyResults, level, outcome_counts
from studies.sentences.expectation import expectation
from studies.sentences.markdown import bullets, escape, fence, table
from studies.sentences.uncertainty import advice, sources
from studies.sentences.way_out import sentences
from studies.study_file import Spec
from studies.study_file.reading.yaml_text import yaml_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "trial", "arm", "phase", "repeat", "split", "outcome", "reason", "value", "seed", "config_hash",
    "epochs", "best_epoch", "seconds", "started", "ended", "run_id",
)  # fmt: skip
"""What the table of trials has of every trial; the configuration and the metrics come after."""
PHASES = ("search", "confirm", "cross")
FIELDS = {"trial": "key", "split": "split_seed"}
"""Columns that are called otherwise in a trial."""


def describe(outcome: StudyOutcome) -> str:
    """Markdown: the question, how it was searched, what was found and what may be said of it."""
    results, spec = outcome.results, outcome.results.spec
    counts = outcome_counts(results.ended)
    sections = [trial.configuration.get("data", {}) for trial in results.trials]
    named = [str(part.get("name") or part.get("class", "")) for part in sections]
    datasets = dict.fromkeys(name for name in named if name)
    rows = {
        "data set": ", ".join(datasets) or "known to the program",
        "objective": f"{spec.objective.goal} {spec.objective.metric}",
        **({"metrics": f"read from the program's {spec.metrics.way}"} if spec.metrics else {}),
        "sampler": str(spec.sampler),
        "pruner": str(spec.pruner),
        "claim": spec.design.claim or "nothing is compared",
        "searches": f"{spec.repeats} of each arm" if spec.factors else str(spec.repeats),
        "budget": budget(spec),
        "seed": str(spec.seed),
        "trials": ", ".join(f"{count} {ending}" for ending, count in counts.items()),
        "epochs": str(sum(trial.epochs for trial in results.ended)),
    }
    parts = [escape(spec.description)]
    if spec.factors:
        lists = {
            "Verdict": sentences(results, outcome.comparison),
            "Where the uncertainty comes from": sources(results, outcome.comparison),
            "What would make it smaller": advice(results, outcome.comparison),
        }
        parts += [f"### {head}\n\n{bullets(said)}" for head, said in lists.items() if said]
    parts.append(table(["study", spec.study], list(rows.items())))
    if (best := recommended(results)) is not None:
        parts.append(_best(results, best))
    if results.spec.factors:
        parts.append("### Arms\n\n" + _arms(results))
    return "\n\n".join(part for part in parts if part)


def budget(spec: Spec) -> str:
    """What the search may spend, in words."""
    per_arm = " per arm" if spec.factors else ""
    if spec.repeats > 1:
        per_arm = " per search"
    if spec.trials is not None:
        if spec.design.at is not None:
            return f"{spec.trials} draws and the defaults{per_arm}"
        return f"{spec.trials} trials{per_arm} (the defaults and {spec.trials - 1} draws)"
    return f"{spec.epochs} epochs{per_arm}" if spec.epochs else f"every grid point once{per_arm}"


def trials_table(results: StudyResults) -> pd.DataFrame:
    """One row per trial, those of the search first: how it ended, its dotted configuration, its
    best and test metrics, what it took of the machine, and what people have written about it."""
    import pandas as pd

    trials = sorted(results.trials, key=lambda trial: PHASES.index(trial.phase))
    rows = [dict(_row(trial)) for trial in trials]
    columns = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
    table = pd.DataFrame(rows, columns=list(columns))
    for name in table.columns:
        if not pd.api.types.is_object_dtype(table[name]):
            continue
        kinds = {type(value) for value in table[name].dropna()}
        if len(kinds) > 1 and not kinds <= {int, float}:
            table[name] = [None if _missing(v) else _text(v) for v in table[name]]
    return table


def _row(trial: Trial) -> Iterator[tuple[str, Any]]:
    for name in COLUMNS:
        yield name, getattr(trial, FIELDS.get(name, name))
    for path, value in flatten(trial.configuration):
        yield path, _text(value) if isinstance(value, list | tuple | dict) else value
    for name, value in trial.best.items():
        yield f"best/{name}", value
    yield from trial.test.items()
    yield from trial.system.items()
    if trial.annotation.note:
        yield "note", trial.annotation.note
    for name, value in trial.annotation.tags.items():
        yield f"tag/{name}", value


def _missing(value: Any) -> bool:
    return value is None or value != value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _best(results: StudyResults, best: Recommendation) -> str:
    expected = expectation(results)
    said = "" if expected is None else f"Expect {escape(expected.words)}.\n\n"
    how = "the configuration to use" if best.runs else "one trial of the search"
    return f"### Recommendation\n\n{escape(best.trial.key)}: {how}. {said}" + fence(
        yaml_of(configuration_of(best.trial).shown()), "yaml"
    )


def _arms(results: StudyResults) -> str:
    """A row per arm; of several searches without the best value, as their splits differ."""
    metric, several = results.spec.objective.metric, results.spec.repeats > 1
    rows = []
    for arm in results.arms:
        trials = [trial for trial in results.search if trial.arm == arm]
        best = next(iter(results.ranked(trials)), None)
        epochs = sum(trial.epochs for trial in trials)
        value = [] if several else [level(metric, best.value if best else None)]
        rows.append([arm, str(len(trials)), str(epochs), *value])
    head = ["arm", "trials", "epochs", *([] if several else [f"best {metric}"])]
    return table(head, rows)
