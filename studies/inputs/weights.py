"""Weights of an earlier trial: from the MLflow run that a study file names to its checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from lightning_modules.networks.pretrained.weights import RUN
from studies.home import Home
from studies.records.deliveries import run_ids


def weights_file(configuration: Configuration, home: Home) -> str | None:
    """The file that `model.weights` means where it names a run, else None.

    The configuration keeps the run's name: a study file stays true when the home moves. Raises
    UserError where the home has no such run or has no longer its weights.
    """
    weights = str(configuration.model.parameters.get("weights", ""))
    return str(checkpoint_of(weights.removeprefix(RUN), home)) if weights.startswith(RUN) else None


def with_weights_file(configuration: Configuration, home: Home) -> Configuration:
    """The same configuration with the file in place of the run."""
    file = weights_file(configuration, home)
    if file is None:
        return configuration
    return replace(configuration, model=configuration.model.replaced("weights", file))


def checkpoint_of(run_id: str, home: Home) -> Path:
    """The checkpoint of the trial whose MLflow run that is."""
    for folder in sorted((home.path / "studies").glob("*")):
        runs = {run: key for key, run in run_ids(home, folder.name).items()}
        if run_id in runs:
            path = home.checkpoint(folder.name, runs[run_id])
            if path.exists():
                return path
            kept = sorted(
                run for run, key in runs.items() if home.checkpoint(folder.name, key).exists()
            )
            raise UserError(
                f"model.weights: run {run_id} is trial {runs[run_id]} of study {folder.name}, "
                f"whose weights were not kept; kept are those of {', '.join(kept) or 'no run'}"
            )
    raise UserError(
        f"model.weights: no study in {home.path} has a run {run_id}; copy the id of a trial's run "
        "from the MLflow UI or from `fairtune best --json`"
    )
