"""Every way in which a trial fails has its outcome, and the study goes on (faults 8 to 11)."""

from pathlib import Path

import pytest

from studies.records import Outcome
from tests.support.accounts import Runs
from tests.support.drivers import GRID, Faulty
from tests.support.invariants import check_invariants

pytestmark = pytest.mark.slow


def outcomes(faulty: Faulty) -> list[tuple[Outcome | None, str]]:
    found = check_invariants(faulty.home, "faulty")
    return [(trial.outcome, trial.reason) for trial in sorted(found.trials, key=lambda t: t.key)]


def traceback_of(faulty: Faulty, trial: str) -> str:
    runs = Runs.of(faulty.home, "faulty")
    (run,) = [run for run in runs.children if run.data.tags["fairtune.trial"] == trial]
    return Path(runs.client.download_artifacts(run.info.run_id, "traceback.txt")).read_text()


def test_a_crash_is_tried_three_times_too_little_memory_once_alone_and_what_code_does_never_again(
    faulty: Faulty,
) -> None:
    faulty.write(GRID.replace("epochs: 5", "epochs: 5, trial_timeout: 5"))
    faulty.hit(0, 3, "memory")
    faulty.hit(1, 2, "die once")
    faulty.hit(2, 3, "segfault")
    faulty.hit(3, 2, "raise")
    faulty.hit(4, 2, "exit")
    faulty.hit(5, 2, "stick")
    side_by_side = ((0, "2.2"), (1, "1.2"))
    for trial, point in side_by_side:
        faulty.hit(trial, point, "wait")
    with faulty.driver() as driver:
        for trial, point in side_by_side:
            faulty.reached(trial, point)
        for trial, point in side_by_side:
            faulty.relieve(trial, point)
        assert driver.ends() == 0, driver.said
    assert outcomes(faulty) == [
        (Outcome.out_of_memory, "MemoryError (2 attempts, the last one alone)"),
        (Outcome.completed, ""),
        (
            Outcome.crashed,
            "the worker process was killed by SIGSEGV, a segmentation fault (3 attempts)",
        ),
        (Outcome.error, "ValueError: no such luck"),
        (Outcome.error, "SystemExit: 3"),
        (Outcome.timeout, "took longer than trainer.trial_timeout (5 s)"),
    ]
    assert faulty.epochs_of(0) == [1, 2, 3, 3]
    assert faulty.epochs_of(2) == [1, 2, 3, 3, 3]
    assert faulty.epochs_of(1) == [1, 2, 2, 3, 4, 5]
    for trial in (3, 4, 5):
        assert faulty.epochs_of(trial) == [1, 2]
    warnings = driver.told["warnings"]
    assert any("1 of 6 trials ended with crashed: the worker process" in each for each in warnings)
    assert "ValueError: no such luck" in traceback_of(faulty, "trial-0003")
    assert "Fatal Python error: Segmentation fault" in traceback_of(faulty, "trial-0002")
    faulty.leaves_no_orphans()


def test_what_is_no_finite_number_diverges_and_what_is_no_number_is_an_error(
    faulty: Faulty,
) -> None:
    faulty.hit(0, "1.7", "nan")
    faulty.hit(1, "2-objective", "nan")
    faulty.hit(2, "3-objective", "inf")
    faulty.hit(3, "2-objective", "none")
    faulty.hit(4, "2-objective", "text")
    with faulty.driver() as driver:
        assert driver.ends() == 0, driver.said
    assert outcomes(faulty) == [
        (Outcome.diverged, "the training loss is no longer finite at step 7 of epoch 1"),
        (Outcome.diverged, "val/accuracy is nan after epoch 2"),
        (Outcome.diverged, "val/accuracy is inf after epoch 3"),
        (Outcome.error, "UserError: val/accuracy is None after epoch 2, which is no number"),
        (Outcome.error, "UserError: val/accuracy is 'good' after epoch 2, which is no number"),
        (Outcome.completed, ""),
    ]
    assert len(faulty.begun) == 1 + 2 + 3 + 2 + 2 + 5  # nothing was tried again
    assert driver.told["best"]["configuration"]["optimizer"]["lr"] == 0.0003
