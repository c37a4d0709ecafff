"""The examples can be run as docs/gallery.md says, and it names all of them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_modules.user_code import imports
from studies.cli import main
from studies.home import Home
from studies.running.preview import plan
from studies.statistics import MIN_REPEATS
from studies.study_file.loading import load_study_file
from studies.study_file.presets import preset_names
from tests.support.accounts import last_line, set_options
from tests.support.checkout import ROOT

GALLERY = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
TINY = set_options("trainer.epochs=2", "search.trials=2", "search.repeats=1", "confirm.seeds=2")


def nothing() -> None:
    """Everything that the example needs is in its folder."""


def make_reviews() -> None:
    subprocess.run([sys.executable, "make_reviews.py"], check=True)


def write_vowels() -> None:
    """Files as the archive's, with three speakers of two coefficients, whose means differ."""
    random = np.random.default_rng(0)
    header = "@problemName v\n@dimensions 2\n@equalLength false\n@classLabel true 1 2 3\n@data\n"
    for part in ("TRAIN", "TEST"):
        lines = []
        for row in range(30):
            steps = random.normal(row % 3, 0.3, (2, int(random.integers(7, 27))))
            channels = [",".join(f"{value:.4f}" for value in channel) for channel in steps]
            lines.append(f"{channels[0]}:{channels[1]}:{row % 3 + 1}\n")
        Path(f"JapaneseVowels_{part}.ts").write_text(header + "".join(lines))


EXAMPLES: dict[str, tuple[Callable[[], None], list[str]]] = {
    "log": (nothing, []),
    "own": (nothing, ["spirals"]),
    "program": (nothing, []),
    "speech": (write_vowels, []),
    "text": (make_reviews, []),
}
"""What makes an example's data, and the modules that its command allows."""


def allowing(example: str) -> list[str]:
    return [word for module in EXAMPLES[example][1] for word in ("--allow", module)]


@pytest.fixture
def enter(own_folder: Path) -> Callable[[str], None]:
    """Fills the current folder, empty so far, with an example."""

    def enter(example: str) -> None:
        shutil.copytree(
            ROOT / "examples" / example,
            own_folder,
            ignore=shutil.ignore_patterns("mlruns", "*.csv", "*.ts", "__pycache__"),
            dirs_exist_ok=True,
        )

    return enter


def test_the_gallery_names_every_preset_and_every_example_and_no_other() -> None:
    folders = {path.parent.name for path in (ROOT / "examples").glob("*/study.yaml")}
    assert set(re.findall(r"^cd examples/(\w+)$", GALLERY, re.MULTILINE)) == folders == {*EXAMPLES}
    files = {path.stem for path in (ROOT / "examples").glob("*.yaml")}
    assert set(re.findall(r"^fairtune run examples/([\w-]+)\.yaml", GALLERY, re.MULTILINE)) == files
    ran = re.findall(r"^fairtune run ([\w-]+)$", GALLERY, re.MULTILINE)
    listed = re.findall(r"^\| `([\w-]+)` \|", GALLERY, re.MULTILINE)
    assert sorted(ran + listed) == preset_names()


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_commands_of_an_example_are_in_the_gallery(example: str) -> None:
    command = " ".join(["fairtune run study.yaml", *allowing(example)])
    commands = GALLERY.partition(f"cd examples/{example}\n")[2].partition("```")[0].splitlines()
    assert commands[-1] == command
    made = ["python make_reviews.py"] if EXAMPLES[example][0] is make_reviews else []
    assert commands[:-1] == made


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_asks_for_enough_repeats_for_a_verdict_about_arms(
    example: str, enter: Callable[[str], None]
) -> None:
    enter(example)
    imports.allow(EXAMPLES[example][1])
    spec = load_study_file(Path("study.yaml"))
    assert spec.description in GALLERY.replace("\n", " ")
    assert spec.design.claim == "arms" and spec.repeats >= MIN_REPEATS
    assert not plan(spec).design[0].startswith("claim: none")


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_from_its_data_to_a_verdict(
    example: str, enter: Callable[[str], None], home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(example)
    EXAMPLES[example][0]()
    capsys.readouterr()
    argv = ["study.yaml", *allowing(example), *TINY, "--json"]
    assert main(["check", *argv]) == 0
    assert len(last_line(capsys.readouterr().out)["arms"]) == 2
    assert main(["run", *argv, "--workers", "1", "--home", str(home.path)]) == 0
    told = last_line(capsys.readouterr().out)
    assert told["finished"] and sum(told["trials"].values()) == 8
    assert set(told["trials"]) <= {"completed", "pruned"}
    assert main(["compare", told["study"], "--home", str(home.path), "--json"]) == 0
    (pair,) = last_line(capsys.readouterr().out)["pairs"]
    assert pair["verdict"] == "none" and pair["seeds"] == 2


@pytest.mark.slow
def test_a_network_of_low_digits_starts_one_of_high_digits(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*argv: str) -> Any:
        assert main([*argv, "--home", str(home.path), "--json"]) == 0
        return last_line(capsys.readouterr().out)

    def ran(study: str, *changes: str) -> Any:
        tiny = set_options("trainer.epochs=1", "data.validation=0.1", "data.test=0.8", *changes)
        return said("run", str(ROOT / "examples" / f"{study}.yaml"), "--workers", "1", *tiny)

    ran("resnet-low-digits")
    first = said("best", "resnet-low-digits")["mlflow_run_id"]
    once = ("search.trials=1", "search.repeats=1", "confirm=null")
    changes = (f"model.0.weights=runs:/{first}", *once)
    told = ran("resnet-high-digits", *changes)
    assert told["trials"] == {"completed": 2} and set(told["arms"]) == {"pretrained", "scratch"}


def test_the_vowels_are_asked_for_where_they_are_missing(
    enter: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    enter("speech")
    assert main(["check", "study.yaml"]) == 2
    assert "JapaneseVowels_TRAIN.ts" in capsys.readouterr().err
