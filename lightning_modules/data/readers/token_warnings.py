"""What looks odd about texts that became tokens: most of them unknown, no spaces between words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lightning_modules.data.readers.tokens import special_tokens, unit_of, unknown_token

SPACELESS = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Letters of scripts that are written without spaces: Thai, Lao, Tibetan, Burmese, Khmer, Japanese
and Chinese."""
LETTER = re.compile(r"[^\W\d_]")
MANY = 0.5
"""A share of unknown tokens from which little is left to learn from."""
LOOKED_AT = 1000
"""Texts that say how all are written."""
ADVICE = {
    "words": "write a smaller min_count, or tokenizer: characters",
    "characters": "write a smaller min_count, or divide the rows otherwise",
    None: "take a tokenizer that was made for such texts, or write tokenizer: characters",
}
"""What helps, by the unit of the vocabulary."""


def is_spaceless(texts: Sequence[str]) -> bool:
    """Whether most letters are of scripts that put no spaces between words."""
    some = "".join(texts[:LOOKED_AT])
    spaceless = len(SPACELESS.findall(some))
    letters = len(LETTER.findall(SPACELESS.sub("", some)))
    return spaceless > letters


def unknown_share(rows: Sequence[Sequence[int]], preparation: Mapping[str, Any]) -> float:
    """The share of tokens that are unknown, those left out that a tokenizer adds to every text."""
    unknown, special = unknown_token(preparation), special_tokens(preparation)
    tokens = [token for row in rows for token in row if token == unknown or token not in special]
    return sum(token == unknown for token in tokens) / max(1, len(tokens))


def token_warnings(
    texts: Sequence[str], validation: Sequence[Sequence[int]], preparation: Mapping[str, Any]
) -> list[str]:
    """A sentence where most tokens of the `validation` rows are unknown, or where the training
    `texts` have no words."""
    share, unit = unknown_share(validation, preparation), unit_of(preparation)
    said = f"{share:.0%} of the tokens of the validation part are unknown"
    if unit == "words" and is_spaceless(texts):
        return [
            "the texts have no spaces between words, as in Chinese, Japanese or Thai, so that "
            f"tokenizer: words finds none ({said}); write tokenizer: characters"
        ]
    return [f"{said}: {ADVICE[unit]}"] if share > MANY else []
