"""Programs and files that a home names, which may come from somebody else: a program is run after
consent, and a file is named before it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import Any

from lightning_modules.configuration import COMMAND, Configuration, flatten
from lightning_modules.configuration.program_words import shell_line
from lightning_modules.errors import UserError
from lightning_modules.networks.pretrained.weights import IMAGENET, NONE, RUN
from studies.home import Home
from studies.home.boundary import is_inside
from studies.records import Trial
from studies.study_file import Spec, is_program
from studies.study_file.command_template import function_of

READ = ("data.path", "data.validation_path", "data.test_path", "data.root", "data.tokenizer",
        "model.weights")  # fmt: skip
"""Values of a configuration that name a file, or a folder, which is read."""
NAMES = ("data.class", "data.name", "model.class", "model.name")
"""Values that may name a class of the user's own code."""
LONGEST = 300
"""Characters of a command that are shown."""
Texts = set[tuple[str, str]]
"""Values of configurations that are no numbers, by their dotted paths."""


@dataclass(frozen=True)
class Consent:
    """Whether a program may be run that only a home names."""

    again: str
    """How the same is done with consent: a command, or words about a call."""
    given: bool = False
    ask: Callable[[str], bool] | None = None
    """Shows a command to a person and asks; None where nobody could answer."""

    def require(self, who: str, configurations: Iterable[Configuration]) -> None:
        """Raise UserError unless the programs of some configurations may be run."""
        commands = dict.fromkeys(shown(each) for each in configurations if _is_of_others(each))
        for command in commands:
            if self.given:
                getLogger("fairtune").warning("%s runs %s", who, command)
            elif self.ask is None or not self.ask(f"{who} runs {command}"):
                raise UserError(
                    f"{who}: the home names a program, {command}, which is run only with your "
                    f"consent; {self.again}"
                )


def shown(configuration: Configuration) -> str:
    """The command of a program with the values that are known, as a shell would read it."""
    words = shell_line(configuration.model.parameters, configuration.flat())
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words)
    return f"`{line if len(line) <= LONGEST else line[:LONGEST] + '...'}`"


def say_paths(who: str, configurations: Iterable[Configuration], home: Home) -> None:
    """Say which files and folders out of the home stored configurations read, a line each."""
    found = {each for one in configurations for each in _paths(texts(one.to_dict()))}
    for value in sorted({value for _, value in found}):
        _say(who, value, home)


def require_as_in_file(spec: Spec, trials: Iterable[Trial], home: Home, consent: Consent) -> None:
    """Compare what recorded trials, which may be continued or trained on fresh seeds, run and read
    with the study file that the user has named. Files are said.

    Raises UserError where they have a program without consent, or a class of the user's own code
    that is not in the file.
    """
    known: Texts = set()
    for configuration in spec.configurations:
        known |= texts(configuration.to_dict())
    seen: dict[int, Mapping[str, Any]] = {}
    said: Texts = set()
    for trial in trials:
        sections = [each for each in trial.configuration.values() if id(each) not in seen]
        if not sections:
            continue  # trials share the sections that are equal
        seen |= {id(each): each for each in sections}
        new = texts(trial.configuration) - known
        if COMMAND in trial.configuration["model"] and new:
            consent.require(f"{spec.study}/{trial.key}", [Configuration.of(trial.configuration)])
        for path, value in sorted(new):
            if path in NAMES and ":" in value:
                raise UserError(
                    f"{spec.study}/{trial.key}: its record has {path} {value!r}, which is not in "
                    "the study file; run the file in another home with --home"
                )
        for each in sorted(_paths(new) - said):
            said.add(each)
            _say(f"{spec.study}/{trial.key}", each[1], home)


def texts(tree: Mapping[str, Any]) -> Texts:
    """The values of a configuration that are no numbers, nor lists of them."""
    return {(path, str(value)) for path, value in flatten(tree) if _has_text(value)}


def _has_text(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list | tuple) and any(map(_has_text, value))
    )


def _paths(found: Texts) -> Texts:
    unread = (NONE, IMAGENET)
    return {
        (path, value)
        for path, value in found
        if path in READ and value not in unread and not value.startswith(RUN)
    }


def _say(who: str, value: str, home: Home) -> None:
    path = Path(value).expanduser().absolute()
    if "\0" not in value and path.exists() and not is_inside(path, home.path):
        getLogger("fairtune").warning("%s reads %s, as its record says", who, path)


def _is_of_others(configuration: Configuration) -> bool:
    """Whether a program is started; a function that trains is the caller's own."""
    return is_program(configuration) and not function_of(configuration)
