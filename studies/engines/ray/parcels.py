"""Files of a trial between the home and a node that does not share its disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from lightning_modules.errors import StorageError
from lightning_modules.files import replacing
from lightning_modules.rights import make_folder
from studies.engines import Task

CHECKPOINT, CONTINUATION, LOGGED = "checkpoint", "continuation", "logged"
WEIGHTS = "weights"

Files = Mapping[str, bytes | None]
"""Content of files by `part/path`; None of one that is gone."""


def places(task: Task) -> dict[str, Path]:
    """The folder of each part that a trial writes."""
    given = {
        CHECKPOINT: task.checkpoint and str(Path(task.checkpoint).parent),
        CONTINUATION: task.continuation,
        LOGGED: task.files,
    }
    return {part: Path(path) for part, path in given.items() if path}


def to_send(task: Task) -> dict[str, bytes]:
    """What a trial continues from, out of the home."""
    found = {}
    for part, folder in places(task).items():
        if part != CHECKPOINT:
            for path in _files(folder):
                found[f"{part}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    return found


def deliver(task: Task, files: Files) -> None:
    """Write what came from a node into the home; StorageError where that cannot be done."""
    folders = places(task)
    for name, content in files.items():
        part, _, rest = name.partition("/")
        inside = PurePosixPath(rest)
        if part not in folders or inside.is_absolute() or ".." in inside.parts:
            continue  # no node of ours says so
        path = folders[part] / inside
        try:
            if content is None:
                path.unlink(missing_ok=True)
                continue
            make_folder(path.parent)
            with replacing(path) as new:
                new.write_bytes(content)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


@dataclass
class Scratch:
    """A folder of this node in place of the home, for one task."""

    folder: Path
    sent: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Time and size of the files that the home has."""

    @classmethod
    def new(cls) -> Scratch:
        return cls(Path(tempfile.mkdtemp(prefix="fairtune-ray-")))

    def unpack(self, task: Task, files: Files, weights: bytes | None) -> Task:
        """The task with paths of this node, at which its files are."""
        local = replace(
            task,
            checkpoint=task.checkpoint
            and str(self.folder / CHECKPOINT / Path(task.checkpoint).name),
            continuation=task.continuation and str(self.folder / CONTINUATION),
            files=task.files and str(self.folder / LOGGED),
        )
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content or b"")
        self.sent = dict(self._stamps())
        if weights is not None and task.weights is not None:
            path = self.folder / WEIGHTS / Path(task.weights).name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(weights)
            local = replace(local, weights=str(path))
        return local

    def changed(self, *, ended: bool) -> dict[str, bytes | None]:
        """What the home lacks by now: the state to continue from, and once the trial has `ended`
        its weights and what its code has logged."""
        now = dict(self._stamps())
        parts = (CHECKPOINT, CONTINUATION, LOGGED) if ended else (CONTINUATION,)
        changed: dict[str, bytes | None] = {}
        for name in sorted({*now, *self.sent}):
            if name.partition("/")[0] in parts and now.get(name) != self.sent.get(name):
                changed[name] = (self.folder / name).read_bytes() if name in now else None
        self.sent.update({name: now[name] for name in changed if name in now})
        for name in [name for name in changed if name not in now]:
            del self.sent[name]
        return changed

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stamps(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for part in (CHECKPOINT, CONTINUATION, LOGGED):
            for path in _files(self.folder / part):
                stat = path.stat()
                name = path.relative_to(self.folder).as_posix()
                yield name, (stat.st_mtime_ns, stat.st_size)


def _files(folder: Path) -> Iterator[Path]:
    """The files in a folder and below; no link is followed out of it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path
