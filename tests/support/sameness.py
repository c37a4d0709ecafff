"""What a study found, without what depends on machines: two runs of it found the same."""

from collections.abc import Mapping
from typing import Any

from studies.home import Home
from studies.records import RecordReader

Numbers = Mapping[tuple[Any, ...], tuple[Any, ...]]


def numbers_of(home: Home, study: str) -> Numbers:
    """Of every trial, by what was trained: what its sampler chose, and all metrics of all epochs.
    Fresh runs are numbered as they come, so the number is none of it."""
    with RecordReader.open(home, study) as record:
        trials = record.trials()
        found = {
            (t.arm, t.repeat, t.phase, t.seed, t.split, t.config_hash): (
                t.params,
                t.outcome,
                t.value,
                t.best_epoch,
                without_times(t.best),
                t.test,
                [(row.epoch, without_times(row.metrics)) for row in record.epochs(t.id)],
            )
            for t in trials
        }
    assert len(found) == len(trials)
    return found


def without_times(metrics: Mapping[str, float]) -> Mapping[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith("time/")}
