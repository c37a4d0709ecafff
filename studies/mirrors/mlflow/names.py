"""Names of metrics and parameters, and texts, as MLflow and its databases can hold them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from lightning_modules.hashing import short_hash

FORBIDDEN = re.compile(r"[^/\w.\- :]")
MAX_LENGTH = 250
MAX_PARAM_LENGTH, MAX_TAG_LENGTH = 6000, 8000
RESERVED = ("fairtune.", "mlflow.")
"""How names of tags begin that are not for people to give."""
FOLDS_CASE = ("mysql", "mssql")
"""Databases to which two names are one that differ by case only."""


def names_in_mlflow(names: Iterable[str], uri: str = "") -> dict[str, str]:
    """What everything is called in MLflow, by its own name.

    What MLflow does not allow becomes `_`. Where that is the name of something else a hash of the
    own name follows; so the names stay apart, and are the same in every trial that has them all.
    The store at `uri` may take names for one that differ by case only.
    """
    folds = uri.partition("://")[0].partition("+")[0] in FOLDS_CASE
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names), key=lambda name: (allowed(name) != name, name)):
        safe = allowed(name)
        if (safe.lower() if folds else safe) in taken:
            safe = f"{safe[: MAX_LENGTH - 9]}-{short_hash(storable(name), 8)}"
        found[name] = safe
        taken.add(safe.lower() if folds else safe)
    return found


def original_tags(kind: str, names: Mapping[str, str]) -> dict[str, str]:
    """Tags that say what was called otherwise than here: `fairtune.metric.val/MAP_5: val/MAP@5`."""
    found = {}
    for name, safe in names.items():
        if name != safe:
            tag = f"fairtune.{kind}.{safe}"
            if len(tag) > MAX_LENGTH:
                tag = f"{tag[: MAX_LENGTH - 9].rstrip('/')}-{short_hash(storable(name), 8)}"
            found[tag] = storable(name, MAX_TAG_LENGTH)
    return found


def is_reserved(name: str) -> bool:
    """Whether the name of a tag is one of MLflow's or of fairtune's own, in capitals or not."""
    return name.casefold().startswith(RESERVED)


def storable(text: str, most: int = MAX_PARAM_LENGTH) -> str:
    """A text as every database takes it: without what is no character, and cut where it is long."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return text if len(text) <= most else text[: most - 1] + "…"


def allowed(name: str) -> str:
    """A name without what MLflow forbids: characters, and paths that can be written shorter."""
    safe = FORBIDDEN.sub("_", name)
    if not _is_path(safe):
        safe = "_".join(part for part in safe.split("/") if part not in ("", ".", "..")) or "_"
    safe = safe[:MAX_LENGTH]
    if not _is_path(safe):  # it begins with several dots, or was cut after a slash
        safe = "_" + safe[1:].replace("/", "_")
    return safe


def _is_path(name: str) -> bool:
    """Whether a name is the path of a file below a folder, as short as it can be written."""
    return posixpath.normpath(name) == name != "." and not name.startswith(("/", ".."))
