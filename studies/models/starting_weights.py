"""Which studies start from the weights of another one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lightning_modules.errors import FairtuneError
from lightning_modules.networks.pretrained.weights import RUN
from studies.home import Home
from studies.records import RecordReader
from studies.records.deliveries import run_ids
from studies.records.reader import recorded_studies


def studies_that_start_from(home: Home, study: str) -> list[str]:
    """The other studies of a home whose trials start from weights of `study`: by a run of MLflow,
    or by a file in its folder."""
    runs = {f"{RUN}{each}" for each in run_ids(home, study).values()}
    by_run = [each for each in _others(home, study) if runs & _weights(home, each)]
    return sorted({*by_run, *studies_that_read(home, study)})


def studies_that_read(home: Home, study: str) -> list[str]:
    """The other studies of a home that name files in the folder of `study` as their weights."""
    folder = home.study(study)
    return [
        each
        for each in _others(home, study)
        if any(_is_in(weights, folder) for weights in _weights(home, each))
    ]


def _others(home: Home, study: str) -> list[str]:
    return [each for each in recorded_studies(home) if each != study]


def _is_in(weights: str, folder: Path) -> bool:
    return "/" in weights and Path(weights).expanduser().absolute().is_relative_to(folder)


def _weights(home: Home, study: str) -> set[str]:
    """What the trials of a study start from; nothing where its record cannot be read."""
    with suppress(FairtuneError), RecordReader.open(home, study) as record:
        return record.starting_weights()
    return set()
