"""Delivers to the mirrors what they lack, or makes them anew from the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lightning_modules.errors import StorageError
from studies.home import Home
from studies.mirrors.deletion import mirrors_lock
from studies.mirrors.follower import Follower, Mirror
from studies.mirrors.left import NAMES
from studies.records import Record
from studies.records.reader import require_study


@dataclass(frozen=True)
class Synced:
    """How many trials of a study every mirror has got."""

    study: str
    delivered: Mapping[str, int]
    """Trials of which a mirror lacked something, by the mirror."""


def sync(home: Home, study: str, *, rebuild: bool = False) -> Synced:
    """Bring the mirrors up to the record of a study, or make them anew from there.

    Nothing is written twice: what is there is left as it is. Raises BusyError where the study is
    being run, UserError where there is no such study and StorageError where a mirror fails; the
    other one is brought up nevertheless.
    """
    require_study(home, study)
    with Record.writing(home, study) as record:
        record.close_abandoned()
        with mirrors_lock(home, study):
            return _sync(home, study, rebuild)


def _sync(home: Home, study: str, rebuild: bool) -> Synced:
    from studies.mirrors.mlflow.mirror import MlflowMirror
    from studies.mirrors.optuna.mirror import OptunaMirror

    mirrors: list[Callable[[], Mirror]] = [
        lambda: OptunaMirror(home, study, rebuild=rebuild),
        lambda: MlflowMirror(home, study, rebuild=rebuild),
    ]
    delivered, errors = {}, []
    for make in mirrors:
        mirror = make()
        with Follower(home, study, mirror.name, mirror.url) as follower:
            backlog = follower.backlog
            if rebuild:
                backlog.doubt()
            try:
                follower.bring_up(mirror, "finish")
            except StorageError as error:
                follower.progress.fails(str(error))
                total = backlog.delivered_count + len(backlog.pending)
                errors.append(
                    f"{backlog.delivered_count} of {total} trials were delivered to "
                    f"{NAMES[mirror.name]}, then {error}"
                )
            delivered[mirror.name] = backlog.delivered_count
    if errors:
        raise StorageError(f"study {study}: {'; '.join(errors)}")
    return Synced(study, delivered)
