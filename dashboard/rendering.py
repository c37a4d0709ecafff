"""Figures as they are sent to the browser: drawn once, as Vega-Lite with its data beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pandas as pd
import pyarrow as pa

from studies.reporting.figures.common import Info, Picture
from studies.reporting.figures.specification import Specification, specification
from studies.reporting.figures.svg import png_file, svg_file
from studies.reporting.figures.theme import themed
from studies.reporting.figures.touch import FIELD, TABLE, picked_table, touchable
from studies.reporting.palette import DARK, LIGHT

SomeInfo = TypeVar("SomeInfo", bound=Info)
MANY = 200
"""Rows from which on a figure is painted on a canvas: a browser is slow with as many elements, and
nobody reads so many marks one by one."""
CANVAS = {
    "usermeta": {"embedOptions": {"renderer": "canvas"}},
    "config": {"mark": {"aria": False}},
}
SENT = {"datasets", "usermeta", "config"}
"""Parts of a specification that are for a browser."""


@dataclass(frozen=True)
class RenderedFigure(Generic[SomeInfo]):
    """A figure that was drawn."""

    info: SomeInfo
    spec: Mapping[str, Any]
    """Vega-Lite without colours, its data as Arrow tables below `datasets`; empty where there is
    nothing to draw. Nobody changes it."""

    @property
    def touchable(self) -> bool:
        """Whether trials can be picked in it."""
        return TABLE in self.spec.get("datasets", {})

    def shown(self, *, dark: bool, picked: Sequence[str] = ()) -> dict[str, Any]:
        """The specification for a light or a dark page; the trials in `picked` stand out."""
        spec = themed(self.spec, DARK if dark else LIGHT)
        if self.touchable and picked:
            spec["datasets"] = {**spec["datasets"], TABLE: _arrow(picked_table(picked))}
        return spec

    def svg(self, title: str) -> str:
        """The figure as an SVG file."""
        return svg_file(self._drawn, title, self.info.alt)

    def png(self) -> bytes:
        """The figure as a PNG file."""
        return png_file(self._drawn)

    @property
    def _drawn(self) -> Specification:
        """The specification with its tables beside it, for a converter."""
        tables = {name: table.to_pandas() for name, table in self.spec["datasets"].items()}
        shown = {name: part for name, part in self.spec.items() if name not in SENT}
        return Specification(shown, tables)


def render_figure(info: SomeInfo, draw: Callable[[SomeInfo], Picture]) -> RenderedFigure[SomeInfo]:
    """A figure from its content."""
    return RenderedFigure(info, {} if info.empty else vega_lite(draw(info)))


def vega_lite(picture: Picture) -> dict[str, Any]:
    """A picture in Vega-Lite with its data; the tests of the pages have validated it."""
    drawn = specification(picture)
    trials = [name for name, table in drawn.tables.items() if FIELD in table]
    spec = touchable(drawn.spec, trials)
    tables = dict(drawn.tables)
    if sum(len(table) for table in tables.values()) > MANY:
        spec |= CANVAS
    if spec != drawn.spec:
        tables[TABLE] = picked_table(())
    spec["datasets"] = {name: _arrow(table) for name, table in tables.items()}
    return spec


def _arrow(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table, preserve_index=False)
