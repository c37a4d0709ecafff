"""Texts of one's own: which tokens they become, and what is said of files that cannot be used."""

import base64
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.data.readers.tokens import (
    _growth,
    encode,
    learn_vocabulary,
    padded,
    words_of,
)
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError
from lightning_modules.training.building import build_data, build_module

ROW = DATASETS["text"]
GIVEN: dict[str, Any] = {"path": "reviews.csv", "text": "review", "target": "label"}
SENTENCES = ["A good film!", "good, good play", "bad film", "A bad, bad play.", "so good", "so bad"]
REVIEWS = pd.DataFrame(
    {
        "review": SENTENCES * 2,
        "label": ["+", "+", "-", "-", "+", "-"] * 2,
        "part": ["train"] * 6 + ["val"] * 3 + ["test"] * 3,
        "stars": [5, 4, 2, 1, 4, 1] * 2,
        "author": list("aabbcc") * 2,
    }
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def write(rows: pd.DataFrame = REVIEWS, name: str = "reviews.csv", **columns: Any) -> None:
    rows = rows.assign(**columns)
    if name.endswith(".parquet"):
        rows.to_parquet(name, index=False)
    else:
        rows.to_csv(name, index=False)


def splits(**given: Any) -> Any:
    return load_data("text", **{**GIVEN, **given}).splits


def refusal(**given: Any) -> str:
    assert ROW.check is not None
    with pytest.raises(DataError) as caught:
        ROW.check(**{**ROW.defaults(), **GIVEN, **given})
    return str(caught.value)


# What texts become


def test_words_are_lower_cased_letters_and_digits() -> None:
    assert words_of("Don't panic: it's 42, “naïve” and 日本 – ok?!") == [
        "don't", "panic", "it's", "42", "naïve", "and", "日本", "ok"
    ]  # fmt: skip


def test_the_vocabulary_is_ordered_by_count_then_by_letter() -> None:
    texts = ["b b b a a c", "c d"]
    assert learn_vocabulary("words", texts, 10, 2, 5)["words"] == ["b", "a", "c"]
    assert learn_vocabulary("words", texts, 2, 1, 5)["words"] == ["b", "a"]


def test_unknown_words_are_1_and_long_texts_are_cut() -> None:
    preparation = {"words": ["good", "bad"], "max_length": 3}
    assert encode(["Good or bad", "bad bad bad good", "?!"], preparation) == [
        [2, 1, 3], [3, 3, 3], [1]
    ]  # fmt: skip
    tokens, lengths = padded([[2, 1, 3], [1]], 4)
    assert tokens.tolist() == [[2, 1, 3, 0], [1, 0, 0, 0]]
    assert lengths.tolist() == [3, 1]


def test_the_training_part_alone_decides_the_vocabulary() -> None:
    write(review=[*SENTENCES, *["unheard unheard"] * 6])
    found = splits(split_column="part")
    assert found.preparation == {
        "words": ["bad", "good", "a", "film", "play", "so"], "max_length": 200
    }  # fmt: skip
    assert found.train[0].tolist() == [
        [4, 3, 5, 0], [3, 3, 6, 0], [2, 5, 0, 0], [4, 2, 2, 6], [7, 3, 0, 0], [7, 2, 0, 0]
    ]  # fmt: skip
    assert found.train[1].tolist() == [3, 3, 2, 4, 2, 2]
    assert found.test[0].tolist() == [[1, 1, 0, 0]] * 3
    assert (found.classes, found.outputs) == (("+", "-"), 2)
    assert found.input_embedding == {"kind": "tokens", "vocabulary": 8, "width": 64}


def test_values_can_be_predicted_and_parquet_is_read() -> None:
    write(name="reviews.parquet")
    found = splits(path="reviews.parquet", target="stars", task="regression")
    assert (found.outputs, found.train[2].shape, found.train[2].dtype) == (1, (6, 1), torch.float32)


def test_authors_stay_together_and_a_test_file_is_left_whole() -> None:
    write(author=[f"author {row // 2}" for row in range(12)])
    found = splits(group="author", stratify=False)
    assert [len(part[2]) % 2 for part in (found.train, found.validation, found.test)] == [0, 0, 0]
    write(name="test.csv", review="unheard")
    found = splits(test_path="test.csv")
    assert found.test[0][:, 0].tolist() == [1] * 12
    assert len(found.train[2]) + len(found.validation[2]) == 12


def test_the_last_texts_test_and_every_part_may_have_a_file() -> None:
    write(
        review=[f"at {row}" for row in range(12)], day=[f"2024-01-{30 - row}" for row in range(12)]
    )
    found = splits(time="day", min_count=1)
    numbers = [["at", str(row)] for row in (11, 10, 9, 8, 7, 6, 5)]
    words = found.preparation["words"]
    read = [sorted(words[token - 2] for token in row) for row in found.train[0].tolist()]
    assert sorted(read) == sorted(map(sorted, numbers))
    write(name="few.csv", review="unheard")
    found = splits(validation_path="few.csv", test_path="few.csv")
    assert [len(part[2]) for part in (found.train, found.validation, found.test)] == [12, 12, 12]


def test_new_texts_are_prepared_as_those_of_the_training() -> None:
    write()
    found = splits(split_column="part")
    REVIEWS[["review"]].iloc[9:].to_csv("new.csv", index=False)
    assert ROW.read_new is not None
    preparation = json.loads(json.dumps(found.preparation))
    tokens, lengths = ROW.read_new("new.csv", preparation, **{**ROW.defaults(), **GIVEN})
    assert tokens.tolist() == found.test[0].tolist()
    assert lengths.tolist() == found.test[1].tolist()


def test_a_network_reads_embeddings_of_the_tokens() -> None:
    write()
    tree = {"data": {"name": "text", **GIVEN, "embedding_size": 5}, "model": "gru"}
    configuration = Configuration.resolve(tree)
    data = build_data(configuration)
    module: Any = build_module(configuration, data).eval()
    assert module.network.front.embedding.weight.shape[1] == 5
    inputs, lengths, _ = data.splits.train
    torch.testing.assert_close(
        module(inputs, lengths)[:1], module(inputs[:1, : lengths[0]], lengths[:1])
    )


# A tokenizer of one's own


def write_tokenizer(first: str = "[PAD]") -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = [first, "[UNK]", "[CLS]", "good", "bad", "film"]
    model = tokenizers.models.WordLevel({word: at for at, word in enumerate(words)}, "[UNK]")
    built = tokenizers.Tokenizer(model)
    built.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    built.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 2)]
    )
    Path("mine").mkdir()
    built.save("mine/tokenizer.json")


def test_a_tokenizer_of_ones_own_makes_the_tokens() -> None:
    write_tokenizer()
    write()
    found = splits(split_column="part", tokenizer="mine", max_length=3)
    assert found.train[0].tolist() == [
        [2, 1, 3], [2, 3, 1], [2, 4, 5], [2, 1, 4], [2, 1, 3], [2, 1, 4]
    ]  # fmt: skip
    assert found.input_embedding == {"kind": "tokens", "vocabulary": 6, "width": 64}
    Path("mine/tokenizer.json").unlink()  # the preparation is whole without it
    assert encode(["good film"], found.preparation) == [[2, 3, 5]]


def test_a_tokenizer_that_cannot_be_used_is_refused() -> None:
    write_tokenizer(first="the")
    write()
    assert refusal(tokenizer="mine") == (
        "mine/tokenizer.json: its token 0 is 'the', but 0 fills rows up to the longest; give it a "
        "padding token with the number 0"
    )
    Path("mine/tokenizer.json").write_text("{}")
    assert "mine/tokenizer.json: is no tokenizer of the package tokenizers: " in refusal(
        tokenizer="mine"
    )


def write_steps(**steps: Any) -> None:
    """The tokenizer with a normalizer or a pre-tokenizer of its own."""
    write_tokenizer()
    file = Path("mine/tokenizer.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **steps}))


BACKTRACKING = {"Regex": "(a+)+$b"}
"""The package panics where this meets many letters a."""


@pytest.mark.parametrize(
    "steps",
    [
        {"normalizer": {"type": "Replace", "pattern": BACKTRACKING, "content": "b"}},
        {"pre_tokenizer": {"type": "Split", "pattern": BACKTRACKING, "behavior": "Isolated",
            "invert": False}},
    ],
)  # fmt: skip
def test_a_tokenizer_that_panics_is_refused_in_one_sentence(steps: dict[str, Any]) -> None:
    write_steps(**steps)
    first, *others = SENTENCES * 2
    write(review=[f"{first} {'a' * 99}d", *others])
    said = "data.tokenizer: makes no tokens of these texts; correct or replace it: Onig: "
    assert refusal(tokenizer="mine").startswith(said)
    preparation = {"tokenizer": Path("mine/tokenizer.json").read_text(), "max_length": 9}
    with pytest.raises(DataError, match="makes no tokens of these texts"):
        ROW.read_new("reviews.csv", preparation, **{**ROW.defaults(), **GIVEN})  # type: ignore[misc]


def replacing(content: str, pattern: str = "a", kind: str = "String") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def charsmap(text: str) -> str:
    """A table of SentencePiece's with an empty index and one text."""
    return base64.b64encode(bytes(4) + text.encode() + b"\0").decode()


GROWING: dict[str, dict[str, Any]] = {
    "one": {"normalizer": replacing("a" * 1000)},
    "several": {"normalizer": {"type": "Sequence", "normalizers": [replacing("a" * 10)] * 3}},
    "within": {"normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Sequence", "normalizers": [replacing("a" * 20)] * 2}]}},
    "expressions": {"normalizer": replacing("b" * 300, ".", "Regex")},
    "between letters": {"normalizer": replacing("b" * 300, "", "Regex")},
    "before": {"normalizer": {"type": "Prepend", "prepend": "b" * 300}},
    "bytes": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 9}},
    "bytes of words": {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    ] * 9}},
}  # fmt: skip


@pytest.mark.parametrize("steps", GROWING.values(), ids=list(GROWING))
def test_a_tokenizer_that_makes_texts_longer_and_longer_is_refused(steps: dict[str, Any]) -> None:
    write_steps(**steps)
    write()
    assert refusal(tokenizer="mine") == (
        "data.tokenizer: its normalizers can make a text more than 256 times as long; shorten what "
        "they insert in tokenizer.json, or write tokenizer: words"
    )


def test_a_table_of_sentencepiece_counts_by_its_longest_text() -> None:
    for text, growth in (("", 1), ("ab", 2), ("ä" * 18, 18)):
        described = {"type": "Precompiled", "precompiled_charsmap": charsmap(text)}
        assert _growth(described) == growth


def test_the_normalizers_of_well_known_tokenizers_are_admitted() -> None:
    for steps in (
        {"normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "_"}, replacing("_", " ")]}},
        {"normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, replacing(" ", r"\s+", "Regex"), {"type": "Lowercase"}]}},
        {"normalizer": {"type": "BertNormalizer", "clean_text": True, "lowercase": True,
            "handle_chinese_chars": True, "strip_accents": None}},
    ):  # fmt: skip
        write_steps(**steps)
        write()
        assert splits(split_column="part", tokenizer="mine", max_length=3).train[0].shape == (6, 3)
        shutil.rmtree("mine")


def test_a_tokenizer_has_room_for_its_own_tokens() -> None:
    write_tokenizer()
    write()
    assert refusal(tokenizer="mine", max_length=1) == (
        "data.max_length: the tokenizer in mine adds 1 tokens to every text; write at least 2"
    )


def test_without_the_package_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    write()
    Path("mine").mkdir()
    Path("mine/tokenizer.json").write_text("{}")
    assert refusal(tokenizer="mine") == (
        "data.tokenizer: needs the package tokenizers; pip install 'fairtune[text]', or write "
        "tokenizer: words"
    )


# What is said of files that cannot be used

BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no such file": ({}, {"path": "review.csv"}, "review.csv: there is no such file; did you mean"),
    "no such column": (
        {},
        {"text": "reviews"},
        "reviews.csv: there is no column 'reviews', which data.text names; did you mean review?",
    ),
    "no target": (
        {},
        {"target": "lable"},
        "reviews.csv: there is no column 'lable', which data.target names; did you mean label?",
    ),
    "an empty text": (
        {"review": [*SENTENCES[:2], " ", *SENTENCES[:9], *SENTENCES[:3]][:12]},
        {},
        "reviews.csv: column review, line 4: there is no text; write one or remove the row",
    ),
    "a missing label": (
        {"label": [None, *"+-" * 5, "+"]},
        {},
        "reviews.csv: column label, line 2: is missing; fill it in, or write missing_targets: drop",
    ),
    "one class": ({"label": "+"}, {}, "column label says '+' in every row; there is nothing"),
    "a class with one row": ({"label": [*"+-" * 5, "+", "?"]}, {}, "class with one row, '?' in"),
    "a class with two rows": (
        {"label": [*"+-" * 5, "?", "?"]},
        {},
        "reviews.csv: class '?' has 2 rows, and three parts need one each; add rows",
    ),
    "no value": (
        {},
        {"task": "regression"},
        "reviews.csv: column label, line 2: '+' is no finite number (and line 3, ",
    ),
    "a column twice": (
        {},
        {"target": "review"},
        "reviews.csv: column review is named twice, by data.text and data.target; keep one",
    ),
    "rare words": (
        {"review": [f"word{row}" for row in range(12)]},
        {},
        "reviews.csv: no word of column review stands 2 times in the training part; write a",
    ),
    "two test parts": (
        {},
        {"test": 0.3, "test_path": "reviews.csv"},
        "data.test and data.test_path do not go together; keep one",
    ),
    "shares beside a split column": (
        {"part": "train"},
        {"split_column": "part", "validation": 0.4},
        "data.validation and data.split_column do not go together; keep one",
    ),
    "a seed beside time": (
        {"day": range(12)},
        {"time": "day", "split_seed": 3},
        "data.split_seed and data.time do not go together; keep one",
    ),
    "two validation parts": (
        {},
        {"validation": 0.3, "validation_path": "reviews.csv"},
        "data.validation and data.validation_path do not go together; keep one",
    ),
    "no moment": (
        {"day": ["soon", *range(11)]},
        {"time": "day"},
        "reviews.csv: column day, line 2: 'soon' is neither a number nor a date such as 2024-03-31",
    ),
    "a missing moment": (
        {"day": [1, None, *range(10)]},
        {"time": "day"},
        "reviews.csv: column day, line 3: is missing; fill it in or remove the row",
    ),
    "no folder": (
        {},
        {"tokenizer": "bert"},
        "data.tokenizer: there is no folder 'bert'; name one with a tokenizer.json, or write",
    ),
    "a vocabulary of two": (
        {},
        {"tokenizer": "bert", "min_count": 3},
        "data.min_count does not go with a tokenizer of your own; leave it out, or write",
    ),
    "no such part": ({"part": "train"}, {"split_column": "part"}, "the validation part would be"),
}


@pytest.mark.parametrize(("columns", "given", "said"), BAD.values(), ids=BAD)
def test_files_that_cannot_be_used_are_refused(
    columns: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    write(**columns)
    assert said in refusal(**given)


def test_the_check_does_not_import_torch() -> None:
    import subprocess

    write()
    code = (
        "import sys; from lightning_modules.data.table import DATASETS; row = DATASETS['text'];"
        f"row.check(**{{**row.defaults(), **{GIVEN}}}); print('torch' in sys.modules)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "False"
