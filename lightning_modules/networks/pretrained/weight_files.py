"""Files of weights: read, and compared with the network that is to have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lightning_modules.data.readers.memory import require_memory
from lightning_modules.errors import UserError
from lightning_modules.networks.pretrained.torch_files import load_torch

CHECKPOINT = "network.body."
"""How fairtune's own checkpoints call the weights of these networks."""
LONGEST_HEADER = 10 * 2**20
"""Bytes that describe the tensors of a `.safetensors` file, a hundred thousand of them."""


def fitting(
    expected: Mapping[str, Tensor],
    content: Mapping[str, Any],
    name: str,
    path: Path,
    ignored: tuple[str, ...],
) -> dict[str, Tensor]:
    """What a file has for the weights `expected`; what begins with `ignored` is left.

    Raises UserError naming the first weight that is missing, of another shape, or not known.
    """
    for key, value in expected.items():
        if key not in content and not key.endswith("num_batches_tracked"):
            raise UserError(f"{path}: fits no {name}: it has no {key}")
        given, wanted = tuple(content[key].shape) if key in content else None, tuple(value.shape)
        if given not in (None, wanted):
            raise UserError(f"{path}: fits no {name}: {key} is {given}, and must be {wanted}")
    for key in content:
        if key not in expected and not key.startswith(ignored):
            raise UserError(f"{path}: fits no {name}, which has no {key}")
    return {key: content[key] for key in expected if key in content}


def read_weights(path: Path, name: str) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file, a state dict of torch's, or a checkpoint of fairtune's.

    Only tensors and plain values are read. Raises UserError where the file holds something else.
    """
    content: Mapping[str, Any]
    content = read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    if isinstance(content.get("weights"), Mapping) and "configuration" in content:
        model = content["configuration"]["model"]["name"]
        if model != name:
            raise UserError(f"{path}: is the checkpoint of a {model}, not of a {name}")
        weights = content["weights"].items()
        content = {k.removeprefix(CHECKPOINT): v for k, v in weights if k.startswith(CHECKPOINT)}
    for key, value in content.items():
        if not isinstance(value, Tensor):
            raise UserError(f"{path}: is no state dict: {key} is {type(value).__name__}, no tensor")
    return dict(content)


def read_safetensors(path: Path) -> dict[str, Any]:
    """The tensors of a `.safetensors` file."""
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise UserError(f"{path}: reading it needs `pip install fairtune[text]`") from None
    try:
        require_memory(f"{path}: what it holds", path.stat().st_size)
        with path.open("rb") as opened:
            header = int.from_bytes(opened.read(8), "little")
        if header > LONGEST_HEADER:
            raise UserError(f"{path}: is no whole safetensors file: its header is too long")
        return dict(load_file(path))
    except UserError:
        raise
    except Exception as error:  # a foreign file can raise anything here
        raise UserError(f"{path}: is no whole safetensors file: {error}") from None


def read_torch(path: Path) -> Mapping[str, Any]:
    """What one of torch's files holds, tensors and plain values only."""
    content = load_torch(path, f"{path}: cannot be read as weights")
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise UserError(f"{path}: is no state dict, but a {type(content).__name__}")
    return content
