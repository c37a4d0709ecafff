"""Commands that give a study more, complete and copyable."""

from __future__ import annotations

import shlex

from studies.results.study_results import StudyResults


def command(results: StudyResults, *changes: str) -> str:
    """The command that runs a study again with changes such as `search.repeats=9`.

    It names the file that the study was started with and repeats its options.
    """
    given = list(results.command) or [results.study]
    words = ["fairtune", "run", *given, "--home", str(results.home.path)]
    for change in changes:
        words += ["--set", change]
    return shlex.join(words)
