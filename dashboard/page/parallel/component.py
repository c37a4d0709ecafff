"""The component on a page: what it is sent, and what its reader does in it."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from dashboard.page import address
from dashboard.page.brush import write_ranges
from dashboard.page.messages import marked
from dashboard.page.picks import picked, touch_trial
from studies.reporting.figures.search.parallel import GOOD, ParallelAxis, ParallelInfo
from studies.reporting.palette import DARK, LIGHT
from studies.reporting.within import ChoiceRange, NumberRange, ValueRange, outward
from studies.results import level

ORDER = "axes"
"""The order of the axes in the address."""
KEY = "parallel coordinates"
HERE = Path(__file__).parent
SCRIPTS = ("raster.js", "lines.js", "parallel.js")
"""One script, told in three files."""
HEIGHT = 400

_component = st.components.v2.component(
    "fairtune.parallel",
    html="<div class='parallel'></div>",
    css=(HERE / "parallel.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
)


def show_parallel(info: ParallelInfo, within: Sequence[ValueRange], nothing: str) -> None:
    """All parameters at once; brushes on the axes become the ranges of the address."""
    if info.empty:
        st.caption(marked(nothing))
        return
    colours = DARK if st.context.theme.type == "dark" else LIGHT
    names = frozenset(axis.name for axis in info.axes)
    _component(
        key=KEY,
        height=HEIGHT,
        data={
            "alt": info.alt,
            "metric": info.metric,
            "trials": info.data["trial"].tolist(),
            "values": [level(info.metric, value) for value in info.data["value"].tolist()],
            "standing": _packed(info.data["standing"].tolist()),
            "columns": {axis.name: _packed(axis.positions) for axis in info.axes},
            "axes": [
                {"name": axis.name, "ticks": axis.ticks, "choices": len(axis.axis.labels)}
                for axis in info.axes
            ],
            "order": _order(info),
            "ranges": _intervals(info, within),
            "elsewhere": any(each.name not in names for each in within),
            "picked": list(picked()),
            "colours": [colours[name] for name in GOOD],
            "neutral": colours["neutral"],
        },
        on_brushed_change=partial(_on_brushed, info, tuple(within)),
        on_ordered_change=partial(_on_ordered, names),
        on_touched_change=_on_touched,
    )
    st.caption(marked(info.caption))


def _packed(values: Sequence[float]) -> str:
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode("ascii")


def _order(info: ParallelInfo) -> list[str]:
    """The axes as the address orders them; those that it does not name come after."""
    names = [axis.name for axis in info.axes]
    asked = [name for name in dict.fromkeys(address.read(ORDER)) if name in names]
    return [*asked, *(name for name in names if name not in asked)]


def _intervals(
    info: ParallelInfo, within: Sequence[ValueRange]
) -> dict[str, list[tuple[float, float]]]:
    """Where the ranges lie on their axes, from 0 to 1."""
    by_name = {axis.name: axis.axis for axis in info.axes}
    found: dict[str, list[tuple[float, float]]] = {}
    for each in within:
        axis = by_name.get(each.name)
        if axis is None:
            continue
        if isinstance(each, ChoiceRange):
            size = 1 / max(1, len(axis.labels))
            at = sorted(axis.labels.index(label) for label in each.labels if label in axis.labels)
            found[each.name] = _joined([(place * size, (place + 1) * size) for place in at])
        elif not axis.labels:
            ends = (min(max(end, axis.low), axis.high) for end in (each.low, each.high))
            low, high = (axis.position(end) for end in ends)
            found[each.name] = [(low, high)]
    return found


def _joined(parts: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Intervals in order, those that touch made one."""
    found: list[tuple[float, float]] = []
    for low, high in parts:
        if found and math.isclose(found[-1][1], low):
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def brushed_range(
    info: ParallelInfo, axis: ParallelAxis, intervals: Sequence[Sequence[float]]
) -> ValueRange | None:
    """What brushes on an axis keep, given as intervals from 0 to 1; None where that is all."""
    labels = axis.axis.labels
    if labels:
        kept = tuple(
            label
            for label in labels
            if any(low <= axis.axis.position(label) <= high for low, high in intervals)
        )
        return ChoiceRange(axis.name, kept) if 0 < len(kept) < len(labels) else None
    low, high = intervals[0][0], intervals[-1][1]
    if low <= 0 and high >= 1:
        return None
    start, end = axis.value(max(0.0, low)), axis.value(min(1.0, high))
    metric = axis is info.axes[-1]
    if metric:  # what lies beyond the axis is drawn at its end
        start = min(start, info.data["value"].min()) if low <= 0 else start
        end = max(end, info.data["value"].max()) if high >= 1 else end
    if axis.axis.integer:
        start, end = sorted((float(math.ceil(start - 1e-9)), float(math.floor(end + 1e-9))))
    return NumberRange(axis.name, *outward(start, end), metric=metric)


def _on_brushed(info: ParallelInfo, within: Sequence[ValueRange]) -> None:
    """Ranges of parameters that are not here stay, unless all brushes were cleared."""
    brushes: Mapping[str, Any] = st.session_state[KEY].brushed or {}
    here = {axis.name: axis for axis in info.axes}
    found = [each for each in within if each.name not in here] if brushes else []
    for name, intervals in brushes.items():
        if name in here and intervals:
            kept = brushed_range(info, here[name], intervals)
            found += [kept] if kept is not None else []
    write_ranges(found)


def _on_ordered(names: frozenset[str]) -> None:
    order = st.session_state[KEY].ordered or ()
    address.write(ORDER, [name for name in order if name in names])


def _on_touched() -> None:
    touched = st.session_state[KEY].touched or {}
    if isinstance(key := touched.get("trial"), str):
        touch_trial(key, add=bool(touched.get("add")))
        st.rerun()
