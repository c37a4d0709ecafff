"""Arrays of one's own: an `.npz` archive of inputs and targets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_modules.components import switched_on
from lightning_modules.data.augmentation.table import AUGMENTATIONS, RECOLOURING
from lightning_modules.data.columns.target_columns import TargetColumns, columns_of_array
from lightning_modules.data.preparation.array_scaling import fit_array, scale_array
from lightning_modules.data.preparation.doubts import Doubts, doubts_of_array
from lightning_modules.data.preparation.prepared import PARTS, Facts, Prepared
from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.data.preparation.target_rules import TargetRules
from lightning_modules.data.readers.array_file import (
    Array,
    array_of,
    content_of,
    load_arrays,
    opened_arrays,
    refuse_infinite,
)
from lightning_modules.data.readers.files import Stamp, stamp
from lightning_modules.data.sets.labelled import Divided, Labelled, Shares, divide
from lightning_modules.data.sets.table_settings import DividedRows
from lightning_modules.errors import DataError

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits, TensorDataModule

AXES = {
    "table": ("columns",),
    "signal": ("channels", "time"),
    "image": ("channels", "height", "width"),
}
"""What a row of every kind is made of."""
COLOURS = (1, 3, 4)


@dataclass(frozen=True, kw_only=True)
class Archive(DividedRows):
    """What a study file says of an archive, in values that can key a cache."""

    path: str
    inputs: str
    targets: str
    kind: str
    standardize: bool

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Archive:
        """The archive that the parameters of the row describe."""
        return cls(**{field.name: parameters[field.name] for field in fields(cls)})

    @property
    def rules(self) -> TargetRules:
        """What is said of what there is to predict."""
        return TargetRules.of((self.targets,), vars(self))


def arrays(
    *, batch_size: int | str, balance: str, augment: Mapping[str, Any] | None, **parameters: Any
) -> TensorDataModule:
    """The archive that the parameters describe."""
    from lightning_modules.data.tensors import TensorDataModule

    archive = Archive.of(parameters)
    return TensorDataModule(
        "arrays",
        lambda: _splits(archive, stamp(archive.path)),
        batch_size,
        balance=balance,
        augment=augment,
    )


def check(**parameters: Any) -> DataSummary:
    """Read the archive and prepare it; what it became. Raises DataError where it cannot be used."""
    archive = Archive.of(parameters)
    summary = prepare(archive).summary(archive.path)
    augment = switched_on(AUGMENTATIONS, parameters["augment"] or {})
    if archive.kind == "image" and not augment.keys().isdisjoint(RECOLOURING):
        inputs = _divided(archive, load_arrays(archive.path)).parts["train"].rows
        _refuse_colours(archive, np.asarray(inputs), augment)
    return summary


def own_parts(parameters: Mapping[str, Any]) -> list[str]:
    """The parts that have arrays of their own, by the names in the archive; no array is read.

    Raises DataError where the archive cannot be used.
    """
    archive = Archive.of(parameters)
    with opened_arrays(archive.path) as held:
        return _own(archive, getattr(held, "files", ()))  # a single array has no names


def read_new(path: str | Path, preparation: Mapping[str, Any], /, **parameters: Any) -> tuple[Any]:
    """The inputs of new rows, from an archive that needs no targets or from a single `.npy`."""
    import torch

    return (torch.from_numpy(scale_array(_new(path, preparation, parameters), preparation)),)


def doubts(
    path: str | Path | None,
    preparation: Mapping[str, Any],
    _: Sequence[int] | None = None,
    /,
    **parameters: Any,
) -> Doubts:
    """What is doubtful in new rows; nothing is looked for in the test part of the archive."""
    if path is None:
        return Doubts(0)
    return doubts_of_array(_new(path, preparation, parameters), preparation)


def _new(path: str | Path, preparation: Mapping[str, Any], parameters: Mapping[str, Any]) -> Array:
    """The inputs of new rows as they stand in their file."""
    given = Archive.of({**parameters, "path": str(path)})
    found = load_arrays(given.path, single=given.inputs)
    rows = _rows(given, found, given.inputs)
    if list(rows.shape[1:]) != preparation["shape"]:
        raise DataError(
            f"{path}: array {given.inputs} has rows of the shape {rows.shape[1:]}, and the network "
            f"learned from {tuple(preparation['shape'])}; give it such rows"
        )
    return rows


def prepare(archive: Archive) -> Prepared:
    """Read the arrays, divide the rows, and prepare all of them by the training part."""
    found = load_arrays(archive.path)
    divided = _divided(archive, found)
    inputs = {part: each.rows for part, each in divided.parts.items()}
    preparation = fit_array(inputs["train"], archive.standardize)
    parts = {
        part: (scale_array(inputs[part], preparation), divided.targets[part]) for part in PARTS
    }
    tested = divided.parts["test"]
    own = found.get(f"{archive.inputs}_test")
    whole = own is not None and len(own) == len(tested.rows)
    names = {} if whole else {"row": [number + 1 for number in tested.numbers]}
    facts = Facts(notices=divided.notes)
    return Prepared(parts, divided.outputs, preparation, names, lambda: facts)


def _divided(archive: Archive, found: Mapping[str, Array]) -> Divided:
    """Inputs and targets of every part: arrays of its own, or rows of the main ones."""
    endings = {"train": ""} | {part: f"_{part}" for part in _own(archive, found)}
    own = {part: f"an array {archive.inputs}{endings[part]}" for part in endings if part != "train"}
    read = {}
    for part, ending in endings.items():
        rows = _rows(archive, found, archive.inputs + ending)
        targets = _targets(archive, found, archive.targets + ending, len(rows))
        read[part] = Labelled(rows, archive.path, targets)
        shape, wanted = rows.shape[1:], read["train"].rows.shape[1:]
        if shape != wanted:
            raise DataError(
                f"{archive.path}: array {archive.inputs}{ending} has rows of the shape {shape}, "
                f"and {archive.inputs} of {wanted}; make them equal"
            )
    main = read.pop("train")
    shares = Shares(archive.validation, archive.test, archive.split_seed, archive.stratify)
    return divide(main, read, shares, archive.rules, own)


def _refuse_colours(
    archive: Archive, rows: Array, augment: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise DataError where images (n, c, h, w) have no colours that could be changed."""
    what = f"{archive.path}: array {archive.inputs}"
    channels = rows.shape[1]
    for name in [name for name in RECOLOURING if name in augment]:
        if channels not in (1, 3):
            raise DataError(
                f"{what} has {channels} channels, and data.augment.{name} changes images of 1 or "
                f"3; leave {name} out, or save such images"
            )
        if rows.min() < 0:
            raise DataError(
                f"{what} has values below 0, which data.augment.{name} would cut off; leave {name} "
                "out, or save pixels from 0 up"
            )
    jitter = augment.get("color_jitter", {})
    if channels == 1 and (jitter.get("saturation") or jitter.get("hue")):
        raise DataError(
            "data.augment.color_jitter: gray images have no saturation and no hue; set both to 0"
        )


def _own(archive: Archive, found: Collection[str]) -> list[str]:
    """The parts that have arrays of their own, among those `found`; a half of them is an error."""
    parts = []
    for part in PARTS[1:]:
        names = [f"{name}_{part}" for name in (archive.inputs, archive.targets)]
        there = [name for name in names if name in found]
        if len(there) == 1:
            (missing,) = {*names} - {*there}
            raise DataError(f"{archive.path}: has an array {there[0]} but no {missing}; add it")
        if there:
            parts.append(part)
    return parts


def _rows(archive: Archive, found: Mapping[str, Array], name: str) -> Array:
    """The inputs (n, ...) as `kind` wants them, float32."""
    array, axes = array_of(archive.path, found, name), AXES[archive.kind]
    what = f"{archive.path}: array {name}"
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} holds {content_of(array)}; save numbers")
    if len(axes) > 1 and array.ndim == len(axes):
        array = array[:, None]  # a single channel may go unsaid
    if array.ndim != len(axes) + 1:
        other = [kind for kind, its in AXES.items() if len(its) + 1 == array.ndim]
        hint = f"reshape it or write kind: {other[0]}" if other else "reshape it"
        raise DataError(
            f"{what} has the shape {array.shape}, and kind: {archive.kind} needs rows × "
            f"{' × '.join(axes)}; {hint}"
        )
    if archive.kind == "image" and array.shape[1] not in COLOURS and array.shape[3] in COLOURS:
        raise DataError(
            f"{what} has the shape {array.shape}, with the channels last; put them first with "
            "numpy.moveaxis(x, -1, 1)"
        )
    refuse_infinite(array.astype(np.float64, copy=False), what)
    return array.astype(np.float32)


def _targets(archive: Archive, found: Mapping[str, Array], name: str, rows: int) -> TargetColumns:
    """Labels (n,), or values or labels (n, k)."""
    array = array_of(archive.path, found, name)
    what = f"{archive.path}: array {name}"
    if len(array) != rows:
        raise DataError(f"{what} has {len(array)} rows, and its inputs {rows}; give each a target")
    numeric = array.dtype.kind in "biuf"
    if numeric:
        values = array.astype(np.float64)
        refuse_infinite(np.where(np.isnan(values), 0.0, values), what)
    if archive.task == "regression" and (array.ndim > 2 or not numeric):
        raise DataError(
            f"{what} has the shape {array.shape} and holds {content_of(array)}; a regression "
            "needs numbers, one or some for every row; save them so, or write task: "
            "classification"
        )
    if array.ndim > 2 or (archive.task == "classification" and array.shape[1:] not in ((), (1,))):
        raise DataError(
            f"{what} has the shape {array.shape}; classes need one label for every row: "
            "numpy.argmax(y, 1), or write task: regression, or task: multilabel where a row has "
            "several labels of 0 and 1"
        )
    return columns_of_array(array, archive.path, f"array {name}")


@lru_cache(maxsize=4)
def _splits(archive: Archive, stamped: Stamp) -> Splits:
    prepared = prepare(archive)
    if archive.kind != "image":
        return prepared.splits()
    mean, scale, brightest = (prepared.preparation[key] for key in ("mean", "scale", "brightest"))
    scaling = ([value / brightest for value in mean], [value / brightest for value in scale])
    return replace(prepared.splits(), scaling=scaling)
