"""A BERT reads tokens up to their length, from a folder of which only tensors are read."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from lightning_modules.configuration import Configuration
from lightning_modules.data.tensors import Splits, TensorDataModule
from lightning_modules.errors import ConfigurationError, UserError
from lightning_modules.networks import NETWORKS
from lightning_modules.networks.pretrained.bert import Bert, BertNetwork
from lightning_modules.networks.pretrained.checks import check_bert
from lightning_modules.training.trainer import build_trainer

TINY = {
    "model_type": "bert", "vocab_size": 12, "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 10,
}  # fmt: skip
TOKENS = torch.tensor([[3, 5, 7, 0, 0], [4, 6, 0, 0, 0]])
LENGTHS = torch.tensor([3, 2])


def folder(path: Path, **changes: Any) -> Path:
    """A folder as the package writes it, with seeded weights."""
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps({**TINY, **changes}))
    torch.manual_seed(3)
    state = BertModel(BertConfig(**TINY)).state_dict()  # with the pooler, which is left
    save_file(state, path / "model.safetensors")
    return path


def network(**parameters: Any) -> BertNetwork:
    torch.manual_seed(0)
    return BertNetwork((5,), 2, TINY, **parameters)


def answers(net: nn.Module, tokens: Tensor, lengths: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = net.eval()(tokens, lengths)
    return found


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_padding_changes_no_answer(pooling: str) -> None:
    net = network(pooling=pooling)
    both = answers(net, TOKENS, LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone = answers(net, TOKENS[row : row + 1, :length], length[None])
        torch.testing.assert_close(both[row : row + 1], alone)


def test_the_mean_is_over_the_tokens_and_cls_is_the_first() -> None:
    for pooling in ("mean", "cls"):
        net = network(pooling=pooling)
        net.head = nn.Identity()
        with torch.no_grad():
            states = net.eval().body(input_ids=TOKENS[:1, :3])[0][0]
        wanted = states.mean(0) if pooling == "mean" else states[0]
        torch.testing.assert_close(answers(net, TOKENS, LENGTHS)[0], wanted)


def test_many_rows_are_evaluated_in_parts() -> None:
    net = network()
    many = answers(net, TOKENS.repeat(50, 1), LENGTHS.repeat(50))
    torch.testing.assert_close(many, answers(net, TOKENS, LENGTHS).repeat(50, 1))


def test_weights_come_from_the_folder_and_the_head_is_new(tmp_path: Path) -> None:
    path = folder(tmp_path / "tiny")
    check_bert(weights=str(path), freeze="until:encoder.layer.0", pooling="mean")
    module = Bert((5,), 2, str(path), dropout=0.0)
    saved = load_file(path / "model.safetensors")
    for key, value in module.network.body.state_dict().items():
        assert torch.equal(value, saved[key]), key
    assert len(module.weights_hash) == 12 and module.architecture == TINY
    torch.save({f"bert.{key}": value for key, value in saved.items()}, path / "pytorch_model.bin")
    (path / "model.safetensors").unlink()
    other = Bert((5,), 2, str(path))
    assert torch.equal(
        other.network.body.embeddings.word_embeddings.weight,
        saved["embeddings.word_embeddings.weight"],
    )


def test_frozen_layers_do_not_learn() -> None:
    net = network(freeze="until:encoder.layer.0", unfreeze_every=1)

    def learning() -> list[str]:
        layers = {"embeddings": net.body.embeddings, "0": net.body.encoder.layer[0],
                  "1": net.body.encoder.layer[1], "head": net.head}  # fmt: skip
        return [name for name, one in layers.items() if next(one.parameters()).requires_grad]

    assert learning() == ["1", "head"]
    net.unfreeze(1)
    assert learning() == ["0", "1", "head"]
    net.unfreeze(2)
    assert learning() == ["embeddings", "0", "1", "head"]
    head, backbone = net.parameter_groups(0.1)
    assert [tuple(weight.shape) for weight in head["params"]] == [(2, 8), (2,)]
    total = sum(weight.numel() for weight in net.parameters())
    assert sum(weight.numel() for weight in backbone["params"]) == total - 2 * 8 - 2


def test_what_a_folder_lacks_is_said(tmp_path: Path) -> None:
    path = folder(tmp_path / "tiny")

    def told(freeze: str = "none") -> str:
        with pytest.raises(UserError) as caught:
            check_bert(weights=str(path), freeze=freeze)
        return str(caught.value)

    assert told("until:layer.0") == (
        "model.freeze: has no layer 'layer.0'; did you mean encoder.layer.0?; known are "
        "embeddings, encoder.layer.0, encoder.layer.1"
    )
    folder(path, hidden_size=4)
    assert told() == (
        f"{path}/model.safetensors: fits no bert: embeddings.word_embeddings.weight is (12, 8), "
        "and must be (12, 4)"
    )
    folder(path)
    (path / "model.safetensors").write_bytes(b"none")
    assert told().startswith(f"{path}/model.safetensors: is no whole safetensors file: ")
    (path / "model.safetensors").unlink()
    assert told() == (
        f"{path}: has no weights; there should be a file model.safetensors or pytorch_model.bin"
    )
    folder(path, num_attention_heads=3)
    assert told().startswith("model.weights: config.json describes no BERT: ")
    folder(path, model_type="gpt2")
    assert told() == f"{path}/config.json: describes a network of type 'gpt2', and not bert"
    (path / "config.json").write_text("[]")
    assert told().startswith(f"{path}/config.json: cannot be read as the description of a BERT")
    with pytest.raises(UserError, match=r"model\.weights: there is no folder nowhere"):
        check_bert(weights="nowhere", freeze="none")


def test_texts_that_are_too_long_are_refused() -> None:
    with pytest.raises(UserError, match="bert reads 10 tokens at most and the texts have 11"):
        BertNetwork((11,), 2, TINY)


def test_tokens_of_another_vocabulary_are_refused() -> None:
    part = (TOKENS, LENGTHS, torch.tensor([0, 1]))
    tokens = {"kind": "tokens", "vocabulary": 13, "width": 4}
    data = TensorDataModule("texts", lambda: Splits(part, part, part, 2, input_embedding=tokens), 2)
    tree = {"data": "iris", "model": "mlp", "trainer": {"accelerator": "cpu", "epochs": 1}}
    with pytest.raises(UserError, match=r"data\.tokenizer has 13 tokens, and bert knows 12; name"):
        build_trainer(Configuration.resolve(tree)).fit(Bert((5,), 2, architecture=TINY), data)


def test_words_are_not_the_tokens_of_a_bert() -> None:
    data = {"name": "text", "path": "t.csv", "text": "text", "target": "label"}
    with pytest.raises(ConfigurationError) as told:
        Configuration.resolve({"data": data, "model": {"name": "bert", "weights": "tiny"}})
    assert str(told.value) == (
        "data.tokenizer: must be the folder of the tokenizer that the weights of bert know"
    )
    with pytest.raises(ConfigurationError, match=r"model\.weights: is missing: a folder with"):
        Configuration.resolve({"data": {**data, "tokenizer": "t"}, "model": {"name": "bert"}})


def test_which_layers_a_bert_has_only_its_folder_knows() -> None:
    freeze = NETWORKS["bert"].parameters["freeze"]
    assert freeze.validation_error("until:encoder.layer.7") is None
    assert freeze.validation_error("all") == "must be none, backbone or until:LAYER, got 'all'"
    assert freeze.schema()["type"] == "string"
