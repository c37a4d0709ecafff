"""The files that a study reads: which they are, and whether they are still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from studies.archive import Archive
from studies.ranges import variants
from studies.spec import Spec

PARAMETERS = ("path", "validation_path", "test_path", "tokenizer")
"""What a data set calls a file, or a folder of files, that it reads."""
ATTRIBUTE = "files"

Identities = Mapping[str, str]
"""Size and SHA-256 of every file, by its path as the study file names it."""


def identities(spec: Spec) -> Identities:
    """The files of every data set that the study names, as far as they exist."""
    found: dict[str, str] = {}
    for variant in variants(spec.space.root):
        given = Configuration.resolve(variant.value).data.parameters
        for path in (given.get(name) for name in PARAMETERS):
            if isinstance(path, str) and path not in found and Path(path).exists():
                found[path] = _identity(Path(path))
    return found


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
