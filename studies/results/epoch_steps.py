"""Whether an epoch has enough steps for anything to be learned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from studies.records import Trial
from studies.results.wording import plural
from studies.study_file import Spec, is_program

FEW = 10
"""Steps of an epoch below which a training gets a word of warning."""


def few_steps(spec: Spec, rows: Mapping[str, int]) -> list[str]:
    """A sentence for every data set of which an epoch may have fewer than `FEW` steps.

    Args:
        spec: the study; of open batch sizes the largest counts.
        rows: the rows that train, by the name of the data set or of the class.

    Batch gradient descent (`batch_size: full`) is one step by intention, and `trainer.max_steps`
    are as many as one wants.
    """
    sizes: dict[str, set[tuple[int, int]]] = {}
    for configuration in spec.configurations:
        size = configuration.data.parameters.get("batch_size")
        if isinstance(size, int) and not is_program(configuration):
            together = int(configuration.trainer["accumulate"])
            sizes.setdefault(configuration.data.name, set()).add((size, together))
    found = []
    for name, every in sizes.items():
        if not (count := rows.get(name)):
            continue
        worst = min(every, key=lambda each: (_steps(count, *each), -each[0]))
        if _steps(count, *worst) < FEW:
            is_open = len({size for size, _ in every}) > 1
            found.append(_words(name, *worst, count, is_open))
    return found


def rows_that_trained(trials: Iterable[Trial]) -> dict[str, int]:
    """The fewest training rows of trials, by the name of their data set or of its class."""
    found: dict[str, int] = {}
    for trial in trials:
        data = trial.configuration.get("data", {})
        name = data.get("name", data.get("class", ""))
        if rows := trial.rows.get("train"):
            found[name] = min(rows, found.get(name, rows))
    return found


def _steps(rows: int, size: int, together: int) -> int:
    """Steps of the optimizer in an epoch, each by the gradients of so many batches `together`; a
    last row alone joins the batch before it."""
    full, rest = divmod(rows, size)
    return math.ceil(max(1, full + (rest > 1)) / together)


def _words(name: str, size: int, together: int, rows: int, is_open: bool) -> str:
    which = f"the largest data.batch_size, {size}" if is_open else f"data.batch_size {size}"
    if together > 1:
        which += f", with trainer.accumulate {together}"
    steps = plural(_steps(rows, size, together), "step")
    said = f"an epoch has only {steps}: {which}, on {rows} rows of {name} that train"
    if rows < FEW:
        return f"{said}; more rows are needed, or many trainer.epochs"
    if together > 1 and _steps(rows, size, 1) >= FEW:
        return f"{said}; without accumulate it has {_steps(rows, size, 1)}"
    return f"{said}; with {rows // FEW} it has ten" + (
        ", without accumulate" if together > 1 else ""
    )
