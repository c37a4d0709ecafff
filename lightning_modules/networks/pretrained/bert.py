"""BERT and its kin over tokens, built by the package `transformers` from a folder on this machine.

The folder has a config.json and the weights, model.safetensors or pytorch_model.bin.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.components import apart
from lightning_modules.data.tensors import TensorDataModule
from lightning_modules.errors import UserError
from lightning_modules.networks.learning import LEARNING
from lightning_modules.networks.pretrained.transfer import (
    EVALUATED,
    GradualUnfreezing,
    TransferModule,
)
from lightning_modules.networks.pretrained.weight_files import fitting, read_safetensors, read_torch
from lightning_modules.networks.pretrained.weights import NONE, file_hash, frozen_layers

CONFIG = "config.json"
FILES = ("model.safetensors", "pytorch_model.bin")
IGNORED = ("pooler.", "cls.", "embeddings.position_ids")
"""What a file may hold besides the encoder: heads of the task that it was trained for."""


class BertNetwork(GradualUnfreezing):
    """Tokens (n, steps) and their lengths (n,) to (n, outputs); what is beyond is not read.

    The answer comes from the first token (`pooling="cls"`) or from the mean over all of them.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        architecture: Mapping[str, Any],
        freeze: str = NONE,
        unfreeze_every: int = 0,
        backbone_lr: float = 1.0,
        pooling: str = "mean",
        dropout: float = 0.1,
    ) -> None:
        """`architecture` is the content of a config.json."""
        body = _body(architecture)
        longest = body.config.max_position_embeddings
        if input_shape[0] > longest:
            raise UserError(
                f"bert reads {longest} tokens at most and the texts have {input_shape[0]}; write "
                f"data.max_length: {longest}"
            )
        layers = ("embeddings", *(f"encoder.layer.{i}" for i in range(len(body.encoder.layer))))
        head = nn.Linear(body.config.hidden_size, outputs)
        super().__init__(body, [head], frozen_layers(freeze, layers), unfreeze_every, backbone_lr)
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head = head

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if self.training:
            return self._answer(tokens, lengths)
        parts = zip(torch.split(tokens, EVALUATED), torch.split(lengths, EVALUATED), strict=True)
        return torch.cat([self._answer(*part) for part in parts])

    def _answer(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        steps = int(lengths.max())  # beyond it all is padding
        here = (torch.arange(steps, device=tokens.device) < lengths[:, None]).long()
        states = self.body(input_ids=tokens[:, :steps].long(), attention_mask=here)[0]
        if self.pooling == "cls":
            pooled = states[:, 0]
        else:
            pooled = (states * here[..., None]).sum(1) / lengths[:, None]
        answer: Tensor = self.head(self.dropout(pooled))
        return answer


class Bert(TransferModule):
    """A BERT and how it learns."""

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        weights: str = NONE,
        architecture: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> None:
        """`weights` is a folder; where it is `none`, the weights are random and `architecture`, the
        content of a config.json, says their shapes. `given` are parameters of `BertNetwork` and of
        `SupervisedModule`."""
        known = dict(architecture or read_architecture(Path(weights)))
        parameters, learning = apart(given, LEARNING)
        super().__init__(BertNetwork(input_shape, outputs, known, **parameters), **learning)
        self.architecture = known
        if weights != NONE:
            path = weights_of(Path(weights))
            self.network.body.load_state_dict(_fitting(self.network.body, path), strict=False)
            self.weights_hash = file_hash(path)

    def setup(self, stage: str) -> None:
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        tokens = data.splits.input_embedding if isinstance(data, TensorDataModule) else None
        known = self.network.body.config.vocab_size
        given = (tokens or {}).get("vocabulary", 0)
        if given > known:
            raise UserError(
                f"data.tokenizer has {given} tokens, and bert knows {known}; name the folder of "
                "the tokenizer that its weights were learned with"
            )


def check_bert(weights: str, freeze: str, **parameters: Any) -> None:
    """Raise UserError where a folder has no whole BERT, or not the layer that is to be frozen."""
    folder = Path(weights)
    with torch.device("meta"):
        made = BertNetwork((1,), 2, read_architecture(folder), freeze)
    _fitting(made.body, weights_of(folder))


def read_architecture(folder: Path) -> dict[str, Any]:
    """The content of a folder's config.json; raises UserError where it describes no BERT."""
    if not folder.is_dir():
        raise UserError(f"model.weights: there is no folder {folder}")
    path = folder / CONFIG
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        kind = found.get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read as the description of a BERT: {error}") from None
    if kind != "bert":
        raise UserError(f"{path}: describes a network of type {kind!r}, and not bert")
    return dict(found)


def weights_of(folder: Path) -> Path:
    """The file of weights in a folder."""
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder}: has no weights; there should be a file {' or '.join(FILES)}")


def _body(architecture: Mapping[str, Any]) -> Any:
    try:
        from transformers import BertConfig, BertModel
    except ImportError:
        raise UserError(
            "bert needs the package transformers; pip install 'fairtune[text]'"
        ) from None
    try:
        return BertModel(BertConfig(**architecture), add_pooling_layer=False)
    except Exception as error:  # the package raises errors of many kinds for a wrong value
        raise UserError(f"model.weights: {CONFIG} describes no BERT: {error}") from None


def _fitting(body: nn.Module, path: Path) -> dict[str, Tensor]:
    found = read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    found = {key.removeprefix("bert."): tensor for key, tensor in found.items()}
    expected = {
        key: value for key, value in body.state_dict().items() if not key.startswith(IGNORED)
    }
    return fitting(expected, found, "bert", path, IGNORED)
