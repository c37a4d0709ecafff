"""What another split of the data would change: the parts whose rows depend on `split_seed`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lightning_modules.configuration import COMMAND, Configuration, Part
from lightning_modules.data.preparation.prepared import PARTS
from lightning_modules.data.preparation.splitting import SPLIT
from lightning_modules.data.table import DATASETS
from lightning_modules.user_code.imports import load, takes

FILE = ("a file", "files")
KEPT_IN = {"arrays": ("arrays", "arrays"), "images": ("a folder", "folders")}
"""What holds a part that is not divided from the others, one and several; else it is a `FILE`."""


@dataclass(frozen=True)
class SplitRule:
    """What another split seed divides anew."""

    redrawn: tuple[str, ...]
    """Of `train`, `validation` and `test`, the parts that get other rows."""
    why_fixed: str
    """Why the rest stays, in words for people; empty where everything is redrawn."""


def split_rule(configuration: Configuration) -> SplitRule:
    """What another split seed divides anew; `Configuration.with_split` fits where that is anything.

    Of arrays and images, the names in the archive or in the folder are looked at; a class of the
    user's is imported. What a program does, `tells_split` in `studies.study_file.command_template`
    says. Raises DataError where the data cannot be found, and UserCodeError where the class cannot
    be imported.
    """
    data = configuration.data
    if configuration.model.name == COMMAND:
        return SplitRule((), "only the program knows its data")
    if data.is_class:
        if takes(load(data.name), "split_seed"):
            return SplitRule(PARTS, "")
        return SplitRule((), f"{data.name} takes no split_seed")
    if data.parameters.get("split_column"):
        return SplitRule((), "a column says the part of every row")
    if _is_divided_by_time(data):
        return SplitRule((), "rows are divided by time")
    if "test" not in data.parameters:  # no share is divided off for it
        return SplitRule(("train", "validation"), "the published test part stays")
    return _rule_beside(_own_parts(data), *KEPT_IN.get(data.name, FILE))


def _is_divided_by_time(data: Part) -> bool:
    # the `time` of sequences is another parameter: it orders the steps of each
    row = DATASETS[data.name]
    return row.parameters.get("time") is SPLIT["time"] and bool(data.parameters["time"])


def _own_parts(data: Part) -> Collection[str]:
    """The parts that are not divided from the others."""
    if data.name == "arrays":
        from lightning_modules.data.sets import (
            arrays,  # imported where needed, for pandas takes long
        )

        return arrays.own_parts(data.parameters)
    if data.name == "images":
        from lightning_modules.data.readers import image_folders

        return image_folders.own_parts(data.parameters["path"])
    return [part for part in PARTS if data.parameters.get(f"{part}_path")]


def _rule_beside(own: Collection[str], one: str, several: str) -> SplitRule:
    """The rule where the parts in `own` stay."""
    if not own:
        return SplitRule(PARTS, "")
    if len(own) == 2:
        return SplitRule((), f"validation and test parts have {several} of their own")
    (part,) = own
    redrawn = tuple(each for each in PARTS if each != part)
    return SplitRule(redrawn, f"the {part} part has {one} of its own")
