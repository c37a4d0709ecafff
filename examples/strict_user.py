"""A typed script: mypy --strict accepts how it calls fairtune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fairtune
from fairtune import Report, Study


def trial(configuration: dict[str, Any], report: Report) -> Mapping[str, float] | None:
    """Slide towards the lowest point of a parabola."""
    weight = 0.0
    for epoch in range(1, 6):
        weight -= configuration["model"]["rate"] * 2 * (weight - 3)
        if not report(epoch, val_loss=(weight - 3) ** 2):
            return None
    return {"loss": (weight - 3) ** 2}


def best_rate(study: Study) -> float:
    """The rate of the configuration to use."""
    if study.best is None:
        raise ValueError("no trial has completed")
    return float(study.best.configuration["model"]["rate"])


if __name__ == "__main__":
    found = fairtune.run(
        {
            "study": "strict",
            "model": {"rate": {"min": 0.01, "max": 1.0}},
            "trainer": {"epochs": 5},
            "objective": {"metric": "val/loss", "goal": "minimize"},
            "search": {"method": "random", "trials": 4},
        },
        trial=trial,
        workers=2,
    )
    print(f"best rate {best_rate(found):.3f}; {len(found.trials)} trials")
