"""Markdown in which everything that a person wrote is text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

ADDRESS = re.compile(r"(?i)(?:https?|ftp):(?=//)|www(?=\.)|@")
"""Where an address would become a link, even with its signs escaped; an unseen joiner (U+2060)
prevents it."""


def _escaped(text: str) -> str:
    escaped = re.sub(r"([\\`*_\[\]<>|&~#])", r"\\\1", re.sub(r"\s+", " ", text))
    return ADDRESS.sub("\\g<0>\u2060", escaped)


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _escaped(text).strip()


def with_code(text: str) -> list[tuple[str, bool]]:
    """The parts of a sentence, and of each whether it is a command, which stands in backticks; all
    of it is text where one of them has no other."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [(text, False)]
    return [(part, index % 2 == 1) for index, part in enumerate(parts)]


def marked(text: str, escaped: Callable[[str], str] = _escaped) -> str:
    """A sentence in which commands, in backticks, are code; the rest is text."""
    parts = (f"`{part}`" if code else escaped(part) for part, code in with_code(text))
    return "".join(parts).strip()


def bullets(texts: Sequence[str]) -> str:
    """A list of sentences with commands."""
    return "\n".join(f"- {marked(text)}" for text in texts)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain texts."""
    cells = [[escape(cell) for cell in line] for line in (head, *rows)]
    lines = [cells[0], ["---"] * len(head), *cells[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fence(text: str, language: str = "") -> str:
    """A code block that nothing in the text can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"
