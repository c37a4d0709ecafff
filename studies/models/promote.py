"""Registers the network that stands for a study in MLflow's model registry.

Beside the mirror's files this is the only one that writes to MLflow.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lightning_modules.configuration import COMMAND
from lightning_modules.errors import StorageError, UserError
from studies.analysis import Comparison, choose, compare
from studies.analysis.representative import RepresentativeTrial
from studies.mirrors.left import sync_command
from studies.mirrors.mlflow import logged_model
from studies.mirrors.mlflow.client import (
    LoggedModel,
    MlflowClient,
    MlflowException,
    Run,
    download_artifacts,
    is_database,
    usable,
)
from studies.mirrors.mlflow.places import connect_home, is_own
from studies.mirrors.mlflow.study import run_or_none
from studies.models.checkpoint_source import checkpoint_of
from studies.models.model_files import foreign_part, sha256
from studies.results import StudyResults
from studies.sentences import verdicts
from studies.sentences.expectation import expectation

MAX_TAG_LENGTH = 4000


@dataclass(frozen=True)
class Promoted:
    """A version of a registered model, and the trial that it was made of."""

    chosen: RepresentativeTrial
    name: str
    version: str
    alias: str
    is_new: bool
    """Whether it was made now; the same trial is never registered twice."""
    confirmed: str
    """What to expect, with its interval, in words."""
    verdict: str

    @property
    def uri(self) -> str:
        """The URI by which MLflow loads the version."""
        return f"models:/{self.name}@{self.alias}"


def promote(results: StudyResults, name: str | None = None, alias: str = "champion") -> Promoted:
    """Register the network of the trial that `checkpoints.choose` names, and give it the alias.

    Raises StorageError where MLflow cannot be used or lacks the trial's run, UserError where
    MLflow takes no such name or alias, and where the network is no model of fairtune's, and
    NothingCompletedError where no trial has completed.
    """
    chosen = choose(results)
    if COMMAND in chosen.trial.configuration["model"]:
        raise UserError(
            f"{results.study}: its networks are those of a program, which MLflow cannot load; "
            "register what the program writes by a script of your own"
        )
    name = name or results.study
    tags = _tags(results, chosen, compare(results))
    uri = results.home.mlflow_uri
    client = connect_home(results.home, results.study)
    with usable(uri):
        experiment = client.get_experiment_by_name(results.study)
        run = None
        if experiment is not None:
            run = run_or_none(client, chosen.trial.run_id, experiment.experiment_id)
        if run is None:
            lost = ["--rebuild"] * (chosen.trial.run_id is not None)  # it was delivered once
            command = sync_command(results.home, results.study, *lost)
            raise StorageError(
                f"MLflow has no run of {chosen.trial.key}; `{command}` delivers what it lacks"
            )
        tags["fairtune.dataset"] = run.data.tags.get("fairtune.dataset", "")
        try:
            version, is_new = _version(client, name, results, chosen, run)
            for key, value in tags.items():
                client.set_model_version_tag(name, version, key, value[:MAX_TAG_LENGTH])
            client.set_registered_model_alias(name, alias, version)
        except MlflowException as error:
            if error.error_code == "INVALID_PARAMETER_VALUE":
                raise UserError(f"MLflow does not take it: {error.message}") from None
            raise
    said = tags["fairtune.confirmed"], tags["fairtune.verdict"]
    return Promoted(chosen, name, version, alias, is_new, *said)


def _version(
    client: MlflowClient, name: str, results: StudyResults, chosen: RepresentativeTrial, run: Run
) -> tuple[str, bool]:
    """The version of the trial's network, and whether it had to be made."""
    with ExitStack() as stack:
        path = stack.enter_context(checkpoint_of(results, chosen.trial))
        model_id = _logged(client, run)
        if model_id is None:
            if not path.with_suffix(".npy").exists():
                raise UserError(
                    f"{results.study}: {chosen.trial.key} cannot be promoted, since its checkpoint "
                    f"has no input example ({path.stem}.npy) beside it; one is written where the "
                    "inputs are one array"
                )
            _register(client, name)
            model_id = logged_model.log_model(client, run, path)
        model = client.get_logged_model(model_id)
        _refuse_foreign(results, model, run, sha256(path))
    for known in client.search_model_versions(f"run_id = '{run.info.run_id}'"):
        source = client.get_model_version_download_uri(known.name, known.version)
        if known.name == name and source in (model.artifact_location, f"models:/{model_id}"):
            return str(known.version), False
    _register(client, name)
    source = f"models:/{model_id}"
    if is_database(results.home.mlflow_uri):
        # MLflow would look for the model in the store of its global URI, and make one there
        source = model.artifact_location
    made = client.create_model_version(name, source, run.info.run_id, model_id=model_id)
    return str(made.version), True


def _refuse_foreign(results: StudyResults, model: LoggedModel, run: Run, checkpoint: str) -> None:
    """Raise StorageError unless a logged model is our code with the checkpoint of the trial: who
    loads the registered model runs what it names."""
    uri = results.home.mlflow_uri
    if is_own(results.home):
        compiled = Path(unquote(urlsplit(model.artifact_location).path), "__pycache__")
        shutil.rmtree(compiled, ignore_errors=True)  # Python would take it for the code
    with tempfile.TemporaryDirectory() as folder:
        files = download_artifacts(model.artifact_location, dst_path=folder, tracking_uri=uri)
        part = foreign_part(Path(files), checkpoint)
    if model.experiment_id != run.info.experiment_id:
        part = "it is of another experiment"
    if part:
        raise StorageError(
            f"the logged model {model.model_id} of run {run.info.run_id} is none that fairtune has "
            f"written: {part}; so it is not registered. Delete that model in MLflow, and the same "
            "command logs it anew"
        )


def _register(client: MlflowClient, name: str) -> None:
    """Make the registered model where there is none."""
    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(name)


def _logged(client: MlflowClient, run: Run) -> str | None:
    """The run's logged model, which the best trial of a finished study has."""
    for output in run.outputs.model_outputs if run.outputs else ():
        try:
            model = client.get_logged_model(output.model_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            continue  # somebody has deleted it
        if model.status.value == "READY":
            return str(model.model_id)
    return None


def _tags(
    results: StudyResults, chosen: RepresentativeTrial, compared: Comparison
) -> dict[str, str]:
    trial = chosen.trial
    confirmed, verdict = "not confirmed", "not confirmed"
    expected = expectation(results)
    if chosen.seeds and expected is not None:
        confirmed = expected.words
        verdict = "; ".join(verdicts(compared)) or "nothing was compared"
    return {
        "fairtune.study": results.study,
        "fairtune.arm": trial.arm,
        "fairtune.trial": trial.key,
        "fairtune.seed": str(trial.seed),
        "fairtune.repeat": str(trial.repeat),
        "fairtune.split": str("" if trial.split_seed is None else trial.split_seed),
        "fairtune.claim": compared.design.claim or "",
        "fairtune.config_hash": trial.config_hash,
        "fairtune.data_hash": trial.data_hash,
        "fairtune.chosen": chosen.words,
        "fairtune.confirmed": confirmed,
        "fairtune.verdict": verdict,
    }
