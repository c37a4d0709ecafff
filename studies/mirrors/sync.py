"""Delivers to MLflow what the home has recorded and MLflow lacks."""

from __future__ import annotations

from dataclasses import dataclass

from lightning_modules.errors import StorageError
from studies.checkpoints import best_checkpoints
from studies.delivery import Delivery, shared_tags
from studies.driver import finding
from studies.home import Home
from studies.mirrors.mlflow_client import usable
from studies.results import load
from studies.spool import Spool


@dataclass(frozen=True)
class Synced:
    """What was done for a study."""

    study: str
    delivered: int
    """Trials of which MLflow lacked something, or all of them where it is made anew."""


def sync(home: Home, study: str, *, rebuild: bool = False) -> Synced:
    """Bring MLflow up to what the home says of a study, or make it anew from there.

    Nothing is written twice: what a run holds is left as it is. Raises BusyError where the study
    is being run, UserError where there is no such study and StorageError where MLflow fails.
    """
    found = load(home, study)
    with home.lock(study):
        spool = Spool(home, study)
        spool.close_abandoned()
        names = spool.names() if rebuild else spool.waiting()
        starts = [trial.started for trial in found.trials if trial.started]
        delivery = Delivery(
            home,
            found.spec,
            spool,
            _tags(spool, study) if rebuild else shared_tags(study),
            started=int(min(starts).timestamp() * 1000) if starts else None,
        )
        done = 0
        try:
            with usable(home.mlflow_uri):
                delivery.open()
                for name in names:
                    delivery.trial(name)
                    done += 1
                found = load(home, study)
                delivery.finish(finding(found), best_checkpoints(home, found))
        except StorageError as error:
            raise StorageError(
                f"study {study}: {done} of {len(names)} trials were delivered, then {error}"
            ) from None
    return Synced(study, done)


def _tags(spool: Spool, study: str) -> dict[str, str]:
    """What the runs of the study carried when they were made."""
    first = next(filter(None, map(spool.read, spool.names())), None)
    shared = shared_tags(study)
    if first is None:
        return shared
    return {name: value for name, value in first.tags.items() if name in shared}
