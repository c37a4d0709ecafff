"""A BERT from a folder and a CSV to a verdict, against a GRU from scratch."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from lightning_modules.training.building import build_data, restore
from lightning_modules.training.train import train
from studies.cli import main
from studies.home import Home
from tests.support.accounts import Runs, last_line

pytestmark = pytest.mark.slow
Output = pytest.CaptureFixture[str]

WORDS = ["[PAD]", "[UNK]", "good", "fine", "bad", "poor", "a", "very", "film"]
CONFIG = {
    "model_type": "bert", "vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 12,
}  # fmt: skip
STUDY = """
study: reviews
data: {name: text, path: reviews.csv, text: text, target: liked, tokenizer: tiny, max_length: 12,
       batch_size: 8}
model:
  - {name: bert, weights: tiny, freeze: "until:embeddings", unfreeze_every: 1, backbone_lr: 0.5}
  - {name: gru, hidden_size: 8}
optimizer: {name: adam, lr: 0.01}
trainer: {epochs: 2, accelerator: cpu}
objective: {metric: val/accuracy}
search: {method: random, trials: 1}
compare: {factor: model, claim: configurations}
confirm: {seeds: 2}
"""


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 40 reviews, a tiny BERT with its tokenizer, and a study of them."""
    monkeypatch.chdir(tmp_path)
    rows = [
        f"a {'very ' * (row % 3)}{word} film,{label}"
        for row in range(10)
        for word, label in (("good", "yes"), ("fine", "yes"), ("bad", "no"), ("poor", "no"))
    ]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,liked", *rows]) + "\n")
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tiny / "tokenizer.json"))
    (tiny / "config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(0)
    save_file(BertModel(BertConfig(**CONFIG)).state_dict(), tiny / "model.safetensors")
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def test_a_bert_is_compared_with_a_gru(reviews: Path, home: Home, capsys: Output) -> None:
    at = ["--home", str(home.path), "--json"]
    code = main(["run", "study.yaml", *at, "--workers", "1"])
    output = capsys.readouterr()
    assert code == 0, output.err
    assert last_line(output.out)["trials"] == {"completed": 6}
    assert main(["compare", "reviews", *at]) == 0
    [pair] = last_line(capsys.readouterr().out)["pairs"]
    assert {pair["a"], pair["b"]} == {"bert", "gru"}
    tags = [run.data.tags for run in Runs.of(home, "reviews").children]
    assert sorted("fairtune.weights" in each for each in tags) == [False] * 3 + [True] * 3


def test_a_mistake_in_the_folder_is_said_before_the_first_trial(
    reviews: Path, home: Home, capsys: Output
) -> None:
    (reviews / "tiny" / "model.safetensors").unlink()
    code = main(["run", "study.yaml", "--home", str(home.path), "--workers", "1"])
    told = " ".join(capsys.readouterr().err.split())
    assert code == 2
    assert "tiny: has no weights; there should be a file model.safetensors" in told


def test_a_continued_bert_equals_a_whole_one_and_needs_its_folder_no_more(reviews: Path) -> None:
    data = {"name": "text", "path": "reviews.csv", "text": "text", "target": "liked",
            "tokenizer": "tiny", "max_length": 12, "batch_size": 8}  # fmt: skip
    model = {"name": "bert", "weights": "tiny", "freeze": "backbone", "unfreeze_every": 1}
    configuration = Configuration.resolve(
        {"data": data, "model": model, "trainer": {"epochs": 3, "accelerator": "cpu"}}
    )
    whole, parts = reviews / "whole.pt", reviews / "parts.pt"
    result = train(configuration, 1, checkpoint=whole)

    def interrupt(epoch: int, metrics: object) -> bool:
        raise Interrupted

    with pytest.raises(Interrupted):
        train(configuration, 1, interrupt, resume_folder=reviews / "state")
    again = train(configuration, 1, resume_folder=reviews / "state", checkpoint=parts)
    assert again.best["val/loss"] == result.best["val/loss"]
    one, other = (torch.load(path)["weights"] for path in (whole, parts))
    assert all(torch.equal(one[key], other[key]) for key in one)
    for path in (reviews / "tiny").iterdir():
        if path.name != "tokenizer.json":
            path.unlink()
    tokens, lengths, targets = build_data(configuration).splits.validation
    with torch.no_grad():
        right = (restore(whole)(tokens, lengths).argmax(1) == targets).float().mean()
    assert float(right) == pytest.approx(result.best["val/accuracy"])
