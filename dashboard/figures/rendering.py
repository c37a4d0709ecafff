"""Figures as they are sent to the browser: drawn once, as Vega-Lite with its data beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

import altair as alt
import pandas as pd
import pyarrow as pa

from dashboard.figures.common import Info, Picture

SomeInfo = TypeVar("SomeInfo", bound=Info)
MANY = 200
"""Rows from which on a figure is painted on a canvas: a browser is slow with as many elements, and
nobody reads so many marks one by one."""
CANVAS = {
    "usermeta": {"embedOptions": {"renderer": "canvas"}},
    "config": {"mark": {"aria": False}},
}
DRAWING = Lock()
"""Altair has one way for all threads to treat data."""


@dataclass(frozen=True)
class RenderedFigure(Generic[SomeInfo]):
    """A figure that was drawn."""

    info: SomeInfo
    spec: Mapping[str, Any]
    """Vega-Lite, its data as Arrow tables below `datasets`; empty where there is nothing to draw.
    Nobody changes it."""


def render_figure(info: SomeInfo, draw: Callable[[SomeInfo], Picture]) -> RenderedFigure[SomeInfo]:
    """A figure from its content."""
    return RenderedFigure(info, {} if info.empty else vega_lite(draw(info)))


def vega_lite(picture: Picture) -> dict[str, Any]:
    """A picture in Vega-Lite, with every table of its data once."""
    tables: dict[int, tuple[str, pd.DataFrame]] = {}

    def named(data: pd.DataFrame) -> dict[str, str]:
        name, _ = tables.setdefault(id(data), (f"table {len(tables)}", data))
        return {"name": name}

    with DRAWING:
        alt.data_transformers.register("named", named)  # type: ignore[arg-type]
        with alt.data_transformers.enable("named"), alt.theme.enable("none"):
            spec = picture.to_dict(validate=False)  # the tests of the pages have validated it
    if sum(len(table) for _, table in tables.values()) > MANY:
        spec |= CANVAS
    spec["datasets"] = {
        name: pa.Table.from_pandas(table, preserve_index=False) for name, table in tables.values()
    }
    return spec
