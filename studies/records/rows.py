"""A trial as a row of the record, and back."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from studies.records.sharing import Sections
from studies.records.types import Annotation, Outcome, Trial

COLUMNS = (
    "id", "search", "number", "key", "arm", "repeat", "split", "seed", "seed_index", "is_default",
    "duplicate_of", "config_hash", "configuration", "params", "distributions", "sampler_state",
    "started", "ended", "outcome", "value", "epochs", "best_epoch", "best", "test", "reason",
    "traceback", "seconds", "device", "data_hash", "weights_hash", "rows", "revision",
    "code", "queued", "system",
)  # fmt: skip
ENDING = (
    "outcome", "value", "ended", "epochs", "best_epoch", "best", "test", "reason", "traceback",
    "seconds", "device", "data_hash", "weights_hash", "rows", "system", "sampler_state",
    "duplicate_of",
)  # fmt: skip
"""The columns that the end of a trial fills."""
METRICS = ("best", "test", "system")
"""The JSON columns that hold numbers, not all of them finite."""
JSON_COLUMNS = (
    "configuration", "params", "distributions", "sampler_state", "best", "test", "rows", "system",
)  # fmt: skip

TEXT, INTEGER, NULL = frozenset({str}), frozenset({int}), frozenset({type(None)})
KINDS: Mapping[str, frozenset[type]] = {
    **dict.fromkeys(COLUMNS, INTEGER),
    **dict.fromkeys(("split", "seed_index", "duplicate_of", "ended", "best_epoch"), INTEGER | NULL),
    **dict.fromkeys(
        ("key", "arm", "config_hash", "reason", "traceback", "device", "data_hash", "code"), TEXT
    ),
    **dict.fromkeys(("weights_hash", *JSON_COLUMNS), TEXT),
    "outcome": TEXT | NULL,
    "value": INTEGER | {float} | NULL,
    "seconds": INTEGER | {float},
}
"""The types that a column may hold: SQLite itself takes any value in any column."""


def milliseconds() -> int:
    """The time now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def to_milliseconds(at: datetime) -> int:
    """A time in milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def local_time(at: int | None) -> datetime | None:
    """Milliseconds since 1970 as local time."""
    return None if at is None else datetime.fromtimestamp(at / 1000)


def seconds_covered(spans: Iterable[tuple[int, int]]) -> float:
    """Seconds that spans of time cover together, which are in the order of their beginnings."""
    total = until = 0
    for started, ended in spans:
        total += max(0, ended - max(started, until))
        until = max(until, ended)
    return total / 1000


def annotations_of(rows: Iterable[tuple[int, str, str]]) -> dict[int, Annotation]:
    """What people have written, by the rows of trials; the study has 0.

    Raises TypeError where a value is none that a record has.
    """
    texts: dict[int, dict[str, str]] = {}
    for trial, name, text in rows:
        if type(name) is not str or type(text) is not str:
            raise TypeError("annotations have a value that is no text")
        texts.setdefault(trial, {})[name] = text
    return {trial: Annotation(each.pop("", ""), each) for trial, each in texts.items()}


def number_or_null(value: float | None) -> float | None:
    """A number as SQLite holds it, which knows no NaN: null stands for that."""
    return None if value is None or math.isnan(value) else float(value)


def row_of(trial: Trial) -> dict[str, Any]:
    """The values of a trial, by the columns of the table of trials."""
    return {
        **{name: getattr(trial, name) for name in (
            "search", "number", "key", "arm", "repeat", "split", "seed", "seed_index",
            "duplicate_of", "config_hash", "value", "epochs", "best_epoch", "reason", "traceback",
            "seconds", "device", "data_hash", "weights_hash", "revision", "code", "queued")},
        "is_default": trial.default,
        "outcome": None if trial.outcome is None else trial.outcome.value,
        "ended": None if trial.ended is None else to_milliseconds(trial.ended),
        **{name: json.dumps(dict(getattr(trial, name))) for name in JSON_COLUMNS
           if name not in METRICS},
        **{name: metrics_to_json(getattr(trial, name)) for name in METRICS},
    }  # fmt: skip


def metrics_to_json(metrics: Mapping[str, float]) -> str:
    """Metrics in JSON that every program reads: it has no word for NaN and none for infinity."""
    text = json.dumps(dict(metrics))
    if "NaN" not in text and "Infinity" not in text:
        return text
    parts = (f"{json.dumps(name)}: {_json_number(value)}" for name, value in metrics.items())
    return f"{{{', '.join(parts)}}}"


def _json_number(value: float) -> str:
    if math.isnan(value):
        return "null"
    return json.dumps(value) if math.isfinite(value) else f"{'-' * (value < 0)}1e999"


def metrics_of(stored: Mapping[str, float | None]) -> dict[str, float]:
    """Metrics that were read from JSON, where null stands for NaN."""
    return {name: math.nan if value is None else value for name, value in stored.items()}


def parsed(rows: Sequence[Sequence[Any]], sections: Sections) -> Iterator[Sequence[Any]]:
    """Rows of trials with their JSON columns read. What many trials have alike is there once, for
    nobody changes it: equal texts, equal sections of configurations, and the names in all.

    Raises ValueError or TypeError where a value is none that a record has.
    """
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for name, column in zip(COLUMNS, columns, strict=True):
        if wrong := set(map(type, column)) - KINDS[name]:
            raise TypeError(f"trials.{name} has a value of type {wrong.pop().__name__}")
    for name in JSON_COLUMNS:
        at = COLUMNS.index(name)
        texts = dict.fromkeys(columns[at])
        read = dict(zip(texts, json.loads(f"[{','.join(texts)}]"), strict=True))
        _require_objects(name, read.values())
        if name == "configuration":
            read = {text: sections.shared(found) for text, found in read.items()}
        elif name in METRICS:
            read = {t: metrics_of(found) if "null" in t else found for t, found in read.items()}
        columns[at] = [read[text] for text in columns[at]]
    return zip(*columns, strict=True)


def _require_objects(name: str, values: Iterable[Any]) -> None:
    """Raise TypeError unless the values of a JSON column are objects of the right kind."""
    for value in values:
        right = isinstance(value, dict)
        if right and name in METRICS:
            right = set(map(type, value.values())) <= {int, float, type(None)}
        elif right and name == "configuration":
            right = "model" in value and set(map(type, value.values())) == {dict}
        if not right:
            raise TypeError(f"trials.{name} has {str(value)[:100]!r}")


def trial_of(
    row: Sequence[Any],
    phase: str,
    curve: Mapping[int, float],
    run_id: str | None,
    annotation: Annotation,
) -> Trial:
    """The trial of a row whose JSON columns were read."""
    (id_, search, number, key, arm, repeat, split, seed, seed_index, is_default, duplicate_of,
     config_hash, configuration, params, distributions, sampler_state, started, ended, outcome,
     value, epochs, best_epoch, best, test, reason, traceback, seconds, device, data_hash,
     weights_hash, rows, revision, code, queued, system) = row  # fmt: skip
    return Trial(
        key=key, arm=arm, phase=phase, outcome=None if outcome is None else Outcome(outcome),
        value=value, seed=seed, configuration=configuration, config_hash=config_hash,
        epochs=epochs, best_epoch=best_epoch, best=best, test=test,
        reason=reason, seconds=seconds, run_id=run_id, duplicate_of=duplicate_of,
        default=bool(is_default), params=params, curve=curve, started=local_time(started),
        ended=local_time(ended), device=device, traceback=traceback, data_hash=data_hash,
        weights_hash=weights_hash, repeat=repeat, split=split, number=number, rows=rows,
        seed_index=seed_index, distributions=distributions,
        sampler_state=sampler_state, id=id_, search=search, revision=revision, code=code,
        queued=queued, system=system, annotation=annotation,
    )  # fmt: skip
