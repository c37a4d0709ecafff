"""A whole study of a script that only prints: its winner on fresh seeds, and what the record says
of its metrics."""

import sys
from pathlib import Path

import pytest

from lightning_modules.errors import UserError
from studies.engines.inline import InlineEngine
from studies.engines.training import train_task
from studies.home import Home
from studies.records import Outcome, RecordReader
from studies.results import load_results
from studies.running.display import Display
from studies.running.run_study import run_study
from studies.study_file import document, resolve

SCRIPT = """
import sys
for epoch in range(int(sys.argv[2])):
    print(f"epoch {epoch} accuracy {float(sys.argv[1]) * (epoch + 1)}")
print("test accuracy 75%")
"""
FILE = r"""
study: printed
model:
  command: [PYTHON, train.py, "{model.x}", "{epochs}", "{seed}"]
  x: {values: [0.5, 0.1, 0.4]}
trainer: {epochs: 2}
objective: {metric: val/accuracy, goal: maximize}
search: {method: grid, pruner: {name: median, n_startup_trials: 1}}
confirm: {seeds: 1}
metrics:
  from: log
  patterns:
    epoch: 'epoch (\d+)'
    val/accuracy: '\d accuracy (\S+)'
    test/accuracy: 'test accuracy (\S+)'
"""


def test_a_script_that_prints_is_tuned_and_another_pattern_is_another_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT)
    home, text = Home.at(tmp_path / "home"), FILE.replace("PYTHON", sys.executable)

    def run(text: str) -> None:
        spec = resolve(document.parse(text, "study.yaml"))
        run_study(
            spec, home, workers=1, display=Display(), engine=lambda: InlineEngine(train_task, 1)
        )

    run(text)
    found = load_results(home, "printed")
    assert max(trial.best["val/accuracy"] for trial in found.search) == 1.0
    pruned = [trial for trial in found.search if trial.outcome == Outcome.pruned]
    assert {trial.epochs for trial in pruned} <= {1}
    (confirmed,) = (trial for trial in found.trials if trial.phase == "confirm")
    assert confirmed.test == {"test/accuracy": 0.75}
    with RecordReader.open(home, "printed") as record:
        assert record.notes()["metrics_from"] == "log"
    with pytest.raises(UserError, match=r"metrics\.patterns\.val/accuracy was "):
        run(text.replace(r"\d accuracy", "[0-9] accuracy"))
