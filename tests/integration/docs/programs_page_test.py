"""What the page of programs says is so."""

import re

import pytest

from lightning_modules.configuration.program_words import FORMS, PARAMS_FORMS, filled, placeholders
from studies.study_file import document, resolve
from studies.study_file.command_template import command_line
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
TOLD = PAGE.partition("## Metrics from what a script writes")[0]
BLOCKS = re.findall(r"```yaml\n(.*?)```", TOLD, re.DOTALL)
VALUES = {
    "model.bn": True,
    "model.layers": [32, 64],
    "model.clip": 0.5,
    "optimizer.lr": 0.1,
}


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_a_study_file(block: str) -> None:
    rest = "study: page\nobjective: {metric: val/loss, goal: minimize}\n"
    spec = resolve(document.parse(rest + block, "page.yaml"))
    line = command_line(spec.configurations[0], 1208384358, 0, "")
    if "{params}" in block:
        assert line.startswith("python train.py --epochs 20 --seed 1208384358 --")
        assert "--layers 32 --lr" in line


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("{model.bn:flag --bn}", ["--bn"]),
        ("{model.layers:words}", ["32", "64"]),
        ("{model.layers:commas}", ["32,64"]),
        ("{model.clip:option --clip}", ["--clip", "0.5"]),
        ("optimizer.lr={optimizer.lr}", ["optimizer.lr=0.1"]),
    ],
)
def test_the_table_says_what_a_program_gets(place: str, words: list[str]) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{place}` |"))
    assert filled([place], VALUES) == words
    if "lr=" not in place:
        assert f"`{' '.join(words)}`" in row


def test_every_form_has_a_row() -> None:
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("|"))
    shown = {place.keyword for place in placeholders(rows.replace("{{word}}", ""))}
    assert {form.partition(" ")[0] for form in FORMS} <= shown
    assert all(form.replace("--name value", "{params}") in rows for form in PARAMS_FORMS)
