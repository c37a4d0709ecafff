"""Figures, images, texts and tables that a training logs: files of one folder, within limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lightning_modules.files import replacing
from lightning_modules.hashing import short_hash
from lightning_modules.rights import make_folder

MOST_FILES = 200
MOST_BYTES = 50 * 2**20
"""Of all files of a training together."""
LONGEST_NAME = 80
SIDE = 4096
"""Pixels of an image at most, along each side."""


@dataclass
class LoggedFiles:
    """The files of one training; what is beyond the limits is dropped, and `is_full` says so."""

    folder: Path
    count: int = 0
    size: int = 0
    is_full: bool = False
    unreadable: int = 0
    """What could not be made a file of."""

    def figure(self, name: str, figure: Any, step: int | None = None) -> None:
        """A figure of matplotlib's, or of another library that saves itself."""
        if not hasattr(figure, "savefig"):
            self.image(name, figure, step)
            return
        self._write("figures", name, step, ".png", lambda file: figure.savefig(file, format="png"))

    def image(self, name: str, image: Any, step: int | None = None) -> None:
        """An image of PIL's, or an array or tensor of (height, width), (channels, height, width)
        or (height, width, channels): bytes, or numbers from 0 to 1."""
        picture = image if hasattr(image, "save") else _picture(image)
        if picture is not None:
            self._write("images", name, step, ".png", lambda file: picture.save(file, "PNG"))

    def text(self, name: str, text: Any, step: int | None = None) -> None:
        """A text."""
        content = str(text).encode("utf-8", "replace")
        self._write("texts", name, step, ".txt", lambda file: file.write(content))

    def table(self, name: str, table: Any, step: int | None = None) -> None:
        """Anything that can be written as JSON, such as a table's columns and rows."""
        self._write(
            "tables",
            name,
            step,
            ".json",
            lambda file: file.write(json.dumps(table, default=str).encode()),
        )

    def _write(
        self, kind: str, name: str, step: int | None, suffix: str, write: Callable[[BytesIO], Any]
    ) -> None:
        if self.count >= MOST_FILES:
            self.is_full = True
            return
        content = BytesIO()
        try:
            write(content)
        except Exception:  # whatever a library raises about a picture: the training goes on
            self.unreadable += 1
            return
        if self.size + content.tell() > MOST_BYTES:
            self.is_full = True
            return
        path = (
            self.folder / kind / (safe_name(name) + ("" if step is None else f"-{step}") + suffix)
        )
        make_folder(path.parent)
        self.count += not path.exists()
        self.size += content.tell()
        with replacing(path) as beside:
            beside.write_bytes(content.getbuffer())


def safe_name(name: str) -> str:
    """A name as that of a file: letters, digits, `-`, `_` and `.`; others become `_`, and a hash of
    the whole name follows."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("._")[:LONGEST_NAME]
    return (
        safe if safe == name else f"{safe}-{short_hash(name.encode(errors='replace').decode(), 8)}"
    )


def _picture(image: Any) -> Any:
    """The image of an array, as PIL has it; None where it is none."""
    from PIL import Image

    array = image.detach().cpu().float().numpy() if isinstance(image, torch.Tensor) else image
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4):
        array = np.moveaxis(array, 0, 2)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not is_image or array.dtype.kind not in "biuf" or max(array.shape) > SIDE or not array.size:
        return None
    if array.dtype != np.uint8:
        bytes_already = array.dtype.kind in "iu" or np.nanmax(array) > 1
        array = np.nan_to_num(array.astype(float)) * (1 if bytes_already else 255)
        array = array.clip(0, 255).astype(np.uint8)
    return Image.fromarray(array)
