"""The way of `optimizer.lr` from the study file to the optimizer is short enough to be read."""

import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch

from lightning_modules.training import train  # noqa: F401 - an import under a profile is slow
from studies.engines.inline import InlineEngine
from studies.engines.training import train_task
from studies.home import Home
from studies.running.display import Display
from studies.running.run_study import run_study
from studies.study_file.loading import load_study_file

MOST = 15
RATE = "0.0123456789"
ROOT = Path(__file__).parents[3]
OURS = tuple(f"{ROOT / package}/" for package in ("lightning_modules", "studies"))
GRID = f"{{name: adam, lr: {{values: [{RATE}]}}}}"
ALTERNATIVES = f"[{{name: adam, lr: {RATE}}}, sgd]"


def holds(value: Any) -> bool:
    """Whether the rate stands in a value, a text, or what mappings and lists hold of them."""
    if isinstance(value, float):
        return value == float(RATE)
    if isinstance(value, str):
        return RATE in value
    if isinstance(value, Mapping):
        return any(holds(each) for each in value.values())
    return isinstance(value, list | tuple) and any(holds(each) for each in value)


class Passed(dict[str, str]):
    """The files whose functions were given the rate, each with the first of them."""

    is_over = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if self.is_over or event != "call" or file in self or not file.startswith(OURS):
            return
        if any(map(holds, list(frame.f_locals.values()))):
            self[file] = frame.f_code.co_name

    def profile(self) -> None:
        """Look at every call from now on, in this thread and in those that begin."""
        self.before = sys.getprofile()
        threading.setprofile(self)
        sys.setprofile(self)

    def end(self) -> None:
        """Look no more."""
        sys.setprofile(self.before)
        threading.setprofile(self.before)


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Passed]:
    """The files that are passed until the first optimizer is made."""
    found = Passed()
    begin = torch.optim.Adam.__init__

    def arrives(self: torch.optim.Adam, *args: Any, **given: Any) -> None:
        if given["lr"] == float(RATE) and not found.is_over:
            found.is_over = True
        begin(self, *args, **given)

    monkeypatch.setattr(torch.optim.Adam, "__init__", arrives)
    found.profile()
    yield found
    found.end()


@pytest.mark.parametrize("optimizer", [GRID, ALTERNATIVES], ids=["grid", "alternatives"])
def test_the_learning_rate_passes_few_files_on_its_way_to_the_optimizer(
    tmp_path: Path, passed: Passed, optimizer: str
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        f"study: way\ndata: iris\nmodel: {{name: mlp, hidden: [4]}}\noptimizer: {optimizer}\n"
        "trainer: {epochs: 1}\nsearch: {method: grid}\n"
    )
    spec = load_study_file(file)
    home = Home.at(tmp_path / "home")
    run_study(spec, home, workers=1, display=Display(), engine=lambda: InlineEngine(train_task, 1))
    assert passed.is_over
    short = [f"{Path(each).relative_to(ROOT)}: {name}" for each, name in sorted(passed.items())]
    assert len(short) <= MOST, "\n".join(["", *short])
