"""A figure as Vega-Lite, with every table of its data once and beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import altair as alt
import pandas as pd

from studies.reporting.figures.common import Picture

DRAWING = Lock()
"""Altair has one way for all threads to treat data."""


@dataclass(frozen=True)
class Specification:
    """What is drawn, without colours, and from what."""

    spec: Mapping[str, Any]
    """Vega-Lite that names its tables."""
    tables: Mapping[str, pd.DataFrame]


def specification(picture: Picture) -> Specification:
    """A picture in Vega-Lite; nothing in it is checked, which takes longer than drawing."""
    tables: dict[int, tuple[str, pd.DataFrame]] = {}

    def named_table(data: pd.DataFrame) -> dict[str, str]:
        name, _ = tables.setdefault(id(data), (f"table {len(tables)}", data))
        return {"name": name}

    with DRAWING:
        alt.data_transformers.register("named", named_table)  # type: ignore[arg-type]
        with alt.data_transformers.enable("named"), alt.theme.enable("none"):
            spec = picture.to_dict(validate=False)
    return Specification(spec, dict(tables.values()))
