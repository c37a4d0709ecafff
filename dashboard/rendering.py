"""Figures as they are sent to the browser: drawn once, as Vega-Lite with its data beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa

from studies.reporting.figures.common import Info, Picture
from studies.reporting.figures.specification import Specification, specification
from studies.reporting.figures.svg import png_file, svg_file
from studies.reporting.figures.theme import themed
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

    def shown(self, *, dark: bool) -> dict[str, Any]:
        """The specification for a light or a dark page."""
        return themed(self.spec, DARK if dark else LIGHT)

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
    spec = dict(drawn.spec)
    if sum(len(table) for table in drawn.tables.values()) > MANY:
        spec |= CANVAS
    spec["datasets"] = {
        name: pa.Table.from_pandas(table, preserve_index=False)
        for name, table in drawn.tables.items()
    }
    return spec
