"""Whether an epoch has enough steps for anything to be learned."""

from __future__ import annotations

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

    Batch gradient descent (`batch_size: full`) is one step by intention.
    """
    sizes: dict[str, set[int]] = {}
    for configuration in spec.configurations:
        size = configuration.data.parameters.get("batch_size")
        if isinstance(size, int) and not is_program(configuration):
            sizes.setdefault(configuration.data.name, set()).add(size)
    return [
        _words(name, max(found), rows[name], len(found) > 1)
        for name, found in sizes.items()
        if rows.get(name) and _steps(rows[name], max(found)) < FEW
    ]


def rows_that_trained(trials: Iterable[Trial]) -> dict[str, int]:
    """The fewest training rows of trials, by the name of their data set or of its class."""
    found: dict[str, int] = {}
    for trial in trials:
        data = trial.configuration.get("data", {})
        name = data.get("name", data.get("class", ""))
        if rows := trial.rows.get("train"):
            found[name] = min(rows, found.get(name, rows))
    return found


def _steps(rows: int, size: int) -> int:
    """Batches of an epoch; a last row alone joins the batch before it."""
    full, rest = divmod(rows, size)
    return max(1, full + (rest > 1))


def _words(name: str, size: int, rows: int, is_open: bool) -> str:
    which = f"the largest data.batch_size, {size}" if is_open else f"data.batch_size {size}"
    steps = plural(_steps(rows, size), "step")
    said = f"an epoch has only {steps}: {which}, on {rows} rows of {name} that train"
    if rows < FEW:
        return f"{said}; more rows are needed, or many trainer.epochs"
    return f"{said}; with {rows // FEW} it has ten"
