"""What the pages say to who has code already, or knows another tool, is so."""

import re
from typing import Any

import pytest

from studies.study_file import document, resolve
from studies.study_file.command_template import command_line
from studies.study_file.foreign_words import METHODS, range_words
from tests.support.checkout import ROOT

COMING = (ROOT / "docs" / "coming_from.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "your_code.md").read_text(encoding="utf-8").partition("\n## Classes")[0]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("block", [*blocks(COMING, "yaml"), *blocks(GUIDE, "yaml")])
def test_every_block_is_a_study_file(block: str) -> None:
    spec = resolve(document.parse(block, "page.yaml"))
    assert spec.space.parameters()


@pytest.mark.parametrize(
    ("study", "line"),
    [
        ("from-optuna", "python train.py --lr 0.0001 --width 8"),
        ("from-ray", "python train.py --lr 0.0001 --layers 1"),
        ("from-hydra", "python train.py size=small lr=0.001"),
    ],
)
def test_programs_are_started_as_said(study: str, line: str) -> None:
    (block,) = (block for block in blocks(COMING, "yaml") if f"study: {study}\n" in block)
    spec = resolve(document.parse(block, "page.yaml"))
    assert command_line(spec.configurations[0], 0, 0, "") == line


def test_the_page_agrees_with_what_is_answered() -> None:
    assert "write tpe, or gp" in COMING and METHODS["bayes"].startswith("write tpe, or gp")
    answered = range_words({"distribution": "log_uniform_values", "min": 1e-4, "max": 0.1})
    assert answered == "write {min: 0.0001, max: 0.1, log: true}"
    assert "{min: 1e-4, max: 1e-1, log: true}" in COMING


@pytest.mark.parametrize("key", ["method: bayes", "method: asha"])
def test_a_file_of_another_tool_is_answered(key: str) -> None:
    block = blocks(COMING, "yaml")[0].replace("method: tpe", key)
    with pytest.raises(document.StudyFileError, match="write"):
        resolve(document.parse(block, "page.yaml"))


def test_the_function_of_the_guide_reports() -> None:
    (source,) = blocks(GUIDE, "python")
    names: dict[str, Any] = {}
    exec(source, names)
    reported: list[tuple[int, float]] = []

    def report(epoch: int, *, val_loss: float) -> bool:
        reported.append((epoch, val_loss))
        return epoch < 2

    names["trial"]({"model": {"weight": 1.0}}, report)
    assert reported == [(1, 4.0), (2, 2.0)]


def test_links_lead_somewhere() -> None:
    for page in (COMING, GUIDE):
        for target in re.findall(r"\]\(([^)#]+)", page):
            assert (ROOT / "docs" / target).exists()
