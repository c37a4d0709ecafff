"""The script of the page "I already have a script" is told and read as the page says."""

import sys
from pathlib import Path

import pytest

from studies.engines import Task
from studies.engines.training import train_task
from studies.engines.worker import guarded
from studies.records import EpochReport, Outcome
from studies.study_file import document, resolve
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "your_code.md").read_text(encoding="utf-8")
SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--bn", action=argparse.BooleanOptionalAction, default=True)
for name in ("--lr", "--epochs", "--seed"):
    parser.add_argument(name, type=float)
told = parser.parse_args()
for epoch in range(int(told.epochs)):
    print(f"epoch {epoch} val_acc: {0.5 + told.bn / 4 + epoch / 100:.2f}")
"""


def test_a_script_that_prints_needs_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    block = next(part for part in PAGE.split("```") if part.startswith("yaml\nstudy: mine"))
    text = block.removeprefix("yaml\n").replace("[python,", f"[{sys.executable},")
    spec = resolve(document.parse(text, "study.yaml"))
    values: list[float] = []

    def ask(report: EpochReport) -> bool:
        values.append(report.metrics["val/accuracy"])
        return True

    end = guarded(
        Task("trial-0001", spec.configurations[0], 7, "best.pt", "state", metrics=spec.metrics),
        ask,
        train_task,
    )
    assert (end.outcome, end.reason, len(values)) == (Outcome.completed, "", 20)
    assert values[:2] == [0.75, 0.76]
