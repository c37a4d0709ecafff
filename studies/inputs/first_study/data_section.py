"""The section `data` for a file of data: what reads it, what there is to predict, and what is no
input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lightning_modules.components import unknown
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.readers.array_file import opened_arrays
from lightning_modules.errors import ConfigurationError, DataError, UserError
from lightning_modules.optimization.losses import DEFAULT_LOSS
from studies.inputs.data_summaries import set_of
from studies.inputs.first_study.table_section import table_section
from studies.inputs.first_study.targets import FirstData, target_task
from studies.study_file import document

INPUTS = ("x", "X", "inputs", "data", "images", "features", "x_train", "X_train")
TARGETS = ("y", "Y", "targets", "labels", "target", "label", "y_train", "Y_train")


def first_data(
    path: Path, targets: Sequence[str], task: str | None, overrides: Sequence[str]
) -> FirstData:
    """The section for the data at `path`; `overrides` such as `data.decimal=,` are kept in it.

    Raises UserError where nothing reads it, or no target is named and one is needed.
    """
    name = set_of(path)
    if not name:
        raise UserError(
            f"{path}: no such file of data, script or preset; `fairtune init --list` shows the "
            "presets"
        )
    source = document.from_tree({"data": {"name": name, "path": str(path)}})
    mistakes = Mistakes(UserError)
    with mistakes.gathered():
        if task is not None and task not in DEFAULT_LOSS:
            raise UserError(f"--task: {unknown('task', task, DEFAULT_LOSS)}")
    for each in overrides:
        with mistakes.gathered():
            source.override(each)
            if not each.strip().startswith("data."):
                raise UserError(f"--set {each}: only `data.` is set here; write it into the file")
    with mistakes.gathered():
        if source.problems:
            raise ConfigurationError(source.problems)
    with mistakes.gathered():
        section = dict(source.tree["data"])
        if section["name"] not in READERS:
            raise UserError(f"--set data.name: {unknown('kind of data', section['name'], READERS)}")
        found = READERS[section["name"]](section, targets, task)
    mistakes.refuse()
    return found


def _images(section: dict[str, Any], targets: Sequence[str], task: str | None) -> FirstData:
    from lightning_modules.data.readers.image_files import opened
    from lightning_modules.data.readers.image_folders import new_files

    wrong = ["--target: the folders are the classes of images; leave it out"] if targets else []
    if task not in (None, "classification"):
        wrong.append(f"--task: images have classes, and no {task}; leave it out")
    if wrong:
        raise UserError("\n".join(wrong))
    files = new_files(section["path"])
    looks = []
    for file in files[:: max(1, len(files) // 20)]:
        with opened(file) as image:
            looks.append((min(image.size), image.mode))
    side = sorted(side for side, _ in looks)[len(looks) // 2]
    size = max(8, min(64, side))
    gray = all(mode in ("1", "L") or mode.startswith("I;16") for _, mode in looks)
    said = f"Images of about {side} pixels a side, read as {size}"
    section = {**section, "size": section.get("size", size)}
    if gray:
        section.setdefault("color", "gray")
    return FirstData(section, [f"{said}{', gray' if gray else ''}. Larger ones take longer."])


def _arrays(section: dict[str, Any], targets: Sequence[str], task: str | None) -> FirstData:
    where = section["path"]
    with opened_arrays(where) as held:
        if isinstance(held, np.ndarray):
            raise DataError(
                f"{where}: is one array; save inputs and targets together with numpy.savez"
            )
        names = list(held.files)
        target = _only(targets) or section.get("targets") or _first(names, TARGETS)
        inputs = section.get("inputs") or _first(names, INPUTS)
        if target not in names or inputs not in names:
            raise UserError(
                f"{where}: has the arrays {', '.join(names)}; name the one to predict with "
                "--target, and the inputs with --set data.inputs=NAME"
            )
        shape = held[inputs].shape
        chosen, why = target_task(held[target], f"Array {target}")
    if "lengths" in names and len(shape) == 3:
        section = {**section, "name": "sequences", "task": task or chosen}
        return FirstData(section, [why] if task is None else [])
    section |= {"inputs": inputs, "targets": target, "task": task or chosen}
    section.setdefault("kind", _kind(shape))
    return FirstData(section, [why] if task is None else [])


def _kind(shape: Sequence[int]) -> str:
    """What rows of arrays of this shape are: rows of three axes are images where square."""
    if len(shape) == 4 or (len(shape) == 3 and shape[1] == shape[2]):
        return "image"
    return "signal" if len(shape) == 3 else "table"


def _sequences(section: dict[str, Any], targets: Sequence[str], task: str | None) -> FirstData:
    if targets:
        section["target"] = _only(targets)
    if task is not None:
        section["task"] = task
    return FirstData(section)


def _only(targets: Sequence[str]) -> str:
    """The one target, empty where none is named."""
    if len(targets) > 1:
        raise UserError("--target: this data has its targets in one place; name it once")
    return targets[0] if targets else ""


def _first(names: Sequence[str], usual: Sequence[str]) -> str:
    """The first of the usual names that is there; empty where none is."""
    return next((name for name in usual if name in names), "")


READERS: dict[str, Callable[[dict[str, Any], Sequence[str], str | None], FirstData]] = {
    "images": _images,
    "arrays": _arrays,
    "sequences": _sequences,
    "table": table_section,
}
"""What is found out, by the data set."""
