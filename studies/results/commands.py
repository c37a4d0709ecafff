"""Commands that give a study more, complete and copyable."""

from __future__ import annotations

import shlex

from studies.results.study_results import StudyResults
from studies.study_file.command_template import function_of


def command(results: StudyResults, *changes: str) -> str:
    """The command that runs a study again with changes such as `search.repeats=9`.

    It names the file that the study was started with and repeats its options. Where a Python
    function trains, it is the call that has it.
    """
    if name := function_of(results.spec.configurations[0]):
        pairs = (change.partition("=") for change in changes)
        overrides = ", ".join(f'"{path}": {value}' for path, _, value in pairs)
        trial, home = name.rpartition(".")[2], str(results.home.path)
        return (
            f'fairtune.run("{results.study}", trial={trial}, overrides={{{overrides}}}, '
            f"home={home!r})"
        )
    given = list(results.command) or [results.study]
    words = ["fairtune", "run", *given, "--home", str(results.home.path)]
    for change in changes:
        words += ["--set", change]
    return shlex.join(words)
