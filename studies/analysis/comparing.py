"""What a study allows to be said of its arms: ranking, verdicts, and what is missing for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lightning_modules.components import suggestion
from lightning_modules.errors import UserError
from lightning_modules.optimization import METRICS, objective_metrics
from studies.analysis.arm_comparison import compare_arms
from studies.analysis.comparison import Comparison
from studies.analysis.configuration_comparison import compare_configurations
from studies.results import StudyResults

KNOWN = tuple(dict.fromkeys(name for task in METRICS for name in objective_metrics(task)))
"""What a study may log of the training and the validation part."""


@dataclass(frozen=True)
class StudyOutcome:
    """The results of a study, with the comparison of its arms and what may be said of them."""

    results: StudyResults
    comparison: Comparison

    @classmethod
    def of(cls, results: StudyResults) -> StudyOutcome:
        """The comparison by the study's own objective."""
        return cls(results, compare(results))


def compare(results: StudyResults, metric: str | None = None) -> Comparison:
    """Compare the arms of a study by its objective, or by any other metric that was logged.

    The statistics are seeded by the study, so that the same results give the same words.

    Args:
        results: The results of the study, as `load_results` reads them.
        metric: The name of a logged metric, such as `val/accuracy`; the objective unless given.

    Returns:
        The arms in the order of their means, and a verdict about every pair of them.

    Raises:
        UserError: The metric was not logged.

    Example:
        >>> compare(load_results(Home.at(Path("mlruns")), "optimizers")).arms[0].arm
        'adam'
    """
    metric = metric or results.spec.objective.metric
    _check(metric, results)
    by_arms = results.spec.design.claim == "arms" or results.spec.repeats > 1
    compared = (compare_arms if by_arms else compare_configurations)(results, metric)
    return replace(compared, codes=results.codes, devices=results.devices)


def metrics(results: StudyResults) -> list[str]:
    """The metrics by which a study's arms can be compared, its objective first."""
    objective = results.spec.objective.metric
    logged = {name for trial in results.ended for name in trial.best}
    return [objective, *(name for name in KNOWN if name in logged and name != objective)]


def _check(metric: str, results: StudyResults) -> None:
    logged = {name for trial in results.ended for name in (*trial.best, *trial.test)}
    known = (*KNOWN, results.spec.objective.metric)
    if metric not in logged and (logged or metric not in known):
        hint = suggestion(metric, logged) or "; logged are " + ", ".join(sorted(logged))
        raise UserError(f"{metric} was not logged in {results.study}{hint}")
