"""Equal parts of configurations, held once: thousands of trials differ in a few values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 64
"""Different ones of a section that are kept: sections without open values have one."""


class Sections:
    """Gives equal sections of configurations as one and the same; nobody changes them."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def shared(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration with the sections of those before it, where they are equal."""
        return {name: self._section(name, section) for name, section in configuration.items()}

    def _section(self, name: str, section: Any) -> Any:
        known = self._known.setdefault(name, {})
        text = repr(section)  # unlike ==, it tells 1 from 1.0 and from True
        if len(known) < MOST:
            return known.setdefault(text, section)
        return known.get(text, section)
