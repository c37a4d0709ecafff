"""Files of a trial between the home and a node that does not share its disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from lightning_modules.errors import StorageError
from lightning_modules.files import replacing
from lightning_modules.rights import make_folder
from studies.engines import Task
from studies.study_file import is_program

CHECKPOINT, CONTINUATION, LOGGED = "checkpoint", "continuation", "logged"
WEIGHTS, PROGRAM = "weights", "program"
REMOVE_LATER = 'exec 3<&0; (cat <&3 >/dev/null; rm -rf -- "$0") &'
"""Remove a folder when whoever started this is gone. It is no child of that process by then: Ray
kills those of an actor with it."""

GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""What is raised where a file has gone, though something else may be in its place."""

Files = Mapping[str, bytes | None]
"""Content of files by `part/path`; None of one that is gone."""
Stamp = tuple[int, int, int]
"""Tells one state of a file from the next: its inode, its size and when it changed."""


def places(task: Task) -> dict[str, Path]:
    """The folder of each part that a trial writes; that of a program is emptied when it begins
    again."""
    given = {
        CHECKPOINT: task.checkpoint and str(Path(task.checkpoint).parent),
        CONTINUATION: None if is_program(task.configuration) else task.continuation,
        LOGGED: task.files,
    }
    return {part: Path(path) for part, path in given.items() if path}


def to_send(task: Task) -> dict[str, bytes]:
    """What a trial continues from, out of the home; StorageError where that cannot be read."""
    found = {}
    for part, folder in places(task).items():
        if part != CHECKPOINT:
            for path in _files(folder):
                if (content := _content(path)) is not None:
                    found[f"{part}/{path.relative_to(folder).as_posix()}"] = content
    return found


def deliver(task: Task, files: Files) -> None:
    """Write what came from a node into the home; StorageError where that cannot be done."""
    folders = places(task)
    # what is gone comes first: a file may have taken the place of a folder, or a folder that of one
    for name, content in sorted(files.items(), key=lambda each: each[1] is not None):
        part, _, rest = name.partition("/")
        inside = PurePosixPath(rest)
        if part not in folders or not inside.parts:
            continue  # no node of ours says so
        path = folders[part] / inside
        leads_out = not path.parent.resolve().is_relative_to(folders[part].resolve())
        if ".." in inside.parts or leads_out:
            continue  # nor so; or a link in the home leads out of it
        try:
            if content is None:
                _remove(path, folders[part])
                continue
            make_folder(path.parent)
            with replacing(path) as new:
                new.write_bytes(content)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what is raised while a file or folder is read into a StorageError that names it."""
    try:
        yield
    except MemoryError as error:
        raise StorageError(f"{path} cannot be read: it does not fit into memory") from error
    except (OSError, RuntimeError) as error:  # the latter where links lead round in a circle
        why = getattr(error, "strerror", None) or error
        raise StorageError(f"{path} cannot be read: {why}") from error


def temporary_folder() -> Path:
    """A folder of this node that goes with this process, however that ends."""
    folder = Path(tempfile.mkdtemp(prefix="fairtune-ray-"))
    read, _ = os.pipe()  # the other end stays open as long as this process, and no child has it
    subprocess.run(
        ["sh", "-c", REMOVE_LATER, str(folder)],
        stdin=read,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )
    os.close(read)
    return folder


@dataclass
class Scratch:
    """A folder of this node in place of the home, for one task.

    StorageError where what the trial left in it cannot be read.
    """

    folder: Path
    sent: dict[str, Stamp] = field(default_factory=dict)
    """Of the files that the home has."""
    seen: dict[str, Stamp] = field(default_factory=dict)
    """Of the files that were there at the last look."""

    @classmethod
    def new(cls, folder: Path) -> Scratch:
        """One within a folder."""
        return cls(Path(tempfile.mkdtemp(dir=folder)))

    def unpack(self, task: Task, files: Files, weights: bytes | None) -> Task:
        """The task with paths of this node, at which its files are."""
        own = PROGRAM if is_program(task.configuration) else CONTINUATION
        (self.folder / CHECKPOINT).mkdir()  # as at home
        local = replace(
            task,
            checkpoint=task.checkpoint
            and str(self.folder / CHECKPOINT / Path(task.checkpoint).name),
            continuation=task.continuation and str(self.folder / own),
            files=task.files and str(self.folder / LOGGED),
        )
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content or b"")
        self.sent = self._look()
        if weights is not None and task.weights is not None:
            path = self.folder / WEIGHTS / Path(task.weights).name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(weights)
            local = replace(local, weights=str(path))
        return local

    def state(self, *, at_rest: bool = False) -> Files:
        """What the home lacks of the state from which the trial continues, and of what was logged
        up to it; with `at_rest`, only where nothing has changed since the last look: the trial is
        under way, and may be writing."""
        before, now = self.seen, self._look()
        if at_rest and _of(now, CONTINUATION) != _of(before, CONTINUATION):
            return {}
        state = self._changed(now, [CONTINUATION])
        return state | self._changed(now, [LOGGED]) if state else {}

    def results(self, *, killed: bool) -> Files:
        """What the home lacks at the end of the trial; one that was killed is to leave no more
        than what it has logged."""
        parts = [LOGGED] if killed else [CHECKPOINT, CONTINUATION, LOGGED]
        return self._changed(self._look(), parts)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _changed(self, now: Mapping[str, Stamp], parts: Collection[str]) -> dict[str, bytes | None]:
        changed: dict[str, bytes | None] = {}
        for name in sorted({*now, *self.sent}):
            if _part(name) not in parts or now.get(name) == self.sent.get(name):
                continue
            content = _content(self.folder / name) if name in now else None
            if content is not None:
                self.sent[name] = now[name]  # of before: what changes meanwhile is sent again
            elif self.sent.pop(name, None) is None:
                continue  # it was there for a moment
            changed[name] = content
        return changed

    def _look(self) -> dict[str, Stamp]:
        self.seen = {}
        for part in (CHECKPOINT, CONTINUATION, LOGGED):
            for path in _files(self.folder / part):
                with reading(path), suppress(*GONE):
                    stat = path.stat()
                    name = path.relative_to(self.folder).as_posix()
                    self.seen[name] = (stat.st_ino, stat.st_size, stat.st_ctime_ns)
        return self.seen


def _of(stamps: Mapping[str, Stamp], part: str) -> dict[str, Stamp]:
    return {name: stamp for name, stamp in stamps.items() if _part(name) == part}


def _part(name: str) -> str:
    return name.partition("/")[0]


def _files(folder: Path) -> Iterator[Path]:
    """The files in a folder and below; a link counts where it leads to one of them."""
    with reading(folder):
        inside = folder.resolve()
    for here, _, names in os.walk(folder, onerror=_raise_unless_gone):
        for path in (Path(here, name) for name in sorted(names)):
            with reading(path):
                is_ours = path.is_file() and (
                    not path.is_symlink() or path.resolve().is_relative_to(inside)
                )
            if is_ours:
                yield path


def _raise_unless_gone(error: OSError) -> None:
    """A folder may go meanwhile; the files of one that cannot be listed are not gone, though."""
    with reading(Path(error.filename)), suppress(*GONE):
        raise error


def _content(path: Path) -> bytes | None:
    """None where it has gone meanwhile; StorageError where it cannot be read."""
    with reading(path), suppress(*GONE):
        return path.read_bytes()
    return None


def _remove(path: Path, folder: Path) -> None:
    """Remove a file, and the folders below `folder` that it leaves empty."""
    with suppress(*GONE):
        path.unlink()
    with suppress(OSError):
        for above in path.parents[: len(path.relative_to(folder).parents) - 1]:
            above.rmdir()
