"""Failed trials are queued again after their code was mended: those of all arms alike."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightning_modules.errors import UserError
from studies.home import Home
from studies.inputs.identities import (
    FILES,
    OF_FUNCTION,
    Identities,
    changed_files,
    code_of,
    identities,
    own_code,
)
from studies.records import Record
from studies.records.reader import require_study
from studies.records.types import SUPERSEDED
from studies.results import StudyResults, read_results
from studies.search.failure_policy import FAILURES


@dataclass(frozen=True)
class Reset:
    """What was queued again."""

    study: str
    queued: Mapping[str, int]
    """Failed trials that are trained again, by their arm."""
    restarted: int
    """Interrupted trials that begin anew, since their code has changed."""
    changed: Sequence[str]
    """The files of code that have changed, by name."""
    functions: Sequence[str]
    """Functions of Python that train: the next call of `fairtune.run` may have changed them."""
    results: StudyResults


def reset_failed(home: Home, study: str) -> Reset:
    """Queue the failed trials of all arms of a study again, and accept that their code has
    changed. What they were stays in the record.

    Raises UserError where no trial has failed, and where data has changed: trials that completed
    have seen other rows. BusyError where the study is being run.
    """
    require_study(home, study)
    with Record.writing(home, study) as record:
        record.close_abandoned()
        results = read_results(record, home, study)
        before: Identities = record.notes().get(FILES) or {}
        now = identities(results.spec, home)
        changed = changed_files(record, now)
        _refuse_changed_data(results, changed)
        trials = [each for each in record.trials() if each.phase != SUPERSEDED]
        failed = [each for each in trials if each.outcome in FAILURES]
        if not failed:
            raise UserError(
                f"study {study} has no failed trial that could be queued again: a trial that "
                "diverged was trained as its configuration says, and that is its result"
            )
        functions = [name for name in before if name.startswith(OF_FUNCTION)]
        restarted = [
            each for each in trials if not each.has_ended and each.curve and (changed or functions)
        ]
        record.note_code(code_of(results.spec, before))
        for trial in (*failed, *restarted):  # nothing continues what the old code has left
            for left in (home.continuation(study, trial.key), home.logged(study, trial.key)):
                shutil.rmtree(left, ignore_errors=True)
        kept = {name: found for name, found in before.items() if name not in functions}
        record.queue_again([*failed, *restarted], {FILES: {**kept, **now}, "finished": ""})
        counts = {arm: sum(trial.arm == arm for trial in failed) for arm in results.arms}
        again = read_results(record, home, study)
    return Reset(study, counts, len(restarted), list(changed), functions, again)


def _refuse_changed_data(results: StudyResults, changed: Mapping[str, str]) -> None:
    """Raise UserError where a file that is no code has changed."""
    code = own_code(results.spec, changed)
    for name in changed:
        if name not in code:
            raise UserError(
                f"{name}: has changed and is data, not code: trials that completed have seen other "
                "rows. Put the old file back, or give the study another name"
            )
