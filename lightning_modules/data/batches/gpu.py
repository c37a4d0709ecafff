"""Data on the GPU that trains on it."""

from __future__ import annotations

from typing import Any

import torch

from lightning_modules.data.batches.columns import CPU, Part

SHARE = 0.25
"""Of the free memory of a GPU, that a part of the data may take."""


def device_of(trainer: Any) -> torch.device:
    """The GPU on which a trainer trains; the CPU where there is none, or no trainer."""
    strategy = getattr(trainer, "strategy", None)
    device: torch.device = getattr(strategy, "root_device", CPU)
    return device if device.type == "cuda" else CPU


def free_memory(device: torch.device) -> int:
    """Bytes of a GPU that nobody uses."""
    free, _ = torch.cuda.mem_get_info(device)
    return int(free)


def placed(part: Part, device: torch.device) -> Part:
    """The part on a device; as it is where it would take too much of the device's memory."""
    if device == CPU:
        return part
    if sum(column.nbytes for column in part) > SHARE * free_memory(device):
        return part
    return tuple(column.to(device) for column in part)
