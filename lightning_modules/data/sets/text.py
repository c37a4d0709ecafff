"""Texts of one's own: CSV or Parquet with a column of texts and a column to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightning_modules.data.columns.cells import also, origin_of, refuse_unknown, row_of, texts_of
from lightning_modules.data.columns.dates import times_of
from lightning_modules.data.columns.target_columns import TargetColumns
from lightning_modules.data.preparation.prepared import PARTS, Facts, Prepared
from lightning_modules.data.preparation.summary import ColumnSummary, DataSummary
from lightning_modules.data.readers.files import Stamp, stamp
from lightning_modules.data.readers.tables.form import FileForm
from lightning_modules.data.readers.tables.read import read_frame, refuse_unused_form
from lightning_modules.data.readers.token_warnings import is_spaceless, token_warnings
from lightning_modules.data.readers.tokens import (
    FILE,
    UNITS,
    encode,
    learn_vocabulary,
    padded,
    read_tokenizer,
    vocabulary_size,
)
from lightning_modules.data.sets.labelled import Labelled, Shares, divide
from lightning_modules.data.sets.table_settings import DividedFile
from lightning_modules.errors import DataError

if TYPE_CHECKING:
    from lightning_modules.data.tensors import Splits, TensorDataModule

MAX_WORDS, MIN_COUNT = 10_000, 2
EMBEDDING_SIZE = 64


@dataclass(frozen=True, kw_only=True)
class Texts(DividedFile):
    """What a study file says of texts."""

    text: str
    tokenizer: str
    max_words: int | None
    min_count: int | None
    max_length: int

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """Of every file that is read."""
        own = None if self.tokenizer in UNITS else f"{self.tokenizer}/{FILE}"
        paths = (self.path, *self.apart.values(), own)
        return tuple(stamp(path) for path in paths if path is not None)


def texts(
    *, batch_size: int | str, balance: str, embedding_size: int | None, **parameters: Any
) -> TensorDataModule:
    """The texts that the parameters describe."""
    from lightning_modules.data.tensors import TensorDataModule

    chosen, width = Texts.of(parameters), embedding_size or EMBEDDING_SIZE

    def load() -> Splits:
        found = _read(chosen, chosen.stamps)
        return replace(found, input_embedding={**(found.input_embedding or {}), "width": width})

    return TensorDataModule("text", load, batch_size, balance=balance)


def check(**parameters: Any) -> DataSummary:
    """Read the files and prepare them; what they became.

    Raises DataError where they cannot be used.
    """
    chosen = Texts.of(parameters)
    return prepare(chosen).summary(chosen.path)


def read_new(
    path: str | Path, preparation: Mapping[str, Any], /, **parameters: Any
) -> tuple[Any, ...]:
    """Tokens and lengths of new rows; their file needs no target."""
    import torch

    form = FileForm.of(parameters).read_as(str(path), parameters["path"])
    frame = read_frame(str(path), [parameters["text"]], form=form)
    rows = encode(_texts(frame, parameters["text"], str(path)), preparation)
    return tuple(torch.from_numpy(column) for column in padded(rows, max(map(len, rows))))


def prepare(chosen: Texts) -> Prepared:
    """Read the files, divide the rows, and make tokens of them by the training part."""
    _refuse_contradictions(chosen)
    main = _labelled(chosen, chosen.path)
    apart = {part: _labelled(chosen, path, main=False) for part, path in chosen.apart.items()}
    shares = Shares(chosen.validation, chosen.test, chosen.split_seed, chosen.stratify)
    found = divide(main, apart, shares, chosen.rules)
    parts = found.parts
    if chosen.tokenizer in UNITS:
        preparation = learn_vocabulary(
            chosen.tokenizer,
            parts["train"].rows,
            chosen.max_words or MAX_WORDS,
            chosen.min_count or MIN_COUNT,
            chosen.max_length,
        )
        if not preparation[chosen.tokenizer]:
            advice = "a smaller min_count"
            if chosen.tokenizer == "words" and is_spaceless(parts["train"].rows):
                advice = "tokenizer: characters, since the texts have no spaces between words"
            raise DataError(
                f"{chosen.path}: no {chosen.tokenizer[:-1]} of column {chosen.text} stands "
                f"{chosen.min_count or MIN_COUNT} times in the training part; write {advice}"
            )
    else:
        preparation = read_tokenizer(chosen.tokenizer, chosen.max_length)
    tokens = {part: encode(parts[part].rows, preparation) for part in PARTS}
    width = max(len(row) for part in PARTS for row in tokens[part])
    columns = {part: (*padded(tokens[part], width), found.targets[part]) for part in PARTS}
    different = len({text for part in parts.values() for text in part.rows})
    column = ColumnSummary(chosen.text, "text", different, 0)
    names = {"row": [number + 1 for number in parts["test"].numbers]}
    warnings = token_warnings(parts["train"].rows, tokens["validation"], preparation)
    facts = Facts([column], found.notes, warnings)
    return Prepared(columns, found.outputs, preparation, names, lambda: facts)


def _refuse_contradictions(chosen: Texts) -> None:
    seen: dict[str, str] = {}
    single = ("text", "split_column", "group", "time")
    text, *dividing = [(role, getattr(chosen, role)) for role in single]
    for role, name in [text, *(("target", name) for name in chosen.target), *dividing]:
        if name in seen:
            raise DataError(
                f"{chosen.path}: column {name} is named twice, by data.{seen[name]} and "
                f"data.{role}; keep one"
            )
        if name:
            seen[name] = role
    refuse_unused_form(chosen.path, chosen.form)
    for name in ("max_words", "min_count"):
        if chosen.tokenizer not in UNITS and getattr(chosen, name) is not None:
            raise DataError(
                f"data.{name} does not go with a tokenizer of your own; leave it out, or write "
                "tokenizer: words"
            )


def _labelled(chosen: Texts, path: str, main: bool = True) -> Labelled:
    """A file's texts; only the columns of the main one divide it."""
    dates = dict(chosen.dates) if main else {}
    labels = chosen.target if chosen.rules.has_texts else ()
    form = chosen.form.read_as(path, chosen.path)
    frame = read_frame(path, [chosen.text, *dates, *labels], form=form)
    refuse_unknown([("data.dates", name) for name in dates], frame, path)
    roles = ("split_column", "group", "time") if main else ()
    named = {role: getattr(chosen, role) for role in roles if getattr(chosen, role)}
    refuse_unknown([("data.target", name) for name in chosen.target], frame, path)
    refuse_unknown([(f"data.{role}", name) for role, name in named.items()], frame, path)
    said, groups = (
        texts_of(frame[named[role]], path) if role in named else None
        for role in ("split_column", "group")
    )
    times = None
    if "time" in named:
        times = times_of(frame[named["time"]], path, dates.get(named["time"]))
    return Labelled(
        _texts(frame, chosen.text, path, chosen.target),
        path,
        TargetColumns([frame[name] for name in chosen.target], path),
        said=said,
        groups=groups,
        times=times,
        notices=origin_of(frame).notices,
    )


def _texts(frame: pd.DataFrame, name: str, path: str, targets: Sequence[str] = ()) -> list[str]:
    """The texts; raises DataError where one is missing or empty in a row that has its targets."""
    refuse_unknown([("data.text", name)], frame, path)
    column = frame[name]
    empty = column.isna() | (column.astype("str").str.strip() == "")
    empty &= frame[[*targets]].notna().all(axis=1)
    if empty.any():
        places = np.flatnonzero(empty)
        raise DataError(
            f"{path}: column {name}, {row_of(column, places[0])}: there is no text"
            f"{also(column, places)}; write one or remove the row"
        )
    return [str(text) for text in column]


@lru_cache(maxsize=4)
def _read(chosen: Texts, stamps: tuple[Stamp, ...]) -> Splits:
    prepared = prepare(chosen)
    input_embedding = {"kind": "tokens", "vocabulary": vocabulary_size(prepared.preparation)}
    return replace(prepared.splits(), input_embedding=input_embedding)
