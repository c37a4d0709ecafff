"""What may be asked of the place where trials train."""

import pytest

from lightning_modules.errors import UserError
from studies.api.training_place import Asked, EngineName


@pytest.mark.parametrize(("engine", "most"), [("local", 256), ("inline", 256), ("ray", 2000)])
def test_a_cluster_takes_more_workers_than_one_machine(engine: EngineName, most: int) -> None:
    Asked(engine, workers=most).check()
    said = f"--workers must be a whole number from 1 to {most}, got {most + 1}"
    with pytest.raises(UserError, match=said):
        Asked(engine, workers=most + 1).check()
