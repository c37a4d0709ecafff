"""The importances that a person sees are those of the study that was run."""

import math
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from studies import results
from studies.analysis.importance import importances
from studies.cli import main
from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.records import EpochReport, Outcome, TrialEnd

FILE = """
study: many
data: iris
model: {name: mlp, hidden: [4]}
optimizer: {name: momentum, lr: {min: 1e-3, max: 1.0, log: true}, momentum: {min: 0.0, max: 0.99}}
trainer: {epochs: 1}
search: {method: random, trials: 60}
"""
APP = str(Path(find_spec("dashboard").origin).with_name("app.py"))  # type: ignore[union-attr, arg-type]


class Inline(InlineEngine):
    """One slot, in this process."""

    def start(self) -> None: ...


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The home of the command and of the dashboard."""
    monkeypatch.setenv("FAIRTUNE_HOME", str(tmp_path / "home"))
    before = sys.modules["__main__"]
    st.cache_resource.clear()
    yield Home.at(tmp_path / "home")
    st.cache_resource.clear()
    sys.modules["__main__"] = before


def perform(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """A training whose accuracy follows the learning rate alone."""
    rate = float(task.configuration.optimizer.parameters["lr"])
    metrics = {"val/accuracy": 0.9 + 0.1 * math.log10(rate), "val/loss": 1.0}
    ask(EpochReport(1, metrics))
    return TrialEnd(Outcome.completed, epochs=1, best_epoch=1, best=metrics)


def test_a_study_of_sixty_trials_shows_which_parameter_mattered(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.running.run_study.LocalEngine", lambda *_: Inline(perform))
    file = tmp_path / "many.yaml"
    file.write_text(FILE)
    assert main(["run", str(file), "--quiet"]) == 0
    found = importances(results.load_results(home, "many"), "")
    assert [row.parameter for row in found.parameters] == ["optimizer.lr", "optimizer.momentum"]
    assert found.parameters[0].share > max(0.8, found.parameters[0].by_chance)
    app = AppTest.from_file(APP, default_timeout=60).run()
    app.switch_page("views/parameters.py").run()
    assert not app.exception and not app.error
    said = " ".join(caption.value for caption in app.caption)
    assert "best tenth of 60 completed trainings of this arm (PED-ANOVA)" in said
    assert "No importance is shown" not in said
