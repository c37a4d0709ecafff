"""The state of a training under way: written now and then, so that another process continues it."""

from __future__ import annotations

import hashlib
import pickle
import random
import shutil
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning.plugins import TorchCheckpointIO

from lightning_modules.errors import StorageError
from lightning_modules.files import replacing
from lightning_modules.networks.pretrained.torch_files import load_torch
from lightning_modules.rights import make_folder

FORMAT = 4
"""Of the state, and of the rule by which its weights are those of the best epoch."""
SECONDS = 30.0
"""Between two writes at least; longer where a write takes long, so that it costs 2 % at most."""
MARGIN = 2**20
"""Bytes: a disk with less is full, though a small file may still fit."""
DIGEST_BYTES = hashlib.sha256().digest_size


class ResumeCheckpoint(TorchCheckpointIO):
    """Lightning's checkpoints of one training: the last one in a folder, and the one before it.

    A file is one of torch's, of tensors and plain values only, followed by its SHA-256. A file that
    is not whole, or of another training, is as good as none. Checkpoints that a callback of the
    user's writes elsewhere are Lightning's own.
    """

    def __init__(self, folder: Path, training: Mapping[str, Any]) -> None:
        """`training` tells this training from every other one."""
        self.last = folder / "last.pt"
        self.before = folder / "before.pt"
        self.training = {
            **training,
            "format": FORMAT,
            "torch": str(torch.__version__),
            "lightning": version("pytorch-lightning"),
        }
        self.state = self._read(self.last)
        """What was found: a checkpoint as Lightning dumps it, or None."""
        if self.state is None:
            self.last.unlink(missing_ok=True)  # or it would take the place of the one before
            self.state = self._read(self.before)
        self._next = time.monotonic() + SECONDS

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() >= self._next

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write what Lightning dumped; at every moment one of the two files is whole."""
        if Path(path) != self.last:
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        began = time.monotonic()
        content = BytesIO()
        try:
            torch.save({"training": self.training, "state": checkpoint}, content)
        except (pickle.PicklingError, AttributeError, TypeError):
            return  # a module of the user's holds what no file can: it would start anew

        def write(beside: Path) -> None:
            with beside.open("wb") as file:
                file.write(content.getbuffer())
                file.write(hashlib.sha256(content.getbuffer()).digest())

        make_folder(self.last.parent)
        replace(self.last, write, keep=self.before)
        ended = time.monotonic()
        self._next = ended + max(SECONDS, 50 * (ended - began))

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """What was found when this was made; Lightning asks once, and empties it."""
        if Path(path) != self.last:
            return super().load_checkpoint(path, map_location, weights_only)
        assert self.state is not None
        state, self.state = self.state, None
        return state

    def remove_checkpoint(self, path: Any) -> None:
        """Remove one of the user's; who gave the folder removes the others."""
        if Path(path) != self.last:
            super().remove_checkpoint(path)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            content = path.read_bytes()
            body, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
            if hashlib.sha256(body).digest() != digest:
                return None
            found = load_torch(BytesIO(body), f"{path}: is no whole state of a training")
            state: dict[str, Any] = found["state"]
            return state if found["training"] == self.training else None
        except Exception:  # whatever a foreign file can raise
            return None


def replace(path: Path, write: Callable[[Path], None], keep: Path | None = None) -> None:
    """Write beside, force to disk, rename: `path` is whole at every moment.

    What was there before goes to `keep`. Raises StorageError where that is impossible.
    """
    try:
        with replacing(path, durable=True, keep=keep) as beside:
            write(beside)
    except (OSError, RuntimeError) as error:  # torch raises the latter, and does not say why
        full = shutil.disk_usage(path.parent).free < MARGIN
        why = "the disk is full" if full else str(error).partition("\n")[0]
        raise StorageError(
            f"{path.parent}: a checkpoint cannot be written: {why}; change that and run the same "
            "command again"
        ) from error


def generator_states() -> dict[str, Any]:
    """Where the global generators of python, numpy and torch are, in tensors and plain values."""
    known = np.random.get_state(legacy=False)
    assert isinstance(known, dict)
    return {
        "python": random.getstate(),
        "numpy": known | {"state": known["state"] | {"key": known["state"]["key"].tolist()}},
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all(),
    }


def set_generator_states(states: Mapping[str, Any]) -> None:
    """Put the global generators back to where `generator_states` was taken."""
    random.setstate(states["python"])
    key = np.array(states["numpy"]["state"]["key"], np.uint32)
    np.random.set_state(states["numpy"] | {"state": states["numpy"]["state"] | {"key": key}})
    torch.set_rng_state(states["torch"])
    if len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
