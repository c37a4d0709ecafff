"""The section `data` for a table: of columns, of texts, or of series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from lightning_modules.components import resolve_component, suggestion
from lightning_modules.data.columns.facts import summarize_columns
from lightning_modules.data.columns.kinds import BEGINS, MANY, Kinds, kinds_of
from lightning_modules.data.columns.number_texts import PLAIN
from lightning_modules.data.sets.table_settings import Table
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import UserError
from studies.inputs.first_study.targets import FirstData, target_task

WORDS = 3.5
"""Words of a text that is to be read, on average, at least; other texts name something."""
WIDE = "\u2e80"
"""Characters from here on stand without spaces between words: Chinese, Japanese."""
LETTERS = 6
"""Such characters of a text that is to be read, on average, at least."""
NAMED = 10
"""Columns that are shown."""
KEPT = ("path", "task", "target", "missing_targets", "rare_classes", "dates", "time", "group",
        "split_column", "validation", "test", "split_seed", "stratify")  # fmt: skip
"""What a section says of texts, or of series, as of tables."""


def table_section(section: dict[str, Any], targets: Sequence[str], task: str | None) -> FirstData:
    """The section for a table, which names what is no input.

    Raises UserError where no target is named, or one that is not there.
    """
    _, parameters = resolve_component(DATASETS, {**section, "target": "-"}, "data set")
    table = Table.of(parameters)
    rows = table.read(table.path)
    apart = {*table.drop, *table.id, *table.categorical}
    others = [str(name) for name in rows.columns if name not in apart]
    texts = [name for name in others if is_text(rows[name])]
    names = [name for name in others if name not in texts and names_rows(rows[name])]
    read = rows[[name for name in others if name not in (*texts, *names)]]
    kinds = kinds_of(read, table.reading, table.path)
    _require_targets(rows, read, kinds, targets, table.path)
    reasons: list[str] = []
    if task is None:
        task, why = _task_of(rows, kinds, targets)
        reasons.append(why)
    section = {**section, "target": targets[0] if len(targets) == 1 else [*targets], "task": task}
    section |= _left_out(rows, targets, task, reasons)
    columns = {"series", "time"} - {*targets}
    if columns == {"series", "time"} <= {*rows.columns}:
        return FirstData({"name": "sequences", **_kept(section, "sequences")}, reasons)
    inputs = [name for name in texts if name not in targets]
    if inputs:
        return _texts(section, rows, inputs, reasons)
    if no_inputs := [name for name in names if name not in targets]:
        section["drop"] = [*section.get("drop", ()), *no_inputs]
        reasons.append(f"{_columns(no_inputs)} names rows, which teaches nothing.")
    found = summarize_columns(read.drop(columns=[*targets], errors="ignore"), kinds)
    if ids := [column.name for column in found if column.kind == "id"]:
        section["id"] = [*table.id, *ids]
        reasons.append(f"{_columns(ids)} counts or names rows: predictions carry it.")
    dates = [column.name for column in found if column.kind == "dates"]
    if dates and "time" not in section:
        reasons.append(
            f"Where later rows are to be predicted from earlier ones, write `time: {dates[0]}`."
        )
    return FirstData(section, reasons)


def is_text(column: pd.Series[Any]) -> bool:
    """Whether most rows of a column have another text, of several words."""
    known = _strings(column)
    if known.empty or known.nunique() <= len(known) / 2:
        return False
    words = _mean(known, lambda text: len(text.split()))
    wide = _mean(known, lambda text: sum(letter >= WIDE for letter in text))
    return bool(words >= WORDS or wide >= LETTERS) and not _begins_as_number(known)


def names_rows(column: pd.Series[Any]) -> bool:
    """Whether the texts of a column are names, which a table refuses as categories."""
    known = _strings(column)
    many = known.nunique() > max(MANY, len(known) / 2)
    return bool(many) and not _begins_as_number(known)


def _strings(column: pd.Series[Any]) -> pd.Series[Any]:
    known = column.dropna()
    return known if known.map(lambda value: isinstance(value, str)).all() else known[:0]


def _begins_as_number(known: pd.Series[Any]) -> bool:
    """Whether most texts may be numbers or dates, or what a reader is to be asked about."""
    return _mean(known, lambda text: BEGINS.match(text) is not None) > 0.5


def _mean(known: pd.Series[Any], measured: Callable[[str], int]) -> float:
    return float(known.map(measured).mean())


def _require_targets(
    rows: pd.DataFrame, read: pd.DataFrame, kinds: Kinds, targets: Sequence[str], where: str
) -> None:
    """Raise UserError, with the columns that could be one, where no target is named or there."""
    missing = [name for name in targets if name not in rows.columns]
    if targets and not missing:
        return
    could = [
        f"{column.name} ({column.levels} classes)"
        if column.kind == "category" else f"{column.name} (numbers)"
        for column in reversed(summarize_columns(read, kinds))
        if column.kind in ("category", "numbers") and not column.constant
    ]  # fmt: skip
    more = f" and {len(could) - NAMED} more" if len(could) > NAMED else ""
    shown = f"{', '.join(could[:NAMED])}{more}" or "none of its columns"
    if missing:
        near = {name: suggestion(name, [*map(str, rows.columns)]) for name in missing}
        raise UserError("\n".join(
            f"{where}: there is no column {name} to predict{hint or f'; it could be {shown}'}"
            for name, hint in near.items()
        ))  # fmt: skip
    raise UserError(
        f"{where}: name the column to predict with --target COLUMN; it could be {shown}"
    )


def _task_of(rows: pd.DataFrame, kinds: Kinds, targets: Sequence[str]) -> tuple[str, str]:
    if len(targets) > 1:
        binary = all({*rows[name].dropna().unique()} <= {0, 1} for name in targets)
        if binary:
            return "multilabel", "The targets are columns of 0 and 1, a label each."
        return "regression", "There are several targets, numbers each."
    (name,) = targets
    form = kinds.numbers.get(name)
    if form is not None and form != PLAIN:
        return "regression", f"Column {name} holds numbers."
    values = pd.to_numeric(rows[name], errors="coerce") if form is not None else rows[name]
    return target_task(values.dropna().to_numpy(), f"Column {name}")


def _left_out(
    rows: pd.DataFrame, targets: Sequence[str], task: str, reasons: list[str]
) -> dict[str, str]:
    """Rows and classes that no part can have."""
    found = {}
    if rows[[*targets]].isna().to_numpy().any():
        found["missing_targets"] = "drop"
        reasons.append("Rows without a target are left out.")
    if task == "classification" and rows[targets[0]].value_counts().min() < 3:
        found["rare_classes"] = "drop"
        reasons.append("Classes with too few rows for three parts are left out.")
    return found


def _texts(
    section: dict[str, Any], rows: pd.DataFrame, texts: Sequence[str], reasons: list[str]
) -> FirstData:
    """The longest texts, which are read alone."""
    lengths = {name: _mean(_strings(rows[name]), len) for name in texts}
    chosen = max(lengths, key=lengths.__getitem__)
    targets = section["target"] if isinstance(section["target"], list) else [section["target"]]
    unread = [str(n) for n in rows.columns if n not in (chosen, *targets)]
    found = {"name": "text", **_kept(section, "text"), "text": chosen}
    known = _strings(rows[chosen])
    if _mean(known, lambda text: len(text.split())) < WORDS:
        found["tokenizer"] = "characters"
        reasons.append(f"The texts of column {chosen} have no spaces, and are read by characters.")
    if unread:
        reasons.append(f"Column {chosen} is read alone; {_columns(unread)} is not.")
    return FirstData(found, reasons)


def _kept(section: dict[str, Any], name: str) -> dict[str, Any]:
    takes = DATASETS[name].parameters
    return {key: value for key, value in section.items() if key in KEPT and key in takes}


def _columns(names: Sequence[str]) -> str:
    return f"{'column' if len(names) == 1 else 'each of the columns'} {', '.join(names)}"
