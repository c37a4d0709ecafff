"""A study that a fault test hits."""

from pathlib import Path

import pytest

from studies.home import Home
from tests.faults.drivers import Faulty


@pytest.fixture
def faulty(home: Home, tmp_path: Path) -> Faulty:
    return Faulty.make(home, tmp_path)
