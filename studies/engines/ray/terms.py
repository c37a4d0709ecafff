"""What a node must have in common with the driver: versions, files of data, and code.

Only the standard library is used here: a node may lack everything else.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

SAME = ("fairtune", "torch", "numpy", "pytorch-lightning")
"""The packages whose versions must be the same: numbers depend on them."""
NONE = "none"


@dataclass(frozen=True)
class Terms:
    """The terms on which a node takes part."""

    versions: Mapping[str, str]
    files: Sequence[tuple[str, str, str]] = ()
    """Name, path and identity (see `inputs.identities`) of what trials read and run."""
    folder: str = "."
    """The current folder of the driver."""
    search_path: Sequence[str] = ()
    """Where the driver finds modules."""
    marker: str = ""
    """A file of the home, by which a node sees whether it has the same one."""
    mark: str = ""
    """Its content."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the driver's environment, those that programs are to see."""


def versions_here() -> dict[str, str]:
    """The versions that must be the same, on this machine."""
    found = {"Python": ".".join(map(str, sys.version_info[:2]))}
    for package in SAME:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = NONE
    return found


def version_differences(versions: Mapping[str, str]) -> list[str]:
    """What this machine has in another version than those, in words."""
    here = versions_here()
    return [
        f"it has {name} {found}, the driver {asked}"
        for name, asked in versions.items()
        if (found := here.get(name, NONE)) != asked
    ]
