"""Removes what MLflow has of a record: its runs, the experiment where nobody else has runs in it,
and the artifacts in the home. MLflow keeps deleted rows until somebody calls `mlflow gc`."""

from __future__ import annotations

import shutil
from contextlib import suppress
from logging import getLogger

from lightning_modules.hashing import short_hash
from studies.home import Home, redact
from studies.home.boundary import is_inside
from studies.mirrors.mlflow.client import Experiment, MlflowClient, usable
from studies.mirrors.mlflow.ownership import (
    all_experiments,
    below,
    is_of_other_home,
    owned,
    parents_of,
)
from studies.mirrors.mlflow.places import connect_home, folder_of

FREED = " (deleted "
"""In the name of an experiment whose own name may be used again."""
OF_OTHER_HOME = (
    "what MLflow has of study %s stays in %s: another home has made it, of which this one is a "
    "copy; delete it with that one, or in the MLflow UI"
)


def remove(home: Home, study: str, record: str) -> None:
    """Delete the runs of a record and their artifacts, and free the name of its experiment.

    Doing it again does no harm. Raises StorageError where MLflow cannot be used.
    """
    client = connect_home(home, study)
    with usable(home.mlflow_uri):
        for experiment_id, parents in parents_of(client, record).items():
            if any(is_of_other_home(home, run) for run in parents):
                getLogger("fairtune").warning(OF_OTHER_HOME, study, redact(home.mlflow_uri))
            remove_from(client, home, experiment_id, record)


def registered(client: MlflowClient, home: Home, record: str) -> list[str]:
    """The versions of registered models that were made of a record's runs, in words."""
    runs = {
        run.info.run_id
        for experiment, parents in parents_of(client, record).items()
        for parent in parents
        if not is_of_other_home(home, parent)
        for run in below(client, experiment, parent.info.run_id)
    }
    versions = client.search_model_versions() if runs else []
    return [f"{each.name} version {each.version}" for each in versions if each.run_id in runs]


def remove_from(client: MlflowClient, home: Home, experiment_id: str, record: str) -> None:
    """Delete what is a record's in an experiment, and that where nothing else is in it."""
    ours, whole = owned(client, home, experiment_id, record)
    if not ours:
        return
    experiment = client.get_experiment(experiment_id)
    places = [run.info.artifact_uri for run in ours]
    if whole and FREED not in experiment.name:
        if experiment.lifecycle_stage != "active":  # such a one cannot be renamed
            client.restore_experiment(experiment_id)
        mark = short_hash(f"{experiment_id}/{experiment.creation_time}", 8)
        client.rename_experiment(experiment_id, f"{experiment.name}{FREED}{mark})")
    if whole and client.get_experiment(experiment_id).lifecycle_stage == "active":
        client.delete_experiment(experiment_id)
    if whole and _is_alone(client, experiment):
        places.append(experiment.artifact_location)
    for run in ours if not whole else ():
        if run.info.lifecycle_stage == "active":
            client.delete_run(run.info.run_id)
    for place in places:
        folder = folder_of(place)
        if folder is not None and folder != home.artifacts and is_inside(folder, home.artifacts):
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)


def _is_alone(client: MlflowClient, experiment: Experiment) -> bool:
    """Whether no other experiment has its artifacts where this one has them."""
    place, own = experiment.artifact_location, experiment.experiment_id
    others = (each for each in all_experiments(client) if each.experiment_id != own)
    return all(each.artifact_location != place for each in others)
