"""Packages of fairtune that a folder of the user's would hide."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("lightning_modules", "studies", "dashboard")
ROOT = Path(__file__).resolve().parents[1]


def require_own_packages() -> None:
    """Raise ImportError where Python would find another package of the same name first."""
    for name in PACKAGES:
        spec = find_spec(name)
        places = [
            Path(place).resolve() for place in (spec and spec.submodule_search_locations) or ()
        ]
        if spec is None or ROOT / name in places:
            continue
        hidden = places[0] if places else Path(str(spec.origin))
        raise ImportError(
            f"{hidden} hides fairtune's own package {name}: rename it, or keep your script in "
            "another folder"
        )
