"""The notes of a record whose study gets another name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies.study_file import document
from studies.study_file.reading.yaml_text import yaml_of

RENAMED = "renamed"
"""The note that holds the name that the folder of a study is about to get."""


def with_name(notes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The notes of a study that has another name now."""
    changed = {each: value for each, value in notes.items() if each != RENAMED}
    changed["study"] = name
    if file := notes.get("study_file"):
        tree = document.parse(file, "the stored file").tree
        changed["study_file"] = yaml_of({**tree, "study": name})
        if notes.get("finished") == file:
            changed["finished"] = changed["study_file"]
    return changed
