"""The machine and the packages that run a study, noted while it runs."""

from __future__ import annotations

import importlib.metadata
import platform
from collections import Counter
from contextlib import suppress
from pathlib import Path

from studies.devices import discovery
from studies.devices.cores import core_count

PACKAGES = ("fairtune", "optuna", "torch", "torchvision", "pytorch-lightning", "numpy", "pandas",
            "pillow", "scikit-learn", "mlflow", "transformers", "tokenizers", "safetensors",
            "keras")  # fmt: skip
"""What the numbers of a study may depend on; some are installed with an extra only."""


def hardware() -> dict[str, str]:
    """What the times of a study depend on, and on GPUs its numbers; what trials were trained on is
    told by each of them."""
    import psutil

    found = {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": str(core_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
    }
    kinds = Counter(gpu.kind for gpu in discovery.gpus())
    if kinds:
        found["gpus"] = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
        found |= discovery.driver()
    return {f"hardware:{name}": value for name, value in found.items()}


def _processor() -> str:
    """The processor's name; Linux says it in a file only."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """The versions of Python and of every package that is installed."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    found["python"] = platform.python_version()
    return {f"version:{name}": version for name, version in found.items()}
