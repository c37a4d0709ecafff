"""Names of metrics and parameters, as MLflow can hold them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from lightning_modules.hashing import short_hash

FORBIDDEN = re.compile(r"[^/\w.\- :]")
MAX_LENGTH = 250


def names_in_mlflow(names: Iterable[str]) -> dict[str, str]:
    """What everything is called in MLflow, by its own name.

    What MLflow does not allow becomes `_`. Where that is the name of something else a hash of the
    own name follows; so the names stay apart, and are the same in every trial that has them all.
    """
    known = set(names)
    found = {name: name for name in known if allowed(name) == name}
    taken = set(found)
    for name in sorted(known - taken):
        safe = allowed(name)
        if safe in taken:
            safe = f"{safe[: MAX_LENGTH - 9]}-{short_hash(name, 8)}"
        found[name] = safe
        taken.add(safe)
    return found


def allowed(name: str) -> str:
    """A name without what MLflow forbids: characters, and paths that can be written shorter."""
    safe = FORBIDDEN.sub("_", name)
    if safe.startswith(("/", "..")) or safe == "." or posixpath.normpath(safe) != safe:
        safe = "_".join(part for part in safe.split("/") if part not in ("", ".", "..")) or "_"
    return safe[:MAX_LENGTH]
