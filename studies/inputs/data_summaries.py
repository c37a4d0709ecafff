"""What data became: of the files that a study names, and of a file alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_modules.components import resolve_component
from lightning_modules.data.preparation.summary import DataSummary, summarize
from lightning_modules.data.readers.tables.content import TEXTS, TYPED, ending_of
from lightning_modules.data.sets.published import PUBLISHED
from lightning_modules.data.table import DATASETS
from lightning_modules.files import user_path
from studies.study_file import Spec, document, is_program

if TYPE_CHECKING:
    from lightning_modules.data.tensors import TensorDataModule

DATA = "data"
"""The note of a study that says what its data became."""
STUDY_FILES = (".yaml", ".yml")


def distinct(summaries: Sequence[DataSummary]) -> list[DataSummary]:
    """The first of those that differ in the inputs of the network alone."""
    seen: list[DataSummary] = []
    found = []
    for summary in summaries:
        key = replace(summary, shape=(), megabytes=0.0, notices=(), warnings=())
        if key not in seen:
            seen.append(key)
            found.append(summary)
    return found


def loaded_summaries(spec: Spec) -> list[DataSummary]:
    """What the sets became that are not read by `check_inputs`; torch is imported.

    Data modules of the user's and the data of programs are their own.
    """
    from lightning_modules.data.tensors import TensorDataModule
    from lightning_modules.training.building import build_data

    found = []
    for configuration in spec.configurations:
        data = configuration.data
        if data.is_class or is_program(configuration):
            continue
        row = DATASETS[data.name]
        if row.check is not None and data.name not in PUBLISHED:
            continue
        module = build_data(configuration)
        assert isinstance(module, TensorDataModule)
        found.append(module_summary(module, data.name))
    return distinct(found)


def module_summary(data: TensorDataModule, name: str) -> DataSummary:
    """The same of parts that are tensors."""
    splits = data.splits
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    arrays = {
        part: [each.numpy() if hasattr(each, "numpy") else each for each in columns]
        for part, columns in parts.items()
    }
    return summarize(name, arrays, splits.outputs, splits.classes)


def file_summary(
    path: Path, targets: Sequence[str], task: str | None, overrides: Sequence[str] = ()
) -> DataSummary:
    """What a file of data, or a folder of images, becomes with the defaults of its set, or with
    `overrides` such as `data.decimal=,`.

    Raises UserError where it cannot be used.
    """
    name = set_of(path)
    row = DATASETS[name]
    target = targets[0] if len(targets) == 1 else list(targets)
    said = {"path": str(path), "target": target, "task": task}
    given = {key: value for key, value in said.items() if value and key in row.parameters}
    source = document.from_tree({"data": {"name": name, **given}})
    for each in overrides:
        source.override(each)
    if name == "table" and not targets:
        return _table_summary(source.tree["data"])
    row, parameters = resolve_component(DATASETS, source.tree["data"], "data set")
    assert row.check is not None
    found = row.check(**parameters)
    assert isinstance(found, DataSummary)
    return found


def set_of(path: Path) -> str:
    """The data set that reads such a file; empty where none does."""
    found = user_path(path)
    if found.is_dir():
        return "images"
    ending = ending_of(path)
    known = (*TEXTS, *TYPED, ".npz", ".npy", ".ts")
    if ending in ("", *STUDY_FILES) or (ending not in known and not found.is_file()):
        return ""
    return {".npz": "arrays", ".npy": "arrays", ".ts": "sequences"}.get(ending, "table")


def _table_summary(given: Mapping[str, Any]) -> DataSummary:
    """The columns of a table of which nobody has said what is to be predicted."""
    from lightning_modules.data.columns.cells import origin_of
    from lightning_modules.data.columns.facts import counts_rows, summarize_columns, summarize_ids
    from lightning_modules.data.columns.kinds import kinds_of
    from lightning_modules.data.sets.table_settings import Table

    _, parameters = resolve_component(DATASETS, {**given, "target": "-"}, "data set")
    table = Table.of(parameters)
    rows = table.read(table.path)
    ids = summarize_ids(rows, [name for name in table.id if name in rows.columns])
    apart = (*table.drop, *table.id)
    rows = rows[[n for n in rows.columns if n not in apart and not counts_rows(rows[n])]]
    kinds = kinds_of(rows, table.reading, table.path)
    untold = "parts and classes: name the column to predict with --target"
    return DataSummary(
        table.path, 0, {"in all": len(rows)}, (), 0.0, {}, [*ids, *summarize_columns(rows, kinds)],
        [*origin_of(rows).notices, *kinds.notices, untold],
    )  # fmt: skip
