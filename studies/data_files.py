"""The files that a study reads: which they are, and whether they are still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lightning_modules.configuration import Configuration
from lightning_modules.data.published import PUBLISHED
from lightning_modules.errors import UserError
from lightning_modules.transfer import IMAGENET, NONE, weights_path
from studies.archive import Archive
from studies.home import Home
from studies.ranges import variants
from studies.spec import Spec
from studies.weights import with_weights_file

PARAMETERS = ("path", "validation_path", "test_path", "tokenizer")
"""What a data set calls a file, or a folder of files, that it reads."""
ATTRIBUTE = "files"

Identities = Mapping[str, str]
"""Size and SHA-256 of every file, by its path as the study file names it."""


def identities(spec: Spec, home: Home) -> Identities:
    """The files of every data set and of weights that the study names, as far as they exist."""
    found: dict[str, str] = {}
    for variant in variants(spec.space.root):
        for name, path in _files(Configuration.resolve(variant.value), home):
            if name not in found and path.exists():
                found[name] = _identity(path)
    return found


def _files(configuration: Configuration, home: Home) -> Iterator[tuple[str, Path]]:
    """What a configuration reads, by the name that it is told by."""
    data, model = configuration.data, configuration.model
    for path in (data.parameters.get(name) for name in PARAMETERS):
        if isinstance(path, str):
            yield path, Path(path)
    if data.name in PUBLISHED:
        known = PUBLISHED[data.name]
        for file in known.files:
            path = Path(data.parameters["root"], known.folder, file)
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
        return Path(weights).expanduser()
    return None


def refuse_changed_files(
    names: Iterable[str], archive: Archive, study: str, files: Identities
) -> None:
    """Raise UserError where a file differs from the one that the Optuna studies `names` read."""
    for name in names:
        before: Identities = archive.attributes(name).get(ATTRIBUTE, {})
        for path, now in files.items():
            if before.get(path, now) != now:
                raise UserError(
                    f"{path}: has changed since study {study} began (it had {before[path]}, it has "
                    f"{now}), so new trials could not be compared with the old ones. Put the old "
                    "file back, or give the study another name"
                )


def _identity(path: Path) -> str:
    """Of a folder that of everything in it, names included."""
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
