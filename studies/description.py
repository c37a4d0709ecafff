"""A study in words and as a table, as MLflow shows it on the study's run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lightning_modules.configuration import flatten
from studies import document
from studies.results import StudyResults, Trial, outcome_counts
from studies.spec import Spec

if TYPE_CHECKING:
    import pandas as pd


def describe(results: StudyResults) -> str:
    """Markdown: the question, how it was searched, what was found."""
    spec = results.spec
    counts = outcome_counts(results.ended)
    datasets = dict.fromkeys(str(trial.configuration["data"]["name"]) for trial in results.trials)
    rows = {
        "data set": ", ".join(datasets),
        "objective": f"{spec.objective.goal} {spec.objective.metric}",
        "sampler": str(spec.sampler),
        "pruner": str(spec.pruner),
        "budget": budget(spec),
        "seed": str(spec.seed),
        "trials": ", ".join(f"{count} {outcome}" for outcome, count in counts.items()),
        "epochs": str(sum(trial.epochs for trial in results.ended)),
    }
    parts = [spec.description, _table(["study", spec.study], list(rows.items()))]
    if results.ranking:
        parts.append(_best(spec, results.ranking[0]))
    if results.spec.factors:
        parts.append("### Arms\n\n" + _arms(results))
    return "\n\n".join(part for part in parts if part)


def budget(spec: Spec) -> str:
    """What the search may spend, in words."""
    per_arm = " per arm" if spec.factors else ""
    if spec.trials is not None:
        return f"{spec.trials} trials{per_arm}"
    return f"{spec.epochs} epochs{per_arm}" if spec.epochs else f"every grid point once{per_arm}"


def trials_table(results: StudyResults) -> pd.DataFrame:
    """One row per trial: how it ended, its dotted configuration, its best and test metrics."""
    import pandas as pd

    rows = [dict(_row(trial)) for trial in results.trials]
    table = pd.DataFrame(rows)
    for name in table.columns[table.dtypes == object]:
        kinds = {type(value) for value in table[name].dropna()}
        if len(kinds) > 1 and not kinds <= {int, float}:
            table[name] = [None if _missing(v) else _text(v) for v in table[name]]
    return table


def _row(trial: Trial) -> Iterator[tuple[str, Any]]:
    for name in ("trial", "arm", "phase", "outcome", "reason", "value", "seed", "config_hash"):
        yield name, getattr(trial, "key" if name == "trial" else name)
    for name in ("epochs", "best_epoch", "seconds", "started", "ended", "run_id"):
        yield name, getattr(trial, name)
    for path, value in flatten(trial.configuration):
        yield path, _text(value) if isinstance(value, list | tuple | dict) else value
    for name, value in trial.best.items():
        yield f"best/{name}", value
    yield from trial.test.items()


def _missing(value: Any) -> bool:
    return value is None or value != value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _best(spec: Spec, trial: Trial) -> str:
    return (
        f"### Best\n\n{spec.objective.metric} **{trial.value:.6g}** by `{trial.key}` "
        f"(epoch {trial.best_epoch}, seed {trial.seed})\n\n"
        f"```yaml\n{document.dump(_plain(trial.configuration)).rstrip()}\n```"
    )


def _arms(results: StudyResults) -> str:
    rows = []
    for arm in results.arms:
        trials = [trial for trial in results.search if trial.arm == arm]
        best = next(iter(results.ranked(trials)), None)
        epochs = sum(trial.epochs for trial in trials)
        value = f"{best.value:.6g}" if best else "–"
        rows.append((arm, str(len(trials)), str(epochs), value))
    return _table(["arm", "trials", "epochs", f"best {results.spec.objective.metric}"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) if isinstance(v, Mapping) else v for k, v in tree.items()}
