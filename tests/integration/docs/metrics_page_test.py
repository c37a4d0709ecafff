"""What docs/programs.md says of metrics and callbacks is so."""

import json
import os
import re
import subprocess
import sys

import pytest

from fairtune import callbacks
from studies.study_file import Spec, document, resolve
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
METRICS = PAGE.partition("## Metrics from what a script writes")[2].partition("\n## ")[0]
CALLBACKS = PAGE.partition("## Callbacks")[2].partition("\n## ")[0]
PROGRAM = """
study: s
model: {command: [python, train.py, "{folder}"]}
objective: {metric: val/accuracy, goal: maximize}
"""


def specs() -> list[Spec]:
    blocks = re.findall(r"```yaml\n(.*?)```", METRICS, re.DOTALL)
    texts = [b if "model:" in b else PROGRAM + b for b in blocks]
    return [resolve(document.parse(t if "study:" in t else "study: s\n" + t, "s")) for t in texts]


def test_the_study_files_of_the_page_are_right() -> None:
    ways = [spec.metrics.way for spec in specs() if spec.metrics is not None]
    assert ways == ["log", "csv"]


def test_every_way_has_a_row() -> None:
    rows = re.findall(r"^\| (`.*?`) \| ", METRICS, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)} - {"from"}
    assert told == {"log", "csv", "tensorboard", "wandb", "trackio", "mlflow"}


def test_every_callback_has_a_row() -> None:
    assert all(f"{name}(" in CALLBACKS for name in callbacks.__all__)


@pytest.mark.parametrize(("trial", "lines"), [("", 0), ("any", 21)])
def test_the_script_of_the_page_reports_under_fairtune_alone(trial: str, lines: int) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", CALLBACKS, re.DOTALL)
    variables = {"FAIRTUNE_TRIAL": trial} if trial else {}
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == lines
    if said:
        assert said[-1] == {"test": {"accuracy": 0.9}}
