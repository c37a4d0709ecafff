"""The text of a first study file: blocks of YAML, each below a comment that says what it is."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_modules.errors import visible
from studies.study_file.reading.yaml_text import yaml_of

WIDTH = 98


@dataclass(frozen=True)
class Block:
    """Some keys of a study file, and what is said above them."""

    comments: Sequence[str]
    """A paragraph each."""
    keys: Mapping[str, Any]


def text_of(blocks: Sequence[Block]) -> str:
    """The blocks as the text of a study file."""
    return "\n".join(
        "".join(map(commented, block.comments))
        + "".join(_written(key, value) for key, value in block.keys.items())
        for block in blocks
    )


def _written(key: str, value: Any) -> str:
    """A key with its value, on a line of its own."""
    text = yaml_of({key: value})
    return f"{text.strip()[1:-1]}\n" if text.startswith("{") else text


def commented(paragraph: str) -> str:
    """A paragraph as comments, whatever it quotes from a file."""
    text = visible(" ".join(paragraph.split()))
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def name_of(path: Path) -> str:
    """The name of a study of a file, or a folder."""
    stem = path.resolve().name.partition(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:60].lower() or "study"
