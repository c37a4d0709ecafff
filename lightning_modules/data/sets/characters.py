"""Characters of a small artificial English: predict the next one. Made here, the same everywhere.

Its grammar asks a reader to look back: a verb agrees with a noun that may stand a clause before it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lightning_modules.data.batches.columns import Part
from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.tokens import FIRST, UNKNOWN, padded
from lightning_modules.data.sets.bundled import divide
from lightning_modules.data.tensors import Splits, TensorDataModule
from lightning_modules.errors import DataError

ROWS = 6000
LONGEST = 64
"""Characters before the one to predict, at most."""
DIFFERENT = 24
"""Characters before the one to predict that no two passages share."""
SEED = 2024
ALPHABET = " .abcdefghijklmnopqrstuvwxyz"
ADJECTIVES = ("old", "quiet", "brave", "young", "clever", "hungry")
NOUNS = (("baker", "bakers"), ("king", "kings"), ("fox", "foxes"), ("child", "children"),
         ("sailor", "sailors"), ("goose", "geese"))  # fmt: skip
VERBS = (("sees", "see"), ("helps", "help"), ("follows", "follow"), ("hears", "hear"),
         ("pushes", "push"), ("knows", "know"))  # fmt: skip
PLACES = ("in the garden", "at night", "near the river", "after dinner")


def characters(
    *,
    batch_size: int | str,
    validation: float,
    test: float,
    split_seed: int,
    context: int,
    embedding_size: int,
) -> TensorDataModule:
    """Passages of `context` characters, each of a text of its own, and the character after it."""

    def load() -> Splits:
        found = _splits(validation, test, split_seed, context)
        return replace(
            found, input_embedding={**(found.input_embedding or {}), "width": embedding_size}
        )

    return TensorDataModule("characters", load, batch_size)


def read_new(
    path: str | Path, preparation: Mapping[str, Any], /, **parameters: Any
) -> tuple[Any, ...]:
    """Tokens and lengths of new rows: the lines of a text file, whose next character is asked for.

    Raises DataError where a line is empty.
    """
    lines = file_at(str(path)).read_text(encoding="utf-8").splitlines()
    rows = [_tokens(line[-preparation["context"] :]) for line in lines]
    if not lines or [] in rows:
        number = rows.index([]) + 1 if lines else 1
        raise DataError(f"{path}: line {number} is empty; write what comes before the character")
    return tuple(torch.from_numpy(column) for column in padded(rows, max(map(len, rows))))


@lru_cache(maxsize=4)
def _splits(validation: float, test: float, split_seed: int, context: int) -> Splits:
    texts = passages()
    inputs, lengths = padded([_tokens(text[-1 - context : -1]) for text in texts], context)
    targets = torch.tensor([ALPHABET.index(text[-1]) for text in texts])
    rest, test_rows = divide(np.arange(ROWS), test, split_seed, None, "test")
    share = validation / (1 - test)
    train, held_out = divide(rest, share, split_seed, None, "validation")

    def part(rows: Any) -> Part:
        return torch.from_numpy(inputs[rows]), torch.from_numpy(lengths[rows]), targets[rows]

    return Splits(
        part(train),
        part(held_out),
        part(test_rows),
        outputs=len(ALPHABET),
        classes=tuple(ALPHABET),
        preparation={"characters": ALPHABET, "context": context},
        input_embedding={"kind": "tokens", "vocabulary": FIRST + len(ALPHABET)},
        names={"row": (test_rows + 1).tolist()},
    )


def _tokens(text: str) -> list[int]:
    return [FIRST + ALPHABET.find(each) if each in ALPHABET else UNKNOWN for each in text]


@lru_cache(maxsize=1)
def passages() -> list[str]:
    """The texts, of LONGEST + 1 characters each, no two of which end in the same ones.

    Of Python's random numbers only `random()` is promised to be the same in every version.
    """
    generator = random.Random(SEED)
    found: dict[str, str] = {}
    while len(found) < ROWS:
        text = _passage(generator)
        found.setdefault(text[-1 - DIFFERENT : -1], text)
    return list(found.values())


def _passage(generator: random.Random) -> str:
    text = ""
    while len(text) < 2 * LONGEST:
        text += _sentence(generator) + " "
    end = LONGEST + 1 + int(generator.random() * (LONGEST - 1))
    return text[end - LONGEST - 1 : end]


def _sentence(generator: random.Random) -> str:
    """Subject, perhaps with a clause of its own, verb, object and perhaps a place."""
    number = int(generator.random() * 2)
    words = [_noun(generator, number)]
    if generator.random() < 0.4:
        inner = int(generator.random() * 2)
        words += ["that", _noun(generator, inner), _one(generator, VERBS)[inner]]
    words += [_one(generator, VERBS)[number], _noun(generator, int(generator.random() * 2))]
    if generator.random() < 0.3:
        words.append(_one(generator, PLACES))
    return " ".join(words) + "."


def _noun(generator: random.Random, number: int) -> str:
    adjective = f"{_one(generator, ADJECTIVES)} " if generator.random() < 0.5 else ""
    return f"the {adjective}{_one(generator, NOUNS)[number]}"


def _one(generator: random.Random, known: Sequence[Any]) -> Any:
    return known[int(generator.random() * len(known))]
