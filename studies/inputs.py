"""What a study reads, looked at before its first trial: a mistake is told once, not every trial."""

from __future__ import annotations

from lightning_modules.configuration import Configuration
from lightning_modules.data.datasets import DATASETS
from studies.ranges import variants
from studies.spec import Spec

LEARNING = ("batch_size", "augment", "balance")
"""Parameters of a data set that change how it is learned, not what is read."""


def check_inputs(spec: Spec) -> None:
    """Read the files of every data set that the study names; torch is not imported.

    Raises DataError where one cannot be used.
    """
    seen: list[object] = []
    for variant in variants(spec.space.root):
        data = Configuration.resolve(variant.value).data
        row = DATASETS.get(data.name)
        reads = {name: value for name, value in data.parameters.items() if name not in LEARNING}
        if row is not None and row.check is not None and (data.name, reads) not in seen:
            seen.append((data.name, reads))
            row.check(**data.parameters)
