"""What follows from a failed trial: another attempt, or the end of a study that only fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lightning_modules.errors import FairtuneError, NothingCompletedError, StorageError
from studies.records import Outcome, TrialEnd
from studies.results.failures import counted

ATTEMPTS = 3
"""Those at a trial that crashes, which may be the machine's doing."""
FAULTS = (Outcome.error, Outcome.crashed)
"""Outcomes that no configuration should have."""
FAILURES = (*FAULTS, Outcome.out_of_memory, Outcome.timeout)
IN_A_ROW = 5


def is_of_storage(end: TrialEnd) -> bool:
    """Whether a trial has ended because its checkpoints cannot be written."""
    says = f"{StorageError.__name__}: "
    return end.outcome == Outcome.error and end.reason.startswith(says)


def gets_another_attempt(end: TrialEnd, failed: int, *, shared: bool, alone: bool) -> bool:
    """Whether a trial trains once more after an attempt; what its code does would come again.

    Args:
        end: How the attempt ended.
        failed: The attempts that have failed up to now, in all runs of the study.
        shared: Whether another trial trained on its device meanwhile.
        alone: Whether it was to be alone there.
    """
    if end.outcome == Outcome.out_of_memory:
        return shared and not alone
    return end.outcome == Outcome.crashed and failed < ATTEMPTS


@dataclass
class FailureRun:
    """The trials that have failed one after the other, up to now."""

    worked: bool
    """Whether any trial of the study has ended well."""
    failed: list[TrialEnd] = field(default_factory=list)

    def add(self, end: TrialEnd) -> None:
        """Take the end of a trial; an interrupted one says nothing."""
        if end.outcome in FAILURES:
            self.failed.append(end)
        elif end.outcome != Outcome.interrupted:
            self.failed.clear()
            self.worked = True

    @property
    def hopeless(self) -> bool:
        """Whether to stop: nothing has worked yet, or one fault meets every trial."""
        last = self.failed[-IN_A_ROW:]
        alike = len({(end.outcome, end.reason) for end in last}) == 1
        fault = alike and last[0].outcome in FAULTS
        return len(last) == IN_A_ROW and (not self.worked or fault)

    def error(self) -> FairtuneError:
        """What the failures have in common, as an error to end with."""
        reasons = common([(end.outcome, end.reason) for end in self.failed])
        kind = FairtuneError if self.worked else NothingCompletedError
        return kind(
            f"the last {len(self.failed)} trials failed: {reasons}. The study was "
            "stopped; the same command goes on with the trials that are left"
        )


def common(ends: Sequence[tuple[Outcome, str]]) -> str:
    """Outcomes and reasons with how often they came, the most frequent first."""
    return counted([f"{outcome}: {reason}" for outcome, reason in ends])
