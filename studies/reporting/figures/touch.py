"""Marks that are trials can be picked with a click, and picked ones stand out.

A page makes a specification touchable when it shows it; a report shows the same figure as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from studies.reporting.figures.theme import named

PICKED = "picked"
"""The selection of clicks on marks, each of which changes it by one trial."""
ADDED = "added"
"""The same of clicks with the shift key."""
TABLE = "picked trials"
"""The table of the trials that stand out: a new one changes a figure without drawing it anew."""
FIELD = "trial"
PLACES = ("x", "x2", "y", "y2", "xOffset", "yOffset", "detail")
NEAR = 12
"""Pixels across a line or a point within which a click means it."""
POINTS, BARS = ("circle", "point", "square"), ("bar",)


def touchable(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A specification with selections of the trials in it; unchanged where no mark is one trial."""
    layers = spec.get("layer") or [_as_layer(spec)]
    found = [each for each in layers if _is_trial(each)]
    if not found:
        return dict(spec)
    top = {name: part for name, part in spec.items() if name not in _UNIT}
    pointed = [_pointed(each) if each in found else each for each in layers]
    pointed += [_near(each) for each in found if _kind(each) not in BARS]
    first = pointed.index(_pointed(found[0]))
    pointed[first] = {**pointed[first], "params": list(_selections())}
    return {**top, "layer": [*pointed, *(_marked(each) for each in found)]}


def picked_table(keys: Iterable[str]) -> pd.DataFrame:
    """The table of the trials that stand out; never empty, or a browser would leave it out."""
    names = ["", *keys]
    return pd.DataFrame({FIELD: names, PICKED: [bool(name) for name in names]})


_UNIT = ("mark", "encoding", "transform", "layer")


def _as_layer(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: spec[name] for name in _UNIT if name in spec}


def _kind(layer: Mapping[str, Any]) -> str:
    mark = layer.get("mark", "")
    return str(mark["type"] if isinstance(mark, Mapping) else mark)


def _is_trial(layer: Mapping[str, Any]) -> bool:
    """Whether every mark of a layer is one trial: it tells its name to the pointer. A line is one
    if it is drawn for each trial."""
    encoding = layer.get("encoding", {})
    told = encoding.get("tooltip", ())
    if not any(each.get("field") == FIELD for each in told if isinstance(each, Mapping)):
        return False
    detail = encoding.get("detail", {})
    own = isinstance(detail, Mapping) and detail.get("field") == FIELD
    return own if _kind(layer) == "line" else _kind(layer) in POINTS + BARS


def _selections() -> Iterator[dict[str, Any]]:
    """Each click changes a selection by the clicked trial, and nothing else does, so that two
    values of it tell which trial that was."""
    for name, event in ((PICKED, "click[!event.shiftKey]"), (ADDED, "click[event.shiftKey]")):
        select = {"type": "point", "fields": [FIELD], "on": event, "toggle": "true", "clear": False}
        yield {"name": name, "select": select}


def _pointed(layer: Mapping[str, Any]) -> dict[str, Any]:
    mark = layer["mark"]
    return {**layer, "mark": {**(mark if isinstance(mark, Mapping) else {"type": mark}), **_HAND}}


_HAND = {"cursor": "pointer"}


def _near(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Unseen broad marks over all others: a pointer would miss thin ones, or find what covers
    them."""
    kept = {n: part for n, part in layer["encoding"].items() if n in PLACES or n == "tooltip"}
    if _kind(layer) == "line":
        mark = {**_of(layer, ("interpolate", "clip")), "type": "line", "strokeWidth": NEAR}
    else:
        dot = {"type": "point", "shape": "circle", "size": NEAR**2, "filled": True}
        mark = {**_of(layer, ("clip",)), **dot}
    return {**layer, "mark": {**mark, **_HAND, "opacity": 0}, "encoding": kept}


def _of(layer: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    mark = layer["mark"]
    return {n: mark[n] for n in names if n in mark} if isinstance(mark, Mapping) else {}


def _marked(layer: Mapping[str, Any]) -> dict[str, Any]:
    """The picked ones of a layer: a ring around points, a frame around bars, a bold line."""
    ink = {"stroke": named("reference").to_dict(), "opacity": 1, "tooltip": None}
    if _kind(layer) == "line":
        mark = {**_of(layer, ("interpolate", "clip")), "type": "line", "strokeWidth": 3}
    elif _kind(layer) in BARS:
        mark = {**_of(layer, ("size",)), "type": "bar", "filled": False, "strokeWidth": 2.5}
    else:
        ring = {"type": "point", "shape": "circle", "size": 170, "filled": False}
        mark = {**_of(layer, ("clip",)), **ring, "strokeWidth": 2.5}
    lookup = {
        "lookup": FIELD,
        "from": {"data": {"name": TABLE}, "key": FIELD, "fields": [PICKED]},
    }
    return {
        **layer,
        "mark": mark | ink,
        "encoding": {name: part for name, part in layer["encoding"].items() if name in PLACES},
        "transform": [*layer.get("transform", []), lookup, {"filter": f"datum.{PICKED}"}],
    }
