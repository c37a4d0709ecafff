"""What the README says is so."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from studies.cli import app
from studies.cli.study_files.components import markdown_of
from studies.running.preview import plan
from studies.study_file import document, resolve
from studies.study_file.json_schema import TABLES
from tests.support.checkout import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def rows(head: str) -> dict[str, str]:
    """First and second column of the table under that head."""
    table = README.partition(head)[2].partition("\n\n")[0]
    cells = [line.strip("|").split("|") for line in table.strip().splitlines()[1:]]
    return {cell[0].strip(): cell[1].strip() for cell in cells}


def generated() -> dict[Path, str]:
    """What the documentation says of components, as the program has them."""
    names = "".join(f"| {kind} | {', '.join(table)} |\n" for kind, table in TABLES.items())
    head, rest = "| kind | names |\n|---|---|\n", README.partition("| kind | names |\n")[2]
    before, after = README.partition(head)[0], rest.partition("\n\n")[2]
    return {
        ROOT / "README.md": f"{before}{head}{names}\n{after}",
        ROOT / "docs" / "components.md": "# Components\n\nWhat a study file can name; `fairtune "
        "components --markdown` prints it. The default of a parameter is in brackets.\n\n"
        + markdown_of(TABLES).rstrip()
        + "\n",
    }


def test_the_tables_of_components_are_those_of_the_program() -> None:
    """With WRITE_DOCS=1 it writes them."""
    for path, text in generated().items():
        if os.environ.get("WRITE_DOCS"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"WRITE_DOCS=1 writes {path.name} anew"


def test_every_command_is_in_the_table_and_every_row_is_a_command() -> None:
    documented = {
        re.findall(r"fairtune (\w+)", row)[0] for row in rows("| command | what it does |")
    }
    command = get_command(app)
    assert documented == set(command.commands)  # type: ignore[attr-defined]


def test_the_study_file_is_right_and_the_mistakes_are_said_as_shown() -> None:
    example, *_ = blocks("yaml")
    planned = plan(resolve(document.parse(example, "study.yaml")))
    assert (list(planned.arms), planned.trials, planned.confirmations) == (["sgd", "adam"], 96, 12)
    wrong = example.replace(
        "model: {name: cnn, channels: [16, 32],", "model: {name: mlp, hiden: [8],"
    )
    wrong = wrong.replace("min: 1e-3, max: 1.0", "min: 1.0, max: 0.1")
    with pytest.raises(document.StudyFileError) as caught:
        resolve(document.parse(wrong, "study.yaml"))
    said = str(caught.value)
    assert "model.hiden: mlp takes no such parameter; did you mean hidden?" in said
    assert "min must be less than max, got min 1.0 and max 0.1" in said


def test_the_table_of_ones_own_is_right() -> None:
    (example,) = re.findall(r"```\n(data:\n  name: table\n.*?)```", README, re.DOTALL)
    read = document.parse(f"study: own\nmodel: mlp\n{example}", "study.yaml")
    assert [str(node) for node in resolve(read).tree["data"]] == [
        "name", "path", "target", "task", "drop", "categorical", "categories",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["class:", "command:"])
def test_the_study_files_of_own_parts_are_right(word: str) -> None:
    (example,) = (block for block in blocks("yaml") if word in block)
    spec = resolve(document.parse(f"study: own\n{example}", "study.yaml"))
    assert spec.space.parameters()


def test_the_program_in_python_speaks_the_protocol() -> None:
    program, *_ = (block for block in blocks("python") if "report(" in block)
    argv = [sys.executable, "-c", program]
    run = subprocess.run(
        argv,
        input="proceed\nstop\n",
        env={**os.environ, "FAIRTUNE_TRIAL": "any"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert [json.loads(line)["epoch"] for line in run.stdout.splitlines()] == [1, 2]
    assert set(json.loads(run.stdout.splitlines()[0])) == set(json.loads(reported_line()))


def reported_line() -> str:
    """The line that the README shows."""
    (line,) = re.findall(r'^\{"epoch": .*\}$', README, re.MULTILINE)
    return line


@pytest.mark.slow
def test_the_script_runs(tmp_path: Path) -> None:
    *_, script = blocks("python")
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "test/accuracy" in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_every_local_command_uses_a_target_or_a_file_that_exists() -> None:
    for block in blocks("console"):
        for target in re.findall(r"^make (\w+)", block, re.MULTILINE):
            assert f"\n{target}:" in (ROOT / "Makefile").read_text()
        for script in re.findall(r"benchmarks/\w+\.py", block):
            assert (ROOT / script).exists()


def test_the_table_of_the_dashboard_says_what_every_page_answers() -> None:
    source = (ROOT / "dashboard" / "app.py").read_text()
    pages = re.findall(r'\("\w+", "([\w ]+)", ":material', source)
    _, _, table = README.partition("| page | what it answers |\n|---|---|\n")
    rows = [line.split(" | ") for line in table.partition("\n\n")[0].splitlines()]
    assert [name.removeprefix("| ") for name, *_ in rows] == pages and len(pages) > 8
    assert all(len(row) == 2 and row[1].count(" ") > 5 for row in rows)
