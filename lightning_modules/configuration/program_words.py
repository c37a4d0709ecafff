"""The words of a program's command, and what the places in them stand for.

`{path}` is a value by its dotted path and `{path:form}` the same value in another form; `{params}`
is everything that no other place tells. `{{word}}` is the text `{word}`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.components import suggestion
from lightning_modules.configuration.sections import COMMAND, CWD, ENV, PROGRAM_KEYS
from lightning_modules.configuration.trainer import LATER, is_default

PLACEHOLDER = re.compile(r"\{\{([\w.-]+(?::[^{}]*)?)\}\}|\{(\w[\w.-]*)(?::([^{}]*))?\}")
NUMBER = re.compile(r"%?(0?\d{0,2}(?:\.\d{1,2})?[defgEG])")
"""A number as C and Python write it, such as `%.4g`."""
FLAGS = re.compile(r"[^\s/]+(?:/[^\s/]+)?|/[^\s/]+")
"""The word for true, that for false after a slash, or both."""
PARAMS = "params"
PARAMS_FORM = re.compile(r"(-{0,2})(name|path)( |=)value")
PARAMS_FORMS = ("--name value", "--name=value", "name=value", "path=value", "--path=value")
FORMS = ("flag --on", "flag --on/--off", "option --name", "words", "commas", "python", "%.4g")
"""The forms of a value, as the documentation shows them."""
FAIRTUNES = ("trainer", "objective")
"""Sections that mean something without being told to the program."""
Keys = tuple[str, ...]


@dataclass(frozen=True)
class Placeholder:
    """A place in a word: a value by its dotted path, in a form."""

    name: str
    form: str
    text: str
    """As it is written, with its braces."""

    @property
    def keyword(self) -> str:
        """The first word of the form."""
        return self.form.partition(" ")[0]

    @property
    def argument(self) -> str:
        """What follows the first word of the form."""
        return self.form.partition(" ")[2].strip()

    @property
    def stands_alone(self) -> bool:
        """Whether it becomes any number of words, or none."""
        return self.name == PARAMS or self.keyword in ("flag", "option", "words")


def placeholders(word: str) -> list[Placeholder]:
    """The places in a word, in their order."""
    return [_placeholder(found) for found in PLACEHOLDER.finditer(word) if found[2]]


def asked_for(words: Iterable[str]) -> list[str]:
    """The names in some words, in their order."""
    return [place.name for word in words for place in placeholders(word)]


def words_of(program: Mapping[str, Any]) -> list[str]:
    """All words of a program in which values may stand: its arguments and its variables."""
    return [*program[COMMAND], *map(spelled, _env(program).values())]


def filled(words: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """Some words with their values; a place without a value stays as it is."""
    return [each for word in words for each in _filled_word(word, values)]


def variables(program: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a program is given, with their values."""
    given = _env(program)
    return {name: "".join(filled([spelled(text)], values)) for name, text in given.items()}


def spelled(value: Any, form: str = "") -> str:
    """A value as one word; without a form, `true`, `false`, `null` and lists are as in JSON.

    Raises ValueError or TypeError where the form does not fit the value.
    """
    if found := NUMBER.fullmatch(form):
        if isinstance(value, bool):
            raise TypeError("a boolean is no number")
        return format(value, found[1])
    if form == "commas" and isinstance(value, list | tuple):
        return ",".join(map(spelled, value))
    if isinstance(value, str):
        return value
    return repr(value) if form == "python" else json.dumps(value)


def form_problem(word: str, place: Placeholder, *, alone: bool) -> str:
    """What is wrong with the form of a place; empty where nothing is. `alone` says that only one
    text may come of it, as for a variable."""
    text = place.text
    if place.name == PARAMS:
        if place.form and not PARAMS_FORM.fullmatch(place.form):
            hint = suggestion(place.form, PARAMS_FORMS) or _known(PARAMS_FORMS)
            return f"{text}: there is no form {place.form!r}{hint}"
    elif place.keyword == "flag" and not FLAGS.fullmatch(place.argument):
        path = place.name
        return f"{text}: name the flag, as in {{{path}:flag --bn}} or {{{path}:flag --bn/--no-bn}}"
    elif place.keyword == "option" and (not place.argument or " " in place.argument):
        return f"{text}: name the option, as in {{{place.name}:option --clip}}"
    elif place.form and not (place.keyword in ("flag", "option") or _is_form(place.form)):
        hint = suggestion(place.keyword, ("flag", "option", "words", "commas", "python"))
        return f"{text}: there is no form {place.form!r}{hint or _known(FORMS)}"
    if place.stands_alone and alone:
        return f"{text}: a variable is one text; write {{{place.name}:commas}} for a list"
    if place.stands_alone and word != text:
        return f"{text} is a word of its own; put nothing beside it in {word!r}"
    return ""


def value_problem(place: Placeholder, value: Any) -> str:
    """Why a value cannot be told in the form of a place; empty where it can."""
    try:
        _words(place, value)
    except (ValueError, TypeError):
        what = "true or false" if place.keyword == "flag" else f"a number for {place.form}"
        return f"{place.text}: {place.name} is {json.dumps(value)}, not {what}"
    return ""


def with_params(
    program: Mapping[str, Any], tree: Mapping[str, Any], flat: Iterable[str]
) -> dict[str, Any]:
    """A program with texts for the numbers in its command, and the names of values for `{params}`.

    Args:
        program: What the configuration says of it.
        tree: The configuration as it was given, in which the other values are found.
        flat: The dotted paths of the complete configuration, to which the given ones belong.
    """
    words = [spelled(word) for word in program[COMMAND]]
    told = set(asked_for(words_of({**program, COMMAND: words})))
    rest = [(path, name) for path, name in given_values(tree, flat) if told.isdisjoint({name})]
    command: list[str] = []
    for word in words:
        places = placeholders(word)
        if len(places) == 1 and places[0].name == PARAMS and word == places[0].text:
            command += [each for path, name in rest for each in _param(places[0].form, path, name)]
        else:
            command.append(word)
    return {**program, COMMAND: command}


def given_values(tree: Mapping[str, Any], flat: Iterable[str]) -> Iterator[tuple[Keys, str]]:
    """Where a configuration gives values that its program could be told, and the dotted path of
    each in the complete configuration."""
    first: dict[str, str] = {}
    for name in flat:
        for prefix in prefixes(name):
            first.setdefault(prefix, name)
    for path in _given(tree):
        if name := first.get(".".join(path), ""):
            yield path, name


def prefixes(name: str) -> list[str]:
    """The path of a value and of everything above it."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def options_of(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The options that forms write, with the value that each tells."""
    for word in command:
        option, _, text = word.partition("=")
        for place in placeholders(word):
            if place.keyword == "option":
                yield place.argument.rstrip("="), place.name
            elif text == place.text:
                yield option, place.name


def working_folder(program: Mapping[str, Any]) -> Path:
    """The folder in which a program runs: the current one unless it names another."""
    return Path(program.get(CWD) or "").expanduser()


def shell_line(program: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """A program with its values as a shell runs it, with its folder and variables."""
    given = [f"{name}={shlex.quote(value)}" for name, value in variables(program, values).items()]
    folder = [f"cd {shlex.quote(str(working_folder(program)))} &&"] if program.get(CWD) else []
    return " ".join([*folder, *given, shlex.join(filled(program[COMMAND], values))])


def _env(program: Mapping[str, Any]) -> Mapping[str, Any]:
    given = program.get(ENV)  # a function of Python may take anything by that name
    return given if isinstance(given, Mapping) else {}


def _given(node: Mapping[str, Any], path: Keys = ()) -> Iterator[Keys]:
    for key, value in node.items():
        if path == ("model",) and key in PROGRAM_KEYS:
            continue
        if not isinstance(value, Mapping) and not may_be_told(".".join((*path, str(key))), value):
            continue
        if isinstance(value, Mapping):
            yield from _given(value, (*path, str(key)))
        else:
            yield (*path, str(key))


def may_be_told(name: str, value: Any) -> bool:
    """Whether a program has a use for the value of this path: of how fairtune trains, for what it
    does not do itself where a program trains, such as `precision: bf16`."""
    section, _, key = name.partition(".")
    if section == "trainer":
        return key in LATER and not is_default(key, value)
    return section not in FAIRTUNES


def _param(form: str, path: Keys, name: str) -> list[str]:
    """The words by which `{params}` tells a value."""
    found = PARAMS_FORM.fullmatch(form or PARAMS_FORMS[0])
    if found is None:
        return []  # which is told as a mistake
    short = path[-2] if len(path) > 1 and path[-1] == "name" else path[-1]
    option = found[1] + (short if found[2] == "name" else ".".join(path))
    if not found[1]:
        return [f"{option}{found[3]}{{{name}}}"] if found[3] == "=" else [option, f"{{{name}}}"]
    return [f"{{{name}:option {option}{found[3].strip()}}}"]


def _filled_word(word: str, values: Mapping[str, Any]) -> list[str]:
    places = placeholders(word)
    if len(places) == 1 and places[0].stands_alone and word == places[0].text:
        place = places[0]
        return _words(place, values[place.name]) if place.name in values else [word]

    def fill(found: re.Match[str]) -> str:
        if found[1] is not None:
            return f"{{{found[1]}}}"
        place = _placeholder(found)
        return spelled(values[place.name], place.form) if place.name in values else found[0]

    return [PLACEHOLDER.sub(fill, word)]


def _words(place: Placeholder, value: Any) -> list[str]:
    """The words that come of a place."""
    several = value if isinstance(value, list | tuple) else [value]
    if place.keyword == "flag":
        if not isinstance(value, bool):
            raise TypeError("a flag is for a boolean")
        on, _, off = place.argument.partition("/")
        return [flag] if (flag := on if value else off) else []
    if place.keyword == "option":
        if value is None:
            return []
        if place.argument.endswith("="):
            return [place.argument + spelled(value, "commas")]
        return [place.argument, *map(spelled, several)]
    if place.keyword == "words":
        return [] if value is None else list(map(spelled, several))
    return [spelled(value, place.form)]


def _is_form(form: str) -> bool:
    return form in ("words", "commas", "python") or NUMBER.fullmatch(form) is not None


def _known(forms: Sequence[str]) -> str:
    return "; known are " + ", ".join(forms)


def _placeholder(found: re.Match[str]) -> Placeholder:
    return Placeholder(found[2], (found[3] or "").strip(), found[0])
