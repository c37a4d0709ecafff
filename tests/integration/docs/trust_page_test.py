"""docs/trust.md names every command, and the limits that are."""

import re

from studies.cli import app
from studies.study_file.reading import limits
from studies.study_file.space.open_values import MANY
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")


def test_every_command_has_a_line() -> None:
    section = PAGE.partition("## What each command does\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = [name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)]
    assert sorted(named) == sorted(str(command.name) for command in app.registered_commands)


def test_the_limits_of_a_study_file_are_those_of_the_page() -> None:
    words = f"{limits.MAX_BYTES // 1_000_000} MB, {limits.MAX_VALUES:,} keys and values, "
    assert f"at most {words}{limits.MAX_DEPTH} levels" in PAGE
    assert MANY == 1_000_000 and "at most a million trainings and points of a grid" in PAGE
