"""Small curves, and trials beside each other."""

import math
from dataclasses import replace

from studies.records import Outcome
from studies.reporting.tables.trials import beside_each_other, thinned
from tests.support.made import OPTIMIZERS, spec_of, study, trial


def test_a_long_curve_keeps_its_ends_and_its_order() -> None:
    curve = {epoch: float(epoch) for epoch in range(1, 201)}
    found = thinned(curve)
    assert len(found) == 20
    assert (found[0], found[-1]) == (1.0, 200.0)
    assert found == sorted(found)
    assert thinned({2: 0.5, 1: 0.25, 3: math.inf}) == [0.25, 0.5]


def test_trials_stand_beside_each_other_by_what_differs() -> None:
    spec = spec_of(OPTIMIZERS)
    first, second = trial(spec, "sgd", 1, 0.9, lr=0.1), trial(spec, "sgd", 2, 0.9, lr=0.2)
    results = study(spec, [first, second])
    table = beside_each_other(results, [first, second], only=True).set_index("")
    assert list(table.columns) == [first.key, second.key]
    assert list(table.index) == ["val/accuracy", "optimizer.lr"]
    assert list(table.loc["val/accuracy"]) == ["90.00 %", "90.00 %"]
    assert list(table.loc["optimizer.lr"]) == ["0.1", "0.2"]
    every = beside_each_other(results, [first, second], only=False).set_index("")
    assert {"outcome", "seed", "model.name", "trainer.epochs"} <= set(every.index)
    lost = replace(second, outcome=Outcome.diverged, value=None, best={})
    told = beside_each_other(results, [first, lost], only=True).set_index("")
    assert list(told.loc["outcome"]) == ["completed", "diverged"]
    assert list(told.loc["val/accuracy"]) == ["90.00 %", "–"]
