"""What the command of a program asks for: `{optimizer.lr}` and the like.

`{path}` is a value of the configuration by its dotted path. `{seed}`, `{split}` (an integer, the
seed by which the program divides its data, 0 unless a study repeats its searches on several
splits), `{epochs}`, `{checkpoint}` (a file for the program's best weights) and `{folder}` (one for
what it writes, which goes with the trial's end) belong to the trial, and `{configuration}` is a
JSON file that holds all of it. `{{word}}` is the text `{word}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lightning_modules.components import suggestion
from lightning_modules.configuration import COMMAND, Configuration
from lightning_modules.errors import Problem, UserError
from studies.study_file.reading.limits import ENOUGH
from studies.study_file.space.search_space import Group, Space
from studies.study_file.space.variants import Keys, variants

PLACEHOLDER = re.compile(r"\{\{([\w.]+)\}\}|\{([\w.]+)\}")
WHOLE = "configuration"
FUNCTION = "python-function"
"""The first word of the command of a study that a Python function trains."""
FAIRTUNES = ("trainer", "objective")
"""Sections that mean something without being told to the program."""
OF_THE_TRIAL = ("seed", "split", "epochs", "checkpoint", "folder", WHOLE)


def is_program(configuration: Configuration) -> bool:
    """Whether a program of the user's is to be run."""
    return configuration.model.name == COMMAND


def function_of(configuration: Configuration) -> str:
    """The name of the Python function that trains it; empty where none does."""
    if not is_program(configuration):
        return ""
    command = configuration.model.parameters[COMMAND]
    return str(command[1]) if command[0] == FUNCTION and len(command) > 1 else ""


def needs_its_function(name: str) -> UserError:
    """What to say where a study is run without the function that trains it."""
    return UserError(
        f"model.command: the study is trained by the Python function {name}; run it from the "
        "program that has it: fairtune.run(..., trial=...)"
    )


def asked_for(command: Sequence[str]) -> list[str]:
    """The names in a command, in their order."""
    return [name for word in command for _, name in PLACEHOLDER.findall(word) if name]


def tells_split(configuration: Configuration) -> bool:
    """Whether it is a program's, which is told the split on which it is to train."""
    if not is_program(configuration):
        return False
    names = asked_for(configuration.model.parameters[COMMAND])
    return "split" in names or WHOLE in names


def filled(command: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """A command with its values; `true`, `false`, `null` and lists are spelled as in JSON."""

    def fill(found: re.Match[str]) -> str:
        if found[1] is not None:
            return f"{{{found[1]}}}"
        value = values[found[2]]
        return value if isinstance(value, str) else json.dumps(value)

    return [PLACEHOLDER.sub(fill, word) for word in command]


def env_problems(
    env: Sequence[str] | None, configurations: Sequence[Configuration]
) -> list[Problem]:
    """What is wrong with `env:` where there is no program that would see it."""
    programs = [each for each in configurations if is_program(each) and not function_of(each)]
    if env is None or programs:
        return []
    text = f"only a program has variables of its own: give model a {COMMAND}, or leave it out"
    return [Problem(("env",), text)]


def command_problems(root: Group, told_otherwise: bool = False) -> list[Problem]:
    """Placeholders that mean nothing, and, unless all is told in another way, what the file says
    that no placeholder passes on."""
    found: dict[str, Problem] = {}
    every = [(variant, Configuration.of(variant.value)) for variant in variants(root)]
    all_programs = all(is_program(configuration) for _, configuration in every)
    for variant, configuration in every:
        if not is_program(configuration):
            continue
        flat = configuration.flat()
        names = asked_for(configuration.model.parameters[COMMAND])
        here = variant.origin(("model", COMMAND))
        known = [*flat, *OF_THE_TRIAL]
        for name in names:
            if len(found) > ENOUGH:
                return list(found.values())
            if name not in known:
                hint = suggestion(name, known) or "; known are " + ", ".join(known)
                text = f"there is no value {{{name}}}{hint}"
                found.setdefault(text, Problem(here, text))
        if told_otherwise or WHOLE in names:
            continue
        passed = ["trainer.epochs" if name == "epochs" else name for name in names]
        silent = [name for name in Space(root).open_values_of(flat) if name not in passed]
        for name in silent:
            if name != f"model.{COMMAND}":
                text = (
                    f"{name} is searched and the program is not told: add {{{name}}} to its "
                    f"arguments, or {{{WHOLE}}} for a JSON file of everything"
                )
                found.setdefault(text, Problem(here, text))
        if not all_programs:
            continue  # the others need what it is not told
        first: dict[str, str] = {}
        for name in flat:
            for prefix in _prefixes(name):
                first.setdefault(prefix, name)
        told, sections = {*passed, *silent}, {name.partition(".")[0] for name in passed}
        for path in _given(variant.value):
            name = first.get(".".join(map(str, path)), "")
            is_told = not told.isdisjoint(_prefixes(name))
            # the name need not be told where another value of its section is
            named = name == f"{path[0]}.name" and path[0] in sections
            if name and name != f"model.{COMMAND}" and not is_told and not named:
                text = (
                    f"the program is not told of it: leave it out, or add {{{name}}} to its "
                    f"arguments, or {{{WHOLE}}} for a JSON file of everything"
                )
                found.setdefault(name, Problem(variant.origin(path), text))
    return list(found.values())


def _prefixes(name: str) -> list[str]:
    """The path of a value and of everything above it."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _given(node: Mapping[str, Any], path: Keys = ()) -> Iterator[Keys]:
    """Where the tree of a configuration holds a value that a program could be told."""
    for key, value in node.items():
        if path or key not in FAIRTUNES:
            if isinstance(value, Mapping):
                yield from _given(value, (*path, key))
            else:
                yield (*path, key)


def lacks_seed(configurations: Iterable[Configuration]) -> bool:
    """Whether a program is not told its seed, so that runs on fresh seeds are equal or differ by
    chance alone."""
    for configuration in configurations:
        if is_program(configuration):
            names = asked_for(configuration.model.parameters[COMMAND])
            if "seed" not in names and WHOLE not in names:
                return True
    return False
