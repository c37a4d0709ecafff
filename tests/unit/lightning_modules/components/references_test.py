"""What the tables refer to by name is there."""

from collections.abc import Iterator, Mapping

import pytest

from lightning_modules.components import Component
from lightning_modules.components.reference import later, target
from lightning_modules.data.augmentation.table import AUGMENTATIONS
from lightning_modules.data.table import DATASETS
from lightning_modules.networks import NETWORKS
from lightning_modules.networks.activations import ACTIVATIONS
from lightning_modules.optimization import LOSSES, REGULARIZATION, SCHEDULES
from lightning_modules.optimization.optimizers import OPTIMIZERS

TABLES: dict[str, Mapping[str, Component]] = {
    "activations": ACTIVATIONS,
    "augmentations": AUGMENTATIONS,
    "data sets": DATASETS,
    "losses": LOSSES,
    "networks": NETWORKS,
    "optimizers": OPTIMIZERS,
    "regularization": REGULARIZATION,
    "schedules": SCHEDULES,
}


def references(table: Mapping[str, Component]) -> Iterator[str]:
    """The names by which the rows of a table refer to something."""
    for row in table.values():
        for function in (row.build, *(getattr(row, n, None) for n in ("check", "read_new"))):
            name = getattr(function, "__qualname__", "")
            if ":" in name:
                yield name


@pytest.mark.parametrize("table", TABLES)
def test_every_reference_of_a_table_leads_somewhere(table: str) -> None:
    for name in references(TABLES[table]):
        assert callable(target(name)), name


def test_the_tables_refer_by_name() -> None:
    assert sum(len(list(references(table))) for table in TABLES.values()) > 60


def test_a_reference_is_called_with_its_arguments_first() -> None:
    assert later("builtins:dict", [("a", 1)], b=2)(c=3) == {"a": 1, "b": 2, "c": 3}
