"""The colours of a figure: its specification names them, and who shows it says what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from studies.reporting.palette import ARMS, LIGHT


def named(colour: str) -> alt.ExprRef:
    """A colour of the palette, by its name there."""
    if colour not in LIGHT:
        raise KeyError(f"the palette has no colour {colour!r}")
    return alt.ExprRef(_parameter(colour))


def arm_colours(arms: Sequence[str]) -> list[alt.ExprRef]:
    """The colour of every arm, by the order of the study file."""
    return [named(f"arm_{index % len(ARMS)}") for index in range(len(arms))]


def themed(spec: Mapping[str, Any], colours: Mapping[str, str]) -> dict[str, Any]:
    """A specification with its colours: those of a palette, by their names."""
    config = spec.get("config", {})
    parameters = [{"name": _parameter(name), "value": value} for name, value in colours.items()]
    return {**spec, "config": {**config, "params": parameters}}


def _parameter(colour: str) -> str:
    """Its name in Vega, which has others of its own, such as `width`."""
    return f"colour_{colour}"
