"""The benchmarks' tests of their own parts, which import one another by their names."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A module of this folder, as the programs in it import it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module
