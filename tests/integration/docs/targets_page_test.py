"""What docs/targets.md says of targets is so."""

import re

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.data.parameters import TASK
from lightning_modules.optimization.losses import DEFAULT_LOSS
from studies.study_file import document, resolve
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_right(block: str) -> None:
    network = "lstm" if "name: text" in block else "mlp"
    spec = resolve(document.parse(f"study: own\nmodel: {network}\n{block}", "study.yaml"))
    task = re.findall(r"task: (\w+)", block) or ["classification"]
    assert {each.task for each in spec.configurations} == {*task}


def test_the_page_has_every_task_and_its_loss() -> None:
    found = re.findall(r"^\| `(\w+)` \| .*? \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert dict(found) == DEFAULT_LOSS and [task for task, _ in found] == [*TASK.options]


@pytest.mark.parametrize(
    ("task", "metric"), [("regression", "val/r2"), ("multilabel", "val/f1")]
)  # fmt: skip
def test_the_objectives_are_those_of_the_page(task: str, metric: str) -> None:
    data = {"name": "table", "path": "rows.csv", "target": ["a", "b"], "task": task}
    found = Configuration.resolve({"data": data, "model": "mlp"}).objective.metric
    assert found == metric and metric.removeprefix("val/") in PAGE
