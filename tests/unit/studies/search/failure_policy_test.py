"""When a study that fails is stopped, and what is said of it."""

import pytest

from lightning_modules.errors import FairtuneError, NothingCompletedError
from studies.records import Outcome, TrialEnd
from studies.search.failure_policy import FailureRun, gets_another_attempt

COMPLETED = TrialEnd(Outcome.completed)
DIVERGED = TrialEnd(Outcome.diverged, reason="val/loss is nan after epoch 1")
INTERRUPTED = TrialEnd(Outcome.interrupted)
BROKEN = TrialEnd(Outcome.error, reason="ValueError: no such luck")
BROKEN_TOO = TrialEnd(Outcome.error, reason="KeyError: 'label'")
TOO_LARGE = TrialEnd(Outcome.out_of_memory, reason="MemoryError")
CRASHED = TrialEnd(Outcome.crashed)
TOO_SLOW = TrialEnd(Outcome.timeout, reason="took longer than trainer.trial_timeout (60 s)")


@pytest.mark.parametrize(
    ("worked", "ends", "hopeless"),
    [
        (False, [BROKEN] * 4, False),
        (False, [BROKEN] * 5, True),
        (False, [BROKEN, TOO_LARGE, TOO_SLOW, BROKEN_TOO, BROKEN], True),
        (False, [BROKEN, COMPLETED, *[BROKEN] * 4], False),
        (False, [BROKEN, INTERRUPTED, *[BROKEN] * 4], True),
        # a sampler learns from divergence, and the next configuration may be small or fast enough
        (False, [DIVERGED] * 9, False),
        (True, [TOO_LARGE] * 9, False),
        (True, [TOO_SLOW] * 9, False),
        (True, [BROKEN] * 5, True),
        (True, [BROKEN, BROKEN_TOO] * 4, False),
        (True, [BROKEN_TOO, *[BROKEN] * 5], True),
    ],
)
def test_a_study_is_stopped_where_nothing_works_or_one_fault_meets_every_trial(
    worked: bool, ends: list[TrialEnd], hopeless: bool
) -> None:
    failures = FailureRun(worked)
    for end in ends:
        failures.add(end)
    assert failures.hopeless == hopeless


def test_the_error_says_what_the_failures_have_in_common() -> None:
    failures = FailureRun(worked=False)
    for _ in range(5):
        failures.add(BROKEN)
    assert str(failures.error()) == (
        "the last 5 trials failed: error: ValueError: no such luck. The study was stopped; the "
        "same command goes on with the trials that are left"
    )
    assert isinstance(failures.error(), NothingCompletedError)
    assert type(FailureRun(True, failures.failed).error()) is FairtuneError
    failures.failed[0] = TOO_LARGE
    assert "failed: 4 × error: ValueError: no such luck; 1 × out_of_memory: " in str(
        failures.error()
    )


@pytest.mark.parametrize(
    ("end", "failed", "shared", "alone", "again"),
    [
        (TOO_LARGE, 1, True, False, True),
        (TOO_LARGE, 1, False, False, False),  # the same would come again
        (TOO_LARGE, 2, False, True, False),
        (TOO_LARGE, 2, True, True, False),  # of an engine that cannot keep others away
        (TOO_LARGE, 3, True, False, True),  # after two crashes: nobody has tried it alone
        (CRASHED, 2, False, False, True),
        (CRASHED, 2, True, True, True),
        (CRASHED, 3, True, False, False),
        (BROKEN, 1, True, False, False),
        (TOO_SLOW, 1, True, False, False),
    ],
)
def test_what_may_go_better_is_tried_again(
    end: TrialEnd, failed: int, shared: bool, alone: bool, again: bool
) -> None:
    assert gets_another_attempt(end, failed, shared=shared, alone=alone) == again
