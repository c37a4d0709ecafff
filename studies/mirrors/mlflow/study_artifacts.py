"""What a study found, written to its MLflow run: file, report, table, verdict and networks."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lightning_modules.hashing import short_hash
from studies.analysis import StudyOutcome, recommended
from studies.analysis.representative import best_checkpoints
from studies.home import Home
from studies.mirrors.mlflow import logged_model
from studies.mirrors.mlflow.annotations import NOTE_TAG, annotate
from studies.mirrors.mlflow.batches import BatchWriter
from studies.mirrors.mlflow.client import Run
from studies.mirrors.mlflow.names import MAX_TAG_LENGTH, names_in_mlflow, original_tags, storable
from studies.mirrors.mlflow.study import MlflowStudy, run_or_none
from studies.mirrors.mlflow.trial import points
from studies.mirrors.progress import Progress
from studies.records import Annotation, Outcome
from studies.records.types import TRAINED
from studies.reporting.render import render
from studies.results import StudyResults
from studies.sentences import verdicts
from studies.sentences.description import describe, trials_table

RESULTS_TAG = "fairtune.results"
FINDINGS = 2
"""Counts the kinds of findings that were ever written: runs of before get what they lack."""
ANNOTATED_TAG = "fairtune.annotated"
"""Which notes and tags the findings of the run show."""
BEST_TAG = "fairtune.best_run"

Checkpoints = Sequence[tuple[str, Path]]


def write(study: MlflowStudy, home: Home, results: StudyResults, progress: Progress) -> None:
    """Write a study's results to its run, unless they were written before."""
    checkpoints = best_checkpoints(home, results)
    status = "FINISHED" if results.finished else "KILLED"
    parent = study.client.get_run(study.run_id)
    fingerprint = _fingerprint(results, checkpoints)
    tags = annotate(study.client, study.run_id, parent.data.tags, _tags_alone(results))
    changed, said = tags.get(RESULTS_TAG) != fingerprint, _annotated(results)
    if changed or tags.get(ANNOTATED_TAG, "") != said:
        with progress.computing():
            found = StudyOutcome.of(results)
        _write_findings(study, found, parent, progress)
        if said or ANNOTATED_TAG in tags:
            study.client.set_tag(study.run_id, ANNOTATED_TAG, said)
    if changed:
        _write_checkpoints(study, results, checkpoints, parent, progress)
        study.client.set_tag(study.run_id, RESULTS_TAG, fingerprint)
    if parent.info.status != status:
        study.end(status, _ended(results))
    progress()


def verdict_tags(outcome: StudyOutcome) -> dict[str, str]:
    """What a comparison claims and may say, as the study's run carries it."""
    design = outcome.comparison.design
    if design.claim is None:
        return {}
    said = "; ".join(verdicts(outcome.comparison)) or "no verdict"
    return {"fairtune.claim": design.claim, "fairtune.verdict": said}


def counts(results: StudyResults) -> dict[str, float]:
    """How much a study has done, as metrics of its run: the table of runs shows them."""
    ended = results.ended
    failed = sum(trial.outcome not in (*TRAINED, Outcome.interrupted) for trial in ended)
    return {
        "study/trials": len(ended),
        "study/completed": sum(trial.outcome == Outcome.completed for trial in ended),
        "study/failed": failed,
        "study/epochs": sum(trial.epochs for trial in ended),
        "study/seconds": round(results.seconds, 3),
    }


def _result_tags(results: StudyResults) -> dict[str, str]:
    """What a study compares and what it has come to, in a word each."""
    best = recommended(results)
    found = {
        "fairtune.objective": f"{results.spec.objective.goal} {results.spec.objective.metric}",
        "fairtune.compares": " × ".join(results.spec.factors),
        "fairtune.best_trial": "" if best is None else best.trial.key,
        "fairtune.best_arm": "" if best is None else best.trial.arm,
    }
    return {name: text for name, text in found.items() if text}


def _write_findings(
    study: MlflowStudy, outcome: StudyOutcome, parent: Run, progress: Progress
) -> None:
    results, client, run_id = outcome.results, study.client, study.run_id
    client.log_text(run_id, results.spec.text, "study.yaml")
    if results.finished:
        with progress.computing():
            page = render(results, "html", outcome.comparison)
        client.log_text(run_id, page, "report.html")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.parquet"
        with progress.computing():
            trials_table(results).to_parquet(path)
        with progress.moving():
            client.log_artifact(run_id, str(path))
    progress()
    note = "\n\n".join(filter(None, (results.annotation.note, describe(outcome))))
    tags = {NOTE_TAG: note, **verdict_tags(outcome), **_result_tags(results)}
    name = f"best/{results.spec.objective.metric}"
    values = {name: next((trial.value for trial in results.ranking), None)}
    best = recommended(results)
    if best is not None and best.runs:
        values[f"expected/{best.metric}"] = best.value
    values |= counts(results)
    held = {n: v for n, v in values.items() if v is not None}
    new = [
        point
        for point in points(held, _ended(results), len(results.ended))
        if parent.data.metrics.get(point.key) != point.value
    ]
    tags |= original_tags("metric", names_in_mlflow(held))
    lacking = {
        tag: value
        for tag, value in tags.items()
        if parent.data.tags.get(tag) != storable(value, MAX_TAG_LENGTH)
    }
    BatchWriter(client, run_id).write(new, {}, lacking)
    progress()


def _write_checkpoints(
    study: MlflowStudy,
    results: StudyResults,
    checkpoints: Checkpoints,
    parent: Run,
    progress: Progress,
) -> None:
    ids = {trial.key: trial.run_id for trial in results.trials}
    runs = [
        (run_or_none(study.client, ids[key], study.experiment_id), path)
        for key, path in checkpoints
    ]
    for run, checkpoint in runs:
        if run is not None:
            with tempfile.TemporaryDirectory() as folder:
                copy = shutil.copyfile(checkpoint, Path(folder) / "best.pt")
                with progress.moving():
                    study.client.log_artifact(run.info.run_id, str(copy), "checkpoints")
            progress()
    best = runs[0][0] if runs else None
    if best is None or not runs[0][1].with_suffix(".npy").exists():
        return  # a program's weights, or inputs that are more than one array
    if parent.data.tags.get(BEST_TAG) != best.info.run_id:
        with progress.computing(), progress.moving():
            logged_model.prefetch()
            logged_model.log_model(study.client, best, runs[0][1])
        study.client.set_tag(study.run_id, BEST_TAG, best.info.run_id)


def _fingerprint(results: StudyResults, checkpoints: Checkpoints) -> str:
    trials = [(t.key, t.outcome, t.value, t.run_id, t.reason) for t in results.trials]
    looks = [asdict(look) for look in results.looks]
    said = [
        FINDINGS, results.spec.text, results.finished, looks, trials,
        [key for key, _ in checkpoints],
    ]  # fmt: skip
    return short_hash(json.dumps(said))


def _tags_alone(results: StudyResults) -> Annotation:
    """The tags of the study; its note stands before the description that every study has."""
    return Annotation(tags=results.annotation.tags)


def _annotated(results: StudyResults) -> str:
    """What tells the notes and tags of a study and its trials from others; empty without any."""
    said = {trial.key: trial.annotation.texts for trial in results.trials if trial.annotation.texts}
    said |= {"": results.annotation.texts} if results.annotation.texts else {}
    return short_hash(json.dumps(said)) if said else ""


def _ended(results: StudyResults) -> int:
    """When the last trial ended."""
    ends = [trial.ended for trial in results.trials if trial.ended]
    at = max(ends).timestamp() if ends else time.time()
    return int(at * 1000)
