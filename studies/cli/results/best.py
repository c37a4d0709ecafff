"""`fairtune best`: the best configuration of a study, as a file to train again."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from lightning_modules.errors import NothingCompletedError, cut, visible
from studies.api.opening import console, open_home
from studies.cli.options import HomeOption, Json, StudyName, print_json
from studies.study_file.reading.yaml_text import yaml_of

if TYPE_CHECKING:
    from studies.results import StudyResults


def best(study: StudyName, home: HomeOption = None, as_json: Json = False) -> None:
    """Print the best configuration of a study: a study file that trains it once."""
    from studies.analysis import (
        choose,
        configuration_of,
        file_of_one_trial,
        recommended,
        summary,
    )
    from studies.results import load_results
    from studies.sentences.expectation import expectation
    from studies.study_file.command_template import command_line, function_of

    place = open_home(home)
    results = load_results(place, study)
    found, chosen = summary(results)["best"], recommended(results)
    if found is None or chosen is None:
        raise NothingCompletedError(f"{study}: no trial has completed yet")
    configuration = configuration_of(chosen.trial)
    found["configuration"] = configuration.shown()
    screen = console(stderr=as_json)
    expected = expectation(results)
    assert expected is not None
    arm = f", arm {found['arm']}" if found["arm"] else ""
    where = f", split {found['split']} of repeat {found['repeat']}" if found["searches"] > 1 else ""
    screen.print(f"# found by {found['trial']}{arm}, seed {found['seed']}{where}")
    if found["note"]:
        screen.print(f"# its note: {cut(visible(' '.join(found['note'].split())))}", soft_wrap=True)
    screen.print(f"# expect {expected.words}")
    screen.print(f"# network: {choose(results).words}")
    if found["mlflow_run_id"] is not None:
        screen.print(f"# MLflow run {found['mlflow_run_id']}")
    if function := function_of(configuration):
        needed = _needs(function, f"{study}-best.yaml")
        screen.print(f"# {needed}")
        if not as_json:  # the file may be on its way to a disk, where nobody reads it now
            print(f"fairtune: {needed}", file=sys.stderr)
    else:
        screen.print(f"# train it again: {_training(results)}", soft_wrap=True)
    if line := command_line(configuration, found["seed"], found["split"] or 0, f"{study}-best.pt"):
        screen.print(f"# its program: {line}", soft_wrap=True)
    screen.print(yaml_of(file_of_one_trial(results, chosen.trial)).rstrip())
    if as_json:
        low, high = expected.interval.low, expected.interval.high
        print_json({**found, "low": low, "high": high, "rests_on": expected.rests_on})


def _training(results: StudyResults) -> str:
    """The commands that write the file and train it."""
    file, home = f"{results.study}-best.yaml", ["--home", str(results.home.path)]
    given = list(results.command)
    allowed = [word for at, word in enumerate(given) if "--allow" in (word, *given[at - 1 : at])]
    write = shlex.join(["fairtune", "best", results.study, *home])
    return f"{write} > {file} && {shlex.join(['fairtune', 'run', file, *home, *allowed])}"


def _needs(function: str, file: str) -> str:
    """How a file is used that a Python function trains."""
    name = function.rpartition(".")[2]
    trial = name if name.isidentifier() else "function"
    call = f'fairtune.run("{file}", trial={trial})'
    return f"the Python function {function} trains it, so run this file from Python: {call}"
