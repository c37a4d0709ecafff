"""A process that writes a record on and on, and says what it has written, until it is killed."""

from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection

from studies.home import Home
from studies.records import Outcome, Record, TrialEnd
from tests.support.record_made import STUDY, trial_of

Said = tuple[str, ...]


def acknowledged(home: Home, count: int) -> set[Said]:
    """What a writer has said to be written when it is killed, after so many lines.

    It comes from the fork server: it imports nothing anew.
    """
    context = get_context("forkserver")
    read, write = context.Pipe(duplex=False)
    process = context.Process(target=write_on, args=(home, write), daemon=True)
    process.start()
    write.close()
    said = {read.recv() for _ in range(count)}
    process.kill()
    try:
        while True:
            said.add(read.recv())
    except (EOFError, OSError):  # the last line may be cut off
        pass
    process.join()
    return said


def write_on(home: Home, said: Connection) -> None:
    """Write trials without end."""
    with Record.writing(home, STUDY) as record:
        record.close_abandoned()
        search = record.add_search(STUDY, arm="", goal="minimize")
        number = len(record.trials())
        while True:
            trial = record.begin(trial_of(search, number))
            said.send(("begun", str(number)))
            for epoch in range(1, 4):
                record.epoch(trial.id, epoch, {"val/loss": 1 / epoch, "x": 1.0}, 1 / epoch)
                said.send(("epoch", str(number), str(epoch)))
            end = TrialEnd(Outcome.completed)
            record.finish(trial.finished(end, 1 / 3, datetime.now()))
            said.send(("finished", str(number)))
            number += 1
