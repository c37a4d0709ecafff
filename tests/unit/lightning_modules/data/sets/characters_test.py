"""Passages of an artificial English: the same everywhere, each row of a text of its own."""

import hashlib
from pathlib import Path

import pytest
import torch

from lightning_modules.data.sets.characters import ALPHABET, LONGEST, NOUNS, VERBS, passages
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError

SHA256 = "da840bd3c00aab9b92dd21ef8566e11ae1fd3b7f44dd612d5872a04bba7e3036"


def test_the_passages_are_the_same_on_every_machine() -> None:
    text = "\n".join(passages())
    assert hashlib.sha256(text.encode()).hexdigest() == SHA256
    assert {len(each) for each in passages()} == {LONGEST + 1}
    assert set(text) - {"\n"} <= set(ALPHABET)


def test_no_two_rows_end_in_the_same_characters() -> None:
    assert len({each[-25:-1] for each in passages()}) == len(passages()) == 6000


def test_verbs_agree_with_their_nouns() -> None:
    singular = {word for word, _ in VERBS}
    words = {noun: number for pair in NOUNS for number, noun in enumerate(pair)}
    checked = 0
    for text in passages():
        for sentence in text.split(". ")[1:-1]:  # whole ones
            parts = [word for word in sentence.split() if word in words or word in singular]
            plain = "that" not in sentence
            if plain and parts[1] in singular:
                checked += 1
                assert words[parts[0]] == 0, sentence
    assert checked > 500


def test_rows_hold_the_characters_before_the_target() -> None:
    data = load_data("characters", context=10)
    inputs, lengths, targets = data.splits.test
    assert inputs.shape == (1200, 10) and set(lengths.tolist()) == {10}
    numbers = data.splits.names["row"]
    for row in range(20):
        text = passages()[numbers[row] - 1]
        letters = "".join(ALPHABET[token - 2] for token in inputs[row].tolist())
        assert letters + ALPHABET[targets[row]] == text[-11:]
    assert data.outputs == len(ALPHABET) == DATASETS["characters"].outputs


def test_a_shorter_context_changes_no_target() -> None:
    short, long = load_data("characters", context=4), load_data("characters", context=64)
    assert torch.equal(short.splits.test[2], long.splits.test[2])
    assert torch.equal(short.splits.test[0], long.splits.test[0][:, -4:])


def test_new_rows_are_lines_of_a_file(tmp_path: Path) -> None:
    data, file = load_data("characters", context=6), tmp_path / "lines.txt"
    file.write_text("the quiet\nab\nÄb\n", encoding="utf-8")
    row = DATASETS["characters"]
    assert row.read_new is not None
    tokens, lengths = row.read_new(file, data.splits.preparation)
    assert lengths.tolist() == [6, 2, 2]
    assert tokens[1].tolist() == [4, 5, 0, 0, 0, 0] and tokens[2].tolist()[:2] == [1, 5]
    file.write_text("a\n\n")
    with pytest.raises(DataError, match="line 2 is empty"):
        row.read_new(file, data.splits.preparation)
