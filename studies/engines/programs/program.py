"""A trial that is a program of the user's, in any language.

The program is started without a shell. After every epoch it prints one line on standard output,
`{"epoch": 1, "metrics": {"val/accuracy": 0.9}}`, and before it ends it may print
`{"test": {"test/accuracy": 0.9}}`; every other line is its log. After each epoch it may read one
line of standard input: `proceed`, or `stop`, upon which it should end.

Where the study file says by `metrics:` where a program's metrics are read, it says nothing of this
and listens to nothing: it is ended after the epoch at which it is stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning_modules.errors import UserError
from lightning_modules.rights import make_folder
from studies.engines import Task
from studies.engines.last_words import error_line, exit_words
from studies.engines.memory import says_out_of_memory
from studies.engines.programs.process import ProgramProcess
from studies.engines.programs.reports import read_report
from studies.engines.programs.written import WrittenMetrics
from studies.engines.reported_epochs import ReportedEpochs
from studies.records import EpochReport, Outcome, TrialEnd

LATEST_FIRST = 5
"""The epoch by which a program that does not report has written its objective."""


def run_program(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """Run a task's program, asking after every epoch whether to go on.

    Raises UserError where the program cannot be started or does not keep to the protocol.
    """
    assert task.continuation is not None
    folder = Path(task.continuation)
    make_folder(folder)
    began = time.perf_counter()
    written = WrittenMetrics(task.metrics, task, folder) if task.metrics else None
    reports = ReportedEpochs(task.configuration, "the program")
    if written is not None:
        reports = replace(reports, patience=LATEST_FIRST, hint=written.missing)
    with ProgramProcess.started(
        task, folder, written.variables if written else {}, written is not None and written.in_log
    ) as program:
        for said in written.reports(program) if written else _reports(program):
            if "test" in said:
                reports.take_test(said["test"])
                continue
            report = reports.epoch(said)
            go_on = ask(report)
            if reports.diverged:
                return reports.end(Outcome.diverged, reports.diverged, began, task)
            if written is None:
                program.answer("proceed" if go_on else "stop")
            if not go_on:
                if written is None:
                    program.wait_briefly()
                reason = f"stopped by the pruner after epoch {report.epoch}"
                return reports.end(Outcome.pruned, reason, began, task)
        code = program.wait()
        last = error_line(program.errors, program.log)
        if code == 0 and not reports.epochs:
            why = f" ({written.missing()})" if written else ""
            words = f"; its last words: {last or 'none'}"
            raise UserError(f"the program reported no epoch{why}{words}")
        if code == 0 and not reports.best:
            raise reports.lacks_objective(reports.epochs[-1], len(reports.epochs))
        if code == 0:
            if written is not None:
                written.require_read()
            return reports.end(Outcome.completed, "", began, task)
        log = "\n".join([*program.log, *program.errors])
        reason = exit_words("the program", code)
        if says_out_of_memory(last):
            return reports.end(Outcome.out_of_memory, f"{reason}: {last}", began, task, log)
        if code < 0:
            return reports.end(Outcome.crashed, reason, began, task, log)
        reason = f"{reason}: {last or 'it printed nothing'}"
        return reports.end(Outcome.error, reason, began, task, log)


def _reports(program: ProgramProcess) -> Iterator[dict[str, Any]]:
    """The reports among the lines that a program prints."""
    for line in program.lines():
        said = read_report(line)
        if said is not None and ("epoch" in said or "test" in said):
            yield said
        else:
            program.log.append(line)
