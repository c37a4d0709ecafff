"""Programs that are read by what they write, and how they end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lightning_modules.errors import Interrupted
from studies.engines import Task
from studies.engines.training import train_task
from studies.engines.worker import guarded
from studies.records import EpochReport, TrialEnd
from studies.study_file import document, resolve


def task(folder: Path, script: str, metrics: dict[str, Any], epochs: int = 3) -> Task:
    """A Python script whose arguments are the learning rate, the epochs and a folder."""
    path = folder / "train.py"
    path.write_text(script)
    command = [sys.executable, str(path), "{optimizer.lr}", "{epochs}", "{folder}", "{checkpoint}"]
    tree = {
        "study": "s",
        "model": {"command": command, "width": {"values": [8]}},
        "optimizer": {"name": "sgd", "lr": 0.5},
        "trainer": {"epochs": epochs},
        "objective": {"metric": "val/accuracy", "goal": "maximize"},
        "metrics": metrics,
    }
    tree["model"]["command"].append("{model.width}")  # type: ignore[index]
    spec = resolve(document.from_tree(tree))
    return Task(
        "trial-0001",
        spec.configurations[0],
        7,
        str(folder / "best.pt"),
        str(folder / "state"),
        metrics=spec.metrics,
    )


def ended(
    asked: Task, *, stop: int = 0, interrupt: int = 0
) -> tuple[TrialEnd, list[dict[str, float]]]:
    """How a trial ends, and the metrics of its epochs but for seconds; it is stopped after the
    epoch `stop`."""
    epochs: list[dict[str, float]] = []

    def ask(report: EpochReport) -> bool:
        epochs.append({k: v for k, v in report.metrics.items() if not k.startswith("time/")})
        assert report.epoch == len(epochs)
        if report.epoch == interrupt:
            raise Interrupted
        return report.epoch != stop

    return guarded(asked, ask, train_task), epochs
