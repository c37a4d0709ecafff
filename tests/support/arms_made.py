"""Repeated searches made by hand: what every repeat's winner came to, arm by arm."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from studies.records import Outcome, Trial
from studies.results import StudyResults
from studies.study_file import Spec
from tests.support.made import spec_of, study, trial

TWO_ARMS = """
study: made
data: digits
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-4, max: 1e-1, log: true}}
trainer: {epochs: 10}
objective: {metric: val/accuracy}
search: {method: random, trials: 2, repeats: 6}
compare: {factor: optimizer, claim: arms}
"""
ROWS = {"train": 1000, "validation": 300, "test": 400}


def repeated(
    spec: Spec,
    values: Mapping[str, Sequence[float | None]],
    *,
    validation: Mapping[str, Sequence[float]] | None = None,
    rows: Mapping[str, int] = ROWS,
) -> list[Trial]:
    """Searches of two trials each and the fresh run of each winner; `values` are of the test part,
    None where the winner has failed. Validation has them too unless given."""
    return [
        each
        for place, (arm, found) in enumerate(values.items())
        for index, value in enumerate(found)
        for each in one_repeat(
            spec,
            arm,
            index + 1,
            value,
            place,
            (validation or {}).get(arm, [v or 0.5 for v in found])[index],
            rows,
        )
    ]


def one_repeat(
    spec: Spec,
    arm: str,
    repeat: int,
    value: float | None,
    place: int,
    validation: float,
    rows: Mapping[str, int],
) -> list[Trial]:
    """Both trials of a search, the better one second, and its fresh run."""
    metric = spec.objective.metric
    test = "test/" + metric.partition("/")[2]
    split = None if repeat == 1 or spec.design.split == "fixed" else 1000 + repeat
    lr = 0.01 * (1 + repeat) + 0.001 * place
    better = 1 if spec.objective.goal == "maximize" else -1

    def made(number: int, got: float | None, phase: str, rate: float) -> Trial:
        return replace(
            trial(
                spec,
                arm,
                number,
                got,
                lr=rate,
                phase=phase,
                seed=10 * repeat + number + (phase != "search"),
                outcome=Outcome.diverged if got is None else Outcome.completed,
            ),
            key=f"{arm}-r{repeat}-{phase}-{number:04d}",
            number=number,
            repeat=repeat,
            split=split,
            rows=rows,
        )

    search = [
        made(0, validation - better * 0.1 * validation, "search", 0.9 * lr),
        made(1, validation, "search", lr),
    ]
    fresh = made(0, None if value is None else validation, "confirm", lr)
    return [*search, replace(fresh, test={} if value is None else {test: value})]


def crossed(
    results: StudyResults, arm: str, winner: int, values: Mapping[int, float]
) -> list[Trial]:
    """Runs of a repeat's winner on the splits of other repeats, by their validation values."""
    found, _ = results.winner(arm, winner)
    assert found is not None
    return [
        replace(
            found,
            key=f"{arm}-r{repeat}-cross-{winner:04d}",
            phase="cross",
            repeat=repeat,
            split=1000 + repeat if repeat > 1 else None,
            value=value,
            best={**found.best, results.spec.objective.metric: value},
            seed=1001 + 2 * repeat,
        )
        for repeat, value in values.items()
    ]


def arms_study(
    values: Mapping[str, Sequence[float | None]], text: str = TWO_ARMS, **changes: object
) -> StudyResults:
    """A finished study of arms."""
    spec = spec_of(text)
    return study(spec, repeated(spec, values, **changes))  # type: ignore[arg-type]
