"""Texts as tokens: words or characters of a vocabulary, or the pieces of a tokenizer of one's own.

A preparation is a plain dictionary: `max_length`, and `words` or `characters`, the vocabulary in
the order of its numbers, or `tokenizer`, the content of a tokenizer.json. Token 0 is padding; among
words and characters, token 1 is one that is not known, and the vocabulary begins with token 2.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import DataError, cut
from lightning_modules.files import user_path

UNKNOWN = 1
FIRST = 2
WORD = re.compile(r"\w+(?:['’]\w+)*")
"""Letters and digits, an apostrophe within; punctuation is dropped."""
FILE = "tokenizer.json"
MAX_GROWTH = 256
"""Times as long as it is that a tokenizer may make a text before it is cut into tokens."""

Integers = np.ndarray[Any, np.dtype[np.int64]]


def words_of(text: str) -> list[str]:
    """The words and numbers of a text, lower-cased."""
    return WORD.findall(text.lower())


def characters_of(text: str) -> list[str]:
    """The characters of a text, lower-cased, with one space for several; full-width letters and
    digits and half-width kana become the usual ones (NFKC)."""
    return list(" ".join(unicodedata.normalize("NFKC", text).lower().split()))


UNITS: dict[str, Callable[[str], list[str]]] = {"words": words_of, "characters": characters_of}
"""What a vocabulary can be made of."""


def learn_vocabulary(
    unit: str, texts: Sequence[str], most: int, min_count: int, max_length: int
) -> dict[str, Any]:
    """The preparation by the most frequent words or characters (`unit`) of the training texts; ties
    go by letter."""
    counts = Counter(each for text in texts for each in UNITS[unit](text))
    often = [each for each, count in counts.items() if count >= min_count]
    known = sorted(often, key=lambda each: (-counts[each], each))[:most]
    return {unit: known, "max_length": max_length}


def read_tokenizer(folder: str, max_length: int) -> dict[str, Any]:
    """The preparation by a folder with a tokenizer.json; raises DataError where it is none."""
    path = f"{folder}/{FILE}"
    if not user_path(folder).is_dir():
        raise DataError(
            f"data.tokenizer: there is no folder {folder!r}; name one with a {FILE}, or write "
            "tokenizer: words"
        )
    with _one_sentence(f"{path}: is no tokenizer of the package tokenizers"):
        content = file_at(path).read_text(encoding="utf-8")
        built = _built(content)
    padding = built.id_to_token(0) or ""
    if "pad" not in padding.lower():
        raise DataError(
            f"{path}: its token 0 is {padding!r}, but 0 fills rows up to the longest; give it a "
            "padding token with the number 0"
        )
    reserved = built.num_special_tokens_to_add(is_pair=False)
    if max_length <= reserved:
        raise DataError(
            f"data.max_length: the tokenizer in {folder} adds {reserved} tokens to every text; "
            f"write at least {reserved + 1}"
        )
    return {"tokenizer": content, "max_length": max_length}


def unit_of(preparation: Mapping[str, Any]) -> str | None:
    """What the vocabulary of a preparation is made of; None of a tokenizer of the user's."""
    return next((unit for unit in UNITS if unit in preparation), None)


def unknown_token(preparation: Mapping[str, Any]) -> int | None:
    """The token of all that is not known; None where there is none."""
    if unit_of(preparation) is not None:
        return UNKNOWN
    model = json.loads(preparation["tokenizer"]).get("model", {})
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    unknown = model.get("unk_token")
    found: int | None = (
        None if unknown is None else _built(preparation["tokenizer"]).token_to_id(unknown)
    )
    return found


def special_tokens(preparation: Mapping[str, Any]) -> frozenset[int]:
    """The tokens that a tokenizer of the user's adds to texts."""
    if unit_of(preparation) is not None:
        return frozenset()
    added = json.loads(preparation["tokenizer"]).get("added_tokens") or ()
    return frozenset(int(each["id"]) for each in added if each.get("special"))


def vocabulary_size(preparation: Mapping[str, Any]) -> int:
    """How many tokens there are, padding included."""
    if (unit := unit_of(preparation)) is not None:
        return FIRST + len(preparation[unit])
    size: int = _built(preparation["tokenizer"]).get_vocab_size(with_added_tokens=True)
    return size


def encode(texts: Sequence[str], preparation: Mapping[str, Any]) -> list[list[int]]:
    """The tokens of every text, at least one and at most `max_length`."""
    longest = preparation["max_length"]
    if (unit := unit_of(preparation)) is not None:
        places = {each: FIRST + place for place, each in enumerate(preparation[unit])}
        return [
            [places.get(each, UNKNOWN) for each in UNITS[unit](text)[:longest]] or [UNKNOWN]
            for text in texts
        ]
    with _one_sentence("data.tokenizer: makes no tokens of these texts; correct or replace it"):
        tokenizer = _built(preparation["tokenizer"])
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest)
        found: list[list[int]] = [one.ids for one in tokenizer.encode_batch(list(texts))]
    if [] in found:
        text = texts[found.index([])]
        raise DataError(f"data.tokenizer: makes no token of the text {text[:40]!r}; remove it")
    return found


def padded(rows: Sequence[Sequence[int]], width: int) -> tuple[Integers, Integers]:
    """Tokens (n, width), 0 beyond the end of a row, and lengths (n,)."""
    what = f"data: {len(rows):,} texts, as long as the longest ({width:,} tokens),"
    require_memory(what, 8 * len(rows) * width)
    tokens = np.zeros((len(rows), width), np.int64)
    for row, found in zip(tokens, rows, strict=True):
        row[: len(found)] = found
    return tokens, np.array([len(found) for found in rows], np.int64)


def _built(content: str) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise DataError(
            "data.tokenizer: needs the package tokenizers; pip install 'fairtune[text]', or write "
            "tokenizer: words"
        ) from None
    built, described = Tokenizer.from_str(content), json.loads(content)
    growth = _growth(described.get("normalizer")) * _growth(described.get("pre_tokenizer"))
    if growth > MAX_GROWTH:
        raise DataError(
            f"data.tokenizer: its normalizers can make a text more than {MAX_GROWTH} times as "
            f"long; shorten what they insert in {FILE}, or write tokenizer: words"
        )
    return built


@contextmanager
def _one_sentence(problem: str) -> Iterator[None]:
    """Raise DataError for whatever the package raises: plain Exception, and what a panic makes of
    itself, which is none."""
    try:
        yield
    except (DataError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise DataError(f"{problem}: {cut(str(error))}") from None


def _growth(step: Mapping[str, Any] | None) -> float:
    """How many times as long a step of a tokenizer can make a text at most, as it is described."""
    match step:
        case {"type": "Sequence", "normalizers": steps} | {
            "type": "Sequence", "pretokenizers": steps
        }:  # fmt: skip
            return math.prod(map(_growth, steps))
        case {"type": "Replace", "content": made, "pattern": {"String": str(found)}} if found:
            return max(1.0, len(made) / len(found))
        case {"type": "Replace", "content": made} | {"type": "Prepend", "prepend": made}:
            return 1.0 + len(made)  # an expression can match between any two characters
        case {"type": "Precompiled", "precompiled_charsmap": str(packed)}:
            return _longest_replacement(b64decode(packed))
        case {"type": "ByteLevel" | "BertNormalizer"}:
            return 3.0  # a character of three bytes, or one with a space on either side
        case {"type": "Metaspace"}:
            return 2.0
    return 1.0


def _longest_replacement(table: bytes) -> float:
    """Characters of the longest text in a table of SentencePiece's: the size of its index in four
    bytes, the index, and the texts, each with a zero byte at its end."""
    size = int.from_bytes(table[:4], "little")
    texts = table[4 + size :].split(b"\0")
    return max(1.0, *(len(text.decode(errors="replace")) for text in texts))
