"""Folders of images: which files there are, of which class and which part.

Nothing here imports torch. One folder per class, or such folders in `train`, `validation` and
`test`; files may be nested deeper.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.data.preparation.doubts import Doubts
from lightning_modules.data.preparation.folder_division import divide_folders
from lightning_modules.data.preparation.splitting import (
    PART_NAMES,
    Division,
    refuse_unused,
)
from lightning_modules.errors import DataError
from lightning_modules.files import user_path

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
"""The formats that are read, whatever the name of the file says."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".gif")
READ = "PNG, JPEG, WebP, BMP, TIFF and GIF are read"
Skipped = Counter[str]
"""How many files are not read, by kind: their suffix, or why."""


@dataclass(frozen=True)
class Labelled:
    """Image files with their classes, in the order of their names."""

    files: tuple[Path, ...]
    targets: tuple[int, ...]
    classes: tuple[str, ...]
    parts: tuple[tuple[int, ...], ...]
    """Which files train, validate and test."""
    skipped: tuple[tuple[str, int], ...] = ()
    """How many files below the folder are not read, by kind."""


def read_folder(
    path: str | None,
    *,
    validation: float,
    test: float,
    split_seed: int,
    stratify: bool,
    rare_classes: str,
) -> Labelled:
    """Every image file below `path`, its class, and the part that it belongs to.

    A part without a folder of its own is divided from the training folder, by its share. Where
    `rare_classes` is `drop`, classes with fewer images than parts need are left out. Raises
    DataError where the folder cannot be used.
    """
    root = _folder(path)
    folders = _parts(root)
    skipped: Skipped = Counter()
    if folders:
        _loose(root, skipped)
    train = _classes(folders.get("train", root), skipped)
    rare: set[str] = set()
    if rare_classes == "drop":
        needed = max(2, 4 - len({"train", *folders})) if stratify else 2
        rare = {name for name, members in train.items() if len(members) < needed}
        train = _without(train, rare, skipped)
    names = tuple(train)
    if len(names) < 2:
        only = f"one class only, {names[0]!r}" if names else "no class"
        beside = f" beside the rare ones ({', '.join(sorted(rare))})" if rare else ""
        raise DataError(f"{root}: holds {only}{beside}; at least two folders of classes are needed")
    given = {
        "validation": validation, "test": test, "split_seed": split_seed, "stratify": stratify,
    }  # fmt: skip
    own = {part: f"the folder {folders[part]}" for part in folders if part != "train"}
    refuse_unused(given, own)
    found = {"train": train}
    for part in ("validation", "test"):
        if part in folders:
            found[part] = _without(_classes(folders[part], skipped), rare, skipped)
            if unknown := [name for name in found[part] if name not in train]:
                raise DataError(
                    f"{folders[part] / unknown[0]}: the training part has no class {unknown[0]!r}; "
                    "add images of it there, or leave it out here"
                )
    files: list[Path] = []
    targets: list[int] = []
    part_of: list[str] = []
    for part, classes in found.items():
        for name, members in classes.items():
            files += members
            targets += [names.index(name)] * len(members)
            part_of += [part] * len(members)
    shares = {"validation": validation, "test": test}
    labels = [names[target] for target in targets]
    division = divide_folders(root, part_of, labels, shares, split_seed, stratify)
    parts = tuple(tuple(rows.tolist()) for rows in division)
    return Labelled(tuple(files), tuple(targets), names, parts, tuple(skipped.items()))


def _without(
    classes: Mapping[str, list[Path]], rare: set[str], skipped: Skipped
) -> dict[str, list[Path]]:
    """The classes that are not left out; the files of the others are counted."""
    for name in rare & classes.keys():
        skipped[f"of the rare class {name!r} (rare_classes: drop)"] += len(classes[name])
    return {name: members for name, members in classes.items() if name not in rare}


def own_parts(path: str | None) -> list[str]:
    """The parts that have folders of their own; no file is looked at.

    Raises DataError where the folder cannot be used.
    """
    return [part for part in Division._fields[1:] if part in _parts(_folder(path))]


def new_files(path: str, skipped: Skipped | None = None) -> list[Path]:
    """The image file `path`, or every image file below the folder, in the order of their names.

    The others are counted in `skipped`. Raises DataError where there is none.
    """
    root = _existing(path)
    if root.is_file():
        return [root]
    return _images(root, Counter() if skipped is None else skipped)


def skipped_words(read: int, skipped: Iterable[tuple[str, int]]) -> list[str]:
    """A sentence about the files below a folder that are not read; none where all are."""
    counts = sorted(skipped, key=lambda kind: (-kind[1], kind[0]))
    if not counts:
        return []
    left = sum(count for _, count in counts)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts)
    return [f"{left} of {read + left} files are not read: {kinds} ({READ})"]


def names_new(path: str | Path, /, **_: Any) -> dict[str, list[str]]:
    """The column `file`: the names of `new_files`, relative to the folder."""
    root, files = user_path(path), new_files(str(path))
    if root.is_file():
        return {"file": [root.name]}
    return {"file": [file.relative_to(root).as_posix() for file in files]}


def doubts(
    path: str | Path | None, preparation: Any, _: Sequence[int] | None = None, /, **__: Any
) -> Doubts:
    """The files below a folder of new images that are not read."""
    skipped: Skipped = Counter()
    count = 0 if path is None else len(new_files(str(path), skipped))
    return Doubts(count, skipped=skipped)


def _existing(path: str | None) -> Path:
    if path is None:
        raise DataError("data.path is missing: name the folder with a folder of images per class")
    root = user_path(path)
    if not root.exists():
        raise DataError(
            f"{root}: there is no such folder (relative paths start at {Path.cwd()}); correct "
            "data.path"
        )
    return root


def _folder(path: str | None) -> Path:
    root = _existing(path)
    if not root.is_dir():
        raise DataError(f"{root}: is a file; data.path must be a folder with a folder per class")
    return root


def _parts(root: Path) -> dict[str, Path]:
    """The folders of the parts by name; empty where the folders are classes."""
    folders = _folders(root)
    named = [each for each in folders if each.name.lower() in PART_NAMES]
    train = next((each for each in named if PART_NAMES[each.name.lower()] == "train"), None)
    if train is None or not _folders(train):
        return {}
    if others := [each.name for each in folders if each not in named]:
        raise DataError(
            f"{root}: holds {train.name!r}, a part of the data, beside {others[0]!r}, which is "
            "none; keep parts and classes in folders of their own"
        )
    parts: dict[str, Path] = {}
    for each in named:
        part = PART_NAMES[each.name.lower()]
        if part in parts:
            raise DataError(
                f"{root}: {parts[part].name!r} and {each.name!r} are both the {part} part; keep one"
            )
        parts[part] = each
    return parts


def _classes(folder: Path, skipped: Skipped) -> dict[str, list[Path]]:
    """The files of every class by its name, in the order of the names."""
    _loose(folder, skipped)
    folders = _folders(folder)
    if not folders:
        raise DataError(
            f"{folder}: has no folders; the images of each class belong in a folder with its name"
        )
    return {each.name: _images(each, skipped) for each in folders}


def _loose(folder: Path, skipped: Skipped) -> None:
    """Count what lies beside the folders of a folder: no class says what it is."""
    for each in folder.iterdir():
        if not _shown(each.name):
            skipped["hidden"] += sum(1 for _ in _files(each))
        elif each.is_file():
            suffix = each.suffix.lower()
            skipped["outside the folders" if suffix in SUFFIXES else _kind(each)] += 1


def _kind(file: Path) -> str:
    return file.suffix.lower() or "without a suffix"


def _images(folder: Path, skipped: Skipped) -> list[Path]:
    found: list[Path] = []
    others: Skipped = Counter()
    for file in _files(folder):
        if not all(_shown(part) for part in file.relative_to(folder).parts):
            skipped["hidden"] += 1
        elif file.suffix.lower() in SUFFIXES:
            found.append(file)
        else:
            others[_kind(file)] += 1
    skipped.update(others)
    if not found:
        count = sum(others.values())
        kinds = ", ".join(sorted(others))
        there = f", only {count} other {'file' if count == 1 else 'files'} ({kinds})"
        raise DataError(
            f"{folder}: holds no image{there if others else ''}; {READ}: add some, or remove the "
            "folder"
        )
    return sorted(found)


def _files(path: Path) -> Iterator[Path]:
    """The file, or every file below the folder."""
    if path.is_file():
        yield path
    for where, _, files in os.walk(path, followlinks=True):
        yield from (Path(where) / name for name in files)


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir() and _shown(each.name))


def _shown(name: str) -> bool:
    return not name.startswith((".", "__"))
