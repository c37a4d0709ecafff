"""Texts as characters, and what is said of texts of which most tokens are unknown."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.data.readers.token_warnings import is_spaceless, unknown_share
from lightning_modules.data.readers.tokens import characters_of, encode, learn_vocabulary
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError
from studies.mirrors.mlflow.logged_model import requirements

CHINESE = [*"这部电影很好看我喜欢演员非常出色故事感人浪费时间的烂片"]
GIVEN: dict[str, Any] = {"path": "texts.csv", "text": "text", "target": "y"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def write(texts: list[str]) -> None:
    labels = ["+", "-"] * (len(texts) // 2)
    pd.DataFrame({"text": texts, "y": labels}).to_csv("texts.csv", index=False)


def chinese(count: int = 40) -> list[str]:
    """Texts that are all different and share their characters."""
    size = len(CHINESE)
    return ["".join(CHINESE[(n * k + n) % size] for k in range(6 + n % 5)) for n in range(count)]


def check(**given: Any) -> DataSummary:
    row = DATASETS["text"]
    assert row.check is not None
    found = row.check(**{**row.defaults(), **GIVEN, **given})
    assert isinstance(found, DataSummary)
    return found


def test_characters_are_lower_cased_and_of_the_usual_width() -> None:
    assert characters_of(" Ａb １  日本、ｱ\n") == [*"ab 1 日本、ア"]


def test_unknown_characters_are_1_and_long_texts_are_cut() -> None:
    preparation = learn_vocabulary("characters", ["日本 日", "日本"], 10, 2, 3)
    assert preparation == {"characters": ["日", "本"], "max_length": 3}
    assert encode(["日本語日本", "語"], preparation) == [[2, 3, 1], [1]]


@pytest.mark.parametrize(
    ("text", "spaceless"),
    [
        ("这部电影很好看", True),
        ("この映画はとても面白い", True),
        ("ภาพยนตร์เรื่องนี้ดีมาก", True),
        ("A good film, with 日本 in it", False),
        ("이 영화는 정말 재미있다", False),  # Korean has spaces
        ("фильм хороший", False),
        ("12 34", False),
    ],
)
def test_scripts_without_spaces_are_known(text: str, spaceless: bool) -> None:
    assert is_spaceless([text]) is spaceless


def test_texts_without_spaces_are_advised_to_be_read_by_characters() -> None:
    texts = chinese()
    write(texts)
    with pytest.raises(DataError, match="write tokenizer: characters, since the texts have no"):
        check()
    [warning] = check(min_count=1).warnings
    assert warning.startswith("the texts have no spaces between words, as in Chinese, Japanese or")
    assert "100% of the tokens of the validation part are unknown" in warning
    assert warning.endswith("write tokenizer: characters")
    assert not check(tokenizer="characters").warnings
    splits = load_data("text", **GIVEN, tokenizer="characters").splits
    assert {*splits.preparation["characters"]} <= {*CHINESE}
    assert (splits.validation[0] == 1).sum() == 0


def test_new_texts_are_read_by_characters_too() -> None:
    write(chinese())
    splits = load_data("text", **GIVEN, tokenizer="characters").splits
    pd.DataFrame({"text": ["喜欢", "烂片龘"]}).to_csv("new.csv", index=False)
    read_new = DATASETS["text"].read_new
    assert read_new is not None
    tokens, lengths = read_new(Path("new.csv"), splits.preparation, **GIVEN)
    assert lengths.tolist() == [2, 3] and tokens[1, 2] == 1


def test_words_that_hardly_come_back_are_warned_of() -> None:
    write([f"word{n} other{n} the" for n in range(40)])
    assert check().warnings[0] == (
        "67% of the tokens of the validation part are unknown: write a smaller min_count, or "
        "tokenizer: characters"
    )
    write([f"the film number{n}" for n in range(40)])
    assert not [each for each in check().warnings if "tokens" in each]


def test_tokens_that_a_tokenizer_adds_itself_do_not_hide_the_unknown_ones() -> None:
    content = {
        "model": {"type": "WordLevel", "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "a": 3},
                  "unk_token": "[UNK]"},
        "added_tokens": [{"id": n, "content": t, "special": True, "single_word": False,
                          "lstrip": False, "rstrip": False, "normalized": False}
                         for n, t in enumerate(["[PAD]", "[UNK]", "[CLS]"])],
    }  # fmt: skip
    preparation = {"tokenizer": json.dumps(content), "max_length": 9}
    assert unknown_share([[2, 1, 2], [2, 1, 3, 2]], preparation) == pytest.approx(2 / 3)
    content["model"] = {"type": "Unigram", "unk_id": 1}
    assert unknown_share([[1, 3]], {"tokenizer": json.dumps(content)}) == 0.5
    content["model"] = {"type": "BPE"}
    assert unknown_share([[1, 3]], {"tokenizer": json.dumps(content)}) == 0.0


def test_a_logged_model_that_reads_characters_needs_no_further_package() -> None:
    names = [requirements({"data.tokenizer": each}) for each in ("words", "characters", "folder")]
    assert names[0] == names[1] and len(names[2]) == len(names[0]) + 1
