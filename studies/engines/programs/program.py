"""A trial that is a program of the user's, in any language.

The program is started without a shell. After every epoch it prints one line on standard output,
`{"epoch": 1, "metrics": {"val/accuracy": 0.9}}`, and before it ends it may print
`{"test": {"test/accuracy": 0.9}}`; every other line is its log. After each epoch it may read one
line of standard input: `proceed`, or `stop`, upon which it should end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lightning_modules.errors import UserError
from lightning_modules.rights import make_folder
from studies.engines import Task
from studies.engines.last_words import error_line, exit_words
from studies.engines.programs.process import ProgramProcess
from studies.engines.programs.reports import read_report
from studies.engines.reported_epochs import ReportedEpochs
from studies.records import EpochReport, Outcome, TrialEnd


def run_program(task: Task, ask: Callable[[EpochReport], bool]) -> TrialEnd:
    """Run a task's program, asking after every epoch whether to go on.

    Raises UserError where the program cannot be started or does not keep to the protocol.
    """
    assert task.continuation is not None
    folder = Path(task.continuation)
    make_folder(folder)
    began = time.perf_counter()
    with ProgramProcess.started(task, folder) as program:
        reports = ReportedEpochs(task.configuration, "the program")
        for line in program.lines():
            said = read_report(line)
            if said is None:
                program.log.append(line)
            elif "epoch" in said:
                report = reports.epoch(said)
                go_on = ask(report)
                if reports.diverged:
                    return reports.end(Outcome.diverged, reports.diverged, began, task)
                program.answer("proceed" if go_on else "stop")
                if not go_on:
                    program.wait_briefly()
                    reason = f"stopped by the pruner after epoch {report.epoch}"
                    return reports.end(Outcome.pruned, reason, began, task)
            elif "test" in said:
                reports.take_test(said["test"])
            else:
                program.log.append(line)
        code = program.wait()
        last = error_line(program.errors, program.log)
        if code == 0 and not reports.epochs:
            raise UserError(f"the program reported no epoch; its last words: {last or 'none'}")
        if code == 0:
            return reports.end(Outcome.completed, "", began, task)
        log = "\n".join([*program.log, *program.errors])
        reason = exit_words("the program", code)
        if code < 0:
            return reports.end(Outcome.crashed, reason, began, task, log)
        reason = f"{reason}: {last or 'it printed nothing'}"
        return reports.end(Outcome.error, reason, began, task, log)
