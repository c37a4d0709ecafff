"""What the command of a program asks for: `{optimizer.lr}` and the like.

`{seed}`, `{split}` (an integer, the seed by which the program divides its data, 0 unless a study
repeats its searches on several splits), `{epochs}`, `{checkpoint}` (a file for the program's best
weights) and `{folder}` (one for what it writes, which goes with the trial's end) belong to the
trial, and `{configuration}` is a JSON file that holds all of it. All other names are of
`lightning_modules.configuration.program_words`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lightning_modules.components import suggestion
from lightning_modules.configuration import COMMAND, Configuration
from lightning_modules.configuration.program_words import (
    PARAMS,
    Placeholder,
    asked_for,
    form_problem,
    given_values,
    options_of,
    placeholders,
    prefixes,
    shell_line,
    spelled,
    value_problem,
    words_of,
)
from lightning_modules.configuration.sections import CWD, ENV, FUNCTION
from lightning_modules.errors import Problem, UserError
from studies.study_file.reading.limits import ENOUGH
from studies.study_file.space.search_space import Group, Space
from studies.study_file.space.variants import Keys, Variant, variants

WHOLE = "configuration"
INSTEAD = f"{{{WHOLE}}} for a JSON file of everything, or {{{PARAMS}}} for all that it is not told"
TRIAL_EXAMPLES = {"seed": 0, "split": 0, "epochs": 1, "checkpoint": "", "folder": "", WHOLE: ""}
"""What belongs to the trial, with values of the right kind."""
HOW_IT_RUNS = (f"model.{COMMAND}", f"model.{CWD}")


def is_program(configuration: Configuration) -> bool:
    """Whether a program of the user's is to be run."""
    return configuration.model.name == COMMAND


def function_of(configuration: Configuration) -> str:
    """The name of the Python function that trains it; empty where none does."""
    if not is_program(configuration):
        return ""
    command = configuration.model.parameters[COMMAND]
    return str(command[1]) if command[0] == FUNCTION and len(command) > 1 else ""


def values_of(
    configuration: Configuration, seed: int, split: int, checkpoint: str, *, whole: str, folder: str
) -> dict[str, Any]:
    """Everything that a program can be told, by the names of its places.

    Args:
        configuration: That of the trial.
        seed: The seed of the trial.
        split: The seed of its split.
        checkpoint: The file for its best weights.
        whole: The JSON file that holds all of it.
        folder: The folder for what it writes.
    """
    trial = {
        "seed": seed,
        "split": split,
        "epochs": configuration.trainer["epochs"],
        "checkpoint": checkpoint,
        "folder": folder,
        WHOLE: whole,
    }
    return {**configuration.flat(), **trial}


def command_line(configuration: Configuration, seed: int, split: int, checkpoint: str) -> str:
    """The program of a trial as a shell runs it, in one line; empty where a network or a function
    trains, where it takes several lines, and where a file of everything or a folder is asked for,
    which only a study makes."""
    if not is_program(configuration) or function_of(configuration):
        return ""
    program = configuration.model.parameters
    if {WHOLE, "folder"} & {*asked_for(words_of(program))}:
        return ""
    values = values_of(configuration, seed, split, checkpoint, whole="", folder="")
    line = shell_line(program, values)
    return line if line.isprintable() else ""


def needs_its_function(name: str) -> UserError:
    """What to say where a study is run without the function that trains it."""
    return UserError(
        f"model.command: the study is trained by the Python function {name}; run it from the "
        "program that has it: fairtune.run(..., trial=...)"
    )


def tells_split(configuration: Configuration) -> bool:
    """Whether it is a program's, which is told the split on which it is to train."""
    if not is_program(configuration):
        return False
    names = asked_for(words_of(configuration.model.parameters))
    return "split" in names or WHOLE in names


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
        if not is_program(configuration) or function_of(configuration):
            continue
        flat, program = configuration.flat(), configuration.model.parameters
        names = asked_for(words_of(program))
        here = variant.origin(("model", COMMAND))
        if len(found) > ENOUGH:
            return list(found.values())
        for problem in _place_problems(variant, program, {**flat, **TRIAL_EXAMPLES}):
            found.setdefault(problem.message, problem)
        if told_otherwise or WHOLE in names:
            continue
        passed = {"trainer.epochs" if name == "epochs" else name for name in names}
        passed |= {name for name in flat if name.startswith(f"model.{ENV}.")}
        silent = [name for name in Space(root).open_values_of(flat) if name not in passed]
        for name in silent:
            if name not in HOW_IT_RUNS:
                text = (
                    f"{name} is searched and the program is not told: add {{{name}}} to its "
                    f"arguments, or {INSTEAD}"
                )
                found.setdefault(text, Problem(here, text))
        if not all_programs:
            continue  # the others need what it is not told
        told, sections = {*passed, *silent}, {name.partition(".")[0] for name in passed}
        for path, name in given_values(variant.value, flat):
            is_told = not told.isdisjoint(prefixes(name))
            # the name need not be told where another value of its section is
            named = name == f"{path[0]}.name" and path[0] in sections
            if not is_told and not named:
                text = (
                    f"the program is not told of it: leave it out, or add {{{name}}} to its "
                    f"arguments, or {INSTEAD}"
                )
                found.setdefault(name, Problem(variant.origin(path), text))
    return list(found.values())


def _place_problems(
    variant: Variant, program: Mapping[str, Any], values: Mapping[str, Any]
) -> Iterator[Problem]:
    """What is wrong with the places in the words of a program, one for each of them."""
    given = variant.value["model"]
    words: list[tuple[Keys, Any]] = [((COMMAND,), word) for word in given[COMMAND]]
    words += [((ENV, name), value) for name, value in (given.get(ENV) or {}).items()]
    for keys, value in words:
        word = spelled(value)
        here = variant.origin(("model", *keys))
        for place in placeholders(word):
            problem = form_problem(word, place, alone=keys[0] == ENV)
            if place.name != PARAMS and place.name not in values:
                problem = _no_value(place, [*values])
            elif place.name != PARAMS and not problem:
                problem = value_problem(place, values[place.name])
            if problem:
                yield Problem(here, problem)
    options: dict[str, str] = {}
    for option, name in options_of(program[COMMAND]):
        if options.setdefault(option, name) != name:
            text = (
                f"{options[option]} and {name} would both be {option}: name one of them by itself, "
                f"as in [..., --other, {{{name}}}]"
            )
            yield Problem(variant.origin(("model", COMMAND)), text)


def _no_value(place: Placeholder, known: Sequence[str]) -> str:
    hint = suggestion(place.name, [*known, PARAMS]) or "; known are " + ", ".join(known)
    escape = f"; write {{{place.text}}} for the text itself" if place.form else ""
    return f"there is no value {{{place.name}}}{hint}{escape}"


def lacks_seed(configurations: Iterable[Configuration]) -> bool:
    """Whether a program is not told its seed, so that runs on fresh seeds are equal or differ by
    chance alone."""
    for configuration in configurations:
        if is_program(configuration):
            names = asked_for(words_of(configuration.model.parameters))
            if "seed" not in names and WHOLE not in names:
                return True
    return False
