"""The files that a study reads and runs: which they are, and whether they are still the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lightning_modules.configuration import COMMAND, Configuration
from lightning_modules.configuration.program_words import asked_for, filled, working_folder
from lightning_modules.data.sets.published import PUBLISHED
from lightning_modules.errors import UserError
from lightning_modules.files import user_path
from lightning_modules.hashing import short_hash
from lightning_modules.networks.pretrained.weights import IMAGENET, NONE, weights_path
from lightning_modules.user_code import imports
from studies.home import Home, home_option
from studies.inputs.weights import with_weights_file
from studies.records import RecordReader
from studies.study_file import Spec, is_program
from studies.study_file.command_template import function_of

PARAMETERS = ("path", "validation_path", "test_path", "tokenizer")
"""What a data set calls a file, or a folder of files, that it reads."""
SCRIPTS = (".jl", ".js", ".lua", ".m", ".pl", ".py", ".r", ".rb", ".sh")
"""What the name of a script ends with; a command may also name files that it writes."""

OF_FUNCTION = "function "
"""How the name of a Python function begins, among those of files."""
FILES = "files"
"""The note of a study that says which files its trials read and ran."""
Identities = Mapping[str, str]
"""Size and SHA-256 of every file, by its path as the study file names it."""


def identities(spec: Spec, home: Home) -> Identities:
    """The files of every data set, of weights and of code that the study names, as far as they
    exist."""
    return {name: identity(path) for name, path in located_files(spec, home)}


def located_files(spec: Spec, home: Home) -> Iterator[tuple[str, Path]]:
    """The same files: what each is called, and where it is."""
    found = set()
    for configuration in spec.configurations:
        files = [*_files(configuration, home), *((str(path), path) for path in code(configuration))]
        for name, path in files:
            if name not in found and path.exists():
                found.add(name)
                yield name, path


def code(configuration: Configuration) -> Iterator[Path]:
    """The user's own code: programs and scripts that the command names, and what the current folder
    has of the packages of own classes."""
    for path in configuration.class_paths:
        yield from imports.sources(path)
    if is_program(configuration) and not function_of(configuration):
        flat, program = configuration.flat(), configuration.model.parameters
        folder = working_folder(program)
        known = [word for word in program[COMMAND] if flat.keys() >= set(asked_for([word]))]
        words = filled(known, flat)
        for before, word in zip(["", *words], words, strict=False):
            name = word.rpartition("=")[2]
            at = os.path.join(folder, word)
            runs = word is words[0] and os.access(at, os.X_OK) and not os.path.isabs(word)
            file = os.path.join(folder, name)
            if (runs or is_script(name)) and os.path.isfile(file):  # of a long text, no error
                yield Path(file)
            elif before == "-m" and imports.MODULE.fullmatch(word):
                yield from imports.sources(word, folder)


def is_script(name: str) -> bool:
    """Whether the name of a file is that of a script."""
    return Path(name).suffix.lower() in SCRIPTS


def _files(configuration: Configuration, home: Home) -> Iterator[tuple[str, Path]]:
    """What a configuration reads, by the name that it is told by."""
    data, model = configuration.data, configuration.model
    for path in (data.parameters.get(name) for name in PARAMETERS):
        if isinstance(path, str):
            yield path, user_path(path)
    if data.name in PUBLISHED:
        known = PUBLISHED[data.name]
        for file in known.files:
            path = user_path(data.parameters["root"]) / known.folder / file
            yield str(path), path
    weights = model.parameters.get("weights")
    if isinstance(weights, str) and weights != NONE:
        path = _weights(configuration, home)
        if path is not None:
            yield (str(path) if weights == IMAGENET else weights), path


def _weights(configuration: Configuration, home: Home) -> Path | None:
    """The file or folder that the model starts from; None where it is gone."""
    with suppress(UserError):
        model = with_weights_file(configuration, home).model
        weights = str(model.parameters["weights"])
        if weights == IMAGENET:
            return weights_path(model.name, weights)
        return user_path(weights)
    return None


def code_of(spec: Spec, files: Identities) -> str:
    """Identity of the user's own code among some files: what trials run, not what they read. Empty
    where there is none."""
    own = own_code(spec, files)
    return short_hash(json.dumps(own, sort_keys=True)) if own else ""


def own_code(spec: Spec, files: Identities) -> Identities:
    """The files that are code, and functions."""
    named = {str(path) for configuration in spec.configurations for path in code(configuration)}
    return {
        name: found
        for name, found in files.items()
        if name in named or name.startswith(OF_FUNCTION) or is_script(name)
    }


def changed_code(record: RecordReader, spec: Spec) -> list[str]:
    """The files of code, by name, that differ from those that a study has run."""
    before: Identities = record.notes().get(FILES) or {}
    paths = {path for configuration in spec.configurations for path in code(configuration)}
    known = sorted(path for path in paths if str(path) in before and path.exists())
    return [str(path) for path in known if identity(path) != before[str(path)]]


def changed_files(record: RecordReader, files: Identities) -> dict[str, str]:
    """What differs from the files that a study has read and run: what was, by name."""
    before: Identities = record.notes().get(FILES) or {}
    return {name: before[name] for name, now in files.items() if before.get(name, now) != now}


def refuse_changed_files(record: RecordReader, spec: Spec, home: Home, files: Identities) -> None:
    """Raise UserError where a file differs from the one that the study has read."""
    for name, was in changed_files(record, files).items():
        way_out = "Put the old file back, or give the study another name"
        if own_code(spec, {name: was}):
            reset = f"fairtune reset {spec.study} --failed{home_option(home.path)}"
            way_out += f"; where the change mends trials that failed, `{reset}` accepts it"
        raise UserError(
            f"{name}: has changed since study {spec.study} began (it had {was}, it has "
            f"{files[name]}), so new trials could not be compared with the old ones. {way_out}"
        )


def identity(path: Path) -> str:
    """Size and SHA-256; of a folder that of everything in it, names included."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    digest, size = hashlib.sha256(), 0
    for file in files:
        if path.is_dir():
            digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
        size += file.stat().st_size
    return f"{size:,} bytes, SHA-256 {digest.hexdigest()}"
