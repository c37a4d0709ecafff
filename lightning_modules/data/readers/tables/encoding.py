"""The encoding of a text file: by its first bytes, as the study file says, or by its letters."""

from __future__ import annotations

import codecs
import re

from lightning_modules.data.readers.tables.source import Source, decoding_error
from lightning_modules.errors import DataError

HEAD = 2**16
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
WESTERN = "cp1252"
"""Windows' encoding of western Europe; the letters of Latin-1 are the same."""
SIGNS = frozenset([0x80, 0x85, *range(0x91, 0x98), 0x99])
"""Bytes below those of letters that are common: euro, dots, quotes, dashes, trademark."""
OPENING = (0x91, 0x93)
"""Quotes that stand before a word."""
MOST = 2
"""Letters beyond ASCII that follow one another in words of western Europe."""
SAID = 40
BEYOND = bytes(range(0xC0, 0x100))
"""The bytes of letters beyond ASCII where each has a single one."""


def encoding_of(source: Source, given: str | None) -> tuple[str, str]:
    """The encoding of a file, and what is to be said of it.

    Raises DataError, which names the option, where it is not clear, or another than `given`.
    """
    with source.opened() as opened:
        head = opened.read(HEAD)
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    if given is not None:
        if _has_single_bytes(given) and _is_other_utf_8(source):
            return "utf-8-sig", f"the text is UTF-8 and is read so, not as {given}"
        encoding = marked if marked == "utf-8-sig" and _is_utf_8(given) else given
        _refuse_other(source, encoding)
        return encoding, ""
    encoding = marked or _wide(head) or "utf-8"
    if b"\0" in head and encoding.startswith("utf-8"):
        raise DataError(
            f"{source.path}: is no CSV file (it has zero bytes); save the table as CSV in UTF-8, "
            "or as Parquet with the ending .parquet"
        )
    said = "" if encoding.startswith("utf-8") else f"the text is {encoding.upper()}"
    with source.opened() as opened:
        error = decoding_error(opened, encoding)
    if error is None:
        return encoding, said
    if not encoding.startswith("utf-8"):
        _refuse_other(source, encoding)
    return WESTERN, _western(source)


def _is_utf_8(name: str) -> bool:
    return codecs.lookup(name).name == "utf-8"


def _has_single_bytes(name: str) -> bool:
    """Whether an encoding, such as cp1252, has a byte for every letter."""
    return len(BEYOND.decode(name, "replace")) == len(BEYOND) and not _is_utf_8(name)


def _is_other_utf_8(source: Source) -> bool:
    """Whether a text is UTF-8 and not only ASCII: in another encoding hardly any word is."""
    with source.opened() as opened:
        if decoding_error(opened, "ascii") is None:
            return False
    with source.opened() as opened:
        return decoding_error(opened, "utf-8") is None


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte is zero."""
    for name, zeros, others in (("utf-16-le", head[1::2], head[::2]),
                                ("utf-16-be", head[::2], head[1::2])):  # fmt: skip
        if len(zeros) > 1 and zeros.count(0) > 0.7 * len(zeros) and not others.count(0):
            return name
    return None


def _refuse_other(source: Source, encoding: str) -> None:
    try:
        with source.opened() as opened:
            error = decoding_error(opened, encoding)
    except UnicodeError as found:  # no mark where UTF-16 has one
        raise DataError(f"{source.path}: is no text in {encoding} ({found})") from None
    if error is not None:
        byte = error.object[error.start]
        raise DataError(
            f"{source.path}: is no whole text in {encoding} (byte {byte:#04x}); write encoding "
            "with the name of another, or save it in UTF-8"
        )


def _western(source: Source) -> str:
    """The sentence about a file that is read as one of western Europe; DataError where it is not
    likely to be one."""
    letters = far = 0
    example = doubtful = ""
    with source.opened() as opened:
        for number, line in enumerate(opened, start=1):
            letters += len(re.findall(rb"[A-Za-z]", line))
            for found in re.finditer(rb"[\x80-\xff]+", line):
                far += len(found[0])
                text = line.decode(WESTERN, "replace").strip()[:SAID]
                example = example or f"line {number}: {text!r}"
                if not _is_western(line, found.start(), found.end()):
                    doubtful = doubtful or f"line {number}, byte {found[0][0]:#04x}"
    if doubtful or far > letters:
        raise DataError(
            f"{source.path}: is no text in UTF-8 ({doubtful or example}), and its encoding is not "
            "clear; write encoding: cp1252, or the name of another, such as cp1250, cp1251, "
            "mac_roman, gbk or shift_jis"
        )
    return (
        f"the text is no UTF-8 and is read as Windows-1252 ({example}); where that is wrong, write "
        "encoding with the name of another"
    )


def _is_western(line: bytes, start: int, end: int) -> bool:
    """Whether bytes beyond ASCII are few letters in a word, or signs that stand in none."""
    if end - start > MOST:
        return False
    around = line[max(0, start - 1) : start] + line[end : end + 1]
    if line[start] in OPENING and line[start - 1 : start].isalpha():
        return False
    within = len(around) == 2 and around.isalpha()
    signs = [byte for byte in line[start:end] if byte < 0xC0 and byte != 0x92]
    return all(byte >= 0xA0 or byte in SIGNS for byte in signs) and not (signs and within)
