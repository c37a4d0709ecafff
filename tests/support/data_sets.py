"""Data sets of one's own, as `check` reads them."""

from typing import Any

import pytest

from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import DataError


def summary_of(name: str, **given: Any) -> DataSummary:
    """What the data became, with defaults for the parameters that are not given."""
    row = DATASETS[name]
    assert row.check is not None
    found = row.check(**{**row.defaults(), **given})
    assert isinstance(found, DataSummary)
    return found


def refusal(name: str, **given: Any) -> str:
    """The words by which the data is refused."""
    with pytest.raises(DataError) as caught:
        summary_of(name, **given)
    return str(caught.value)
