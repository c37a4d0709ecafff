"""What a study reads, looked at before its first trial: a mistake is told once, not every trial."""

from __future__ import annotations

import json

from lightning_modules.configuration import Configuration
from lightning_modules.data.datasets import DATASETS
from lightning_modules.errors import DataError
from studies.ranges import variants
from studies.spec import Spec

LEARNING = ("batch_size", "augment", "balance")
"""Parameters of a data set that change how it is learned, not what is read."""


def check_inputs(spec: Spec) -> None:
    """Read the files of every data set that the study names; torch is not imported.

    Raises DataError where one cannot be used.
    """
    outputs: dict[str, int | None] = {}
    for variant in variants(spec.space.root):
        configuration = Configuration.resolve(variant.value)
        data = configuration.data
        row = DATASETS.get(data.name)
        reads = {name: value for name, value in data.parameters.items() if name not in LEARNING}
        if row is None or row.check is None:
            continue
        key = json.dumps([data.name, reads])
        if key not in outputs:
            outputs[key] = row.check(**data.parameters)
        classes = outputs[key]
        if configuration.loss.name == "binary_cross_entropy" and classes not in (None, 2):
            raise DataError(
                f"loss: binary_cross_entropy needs two classes, but {data.name} has {classes}; "
                "write cross_entropy"
            )
