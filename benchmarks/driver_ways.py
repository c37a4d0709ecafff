"""One measurement of `run_study.py`, in a process of its own: the last line of output is JSON.

Trainings are instant: 10 epochs with 8 metrics each, one trial after the other. fairtune runs the
whole of `fairtune run` but for the workers: checks, record, sampler, pruner, display, mirrors,
results and comparison. Plain Optuna asks, reports, asks whether to prune, and tells.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from studies.engines import Ended, Epoch, Event, Task
from studies.records import Outcome, TrialEnd

EPOCHS = 10
STUDY = """\
study: driven
data: {{name: digits, batch_size: {{values: [16, 32, 64, 128]}}}}
model:
  name: mlp
  hidden: {{values: [[32], [64], [64, 64], [128, 64]]}}
  activation: {{values: [relu, tanh, gelu]}}
optimizer:
  name: adamw
  lr: {{min: 1e-5, max: 1e-1, log: true}}
  weight_decay: {{min: 1e-6, max: 1e-1, log: true}}
  eps: {{min: 1e-9, max: 1e-6, log: true}}
schedule: {{name: cosine, warmup: {{min: 0.0, max: 0.3}}}}
regularization:
  dropout: {{min: 0.0, max: 0.6}}
  gradient_clip: {{min: 0.1, max: 10.0, log: true}}
trainer: {{epochs: {epochs}}}
objective: {{metric: val/accuracy}}
search: {{method: {sampler}, trials: {trials}, pruner: {pruner}}}
"""


def suggest(trial: Any) -> dict[str, Any]:
    """The nine parameters of the study file, asked of plain Optuna."""
    return {
        "batch_size": trial.suggest_categorical("data.batch_size", [16, 32, 64, 128]),
        "hidden": trial.suggest_categorical(
            "model.hidden", ["[32]", "[64]", "[64, 64]", "[128, 64]"]
        ),
        "activation": trial.suggest_categorical("model.activation", ["relu", "tanh", "gelu"]),
        "lr": trial.suggest_float("optimizer.lr", 1e-5, 1e-1, log=True),
        "weight_decay": trial.suggest_float("optimizer.weight_decay", 1e-6, 1e-1, log=True),
        "eps": trial.suggest_float("optimizer.eps", 1e-9, 1e-6, log=True),
        "warmup": trial.suggest_float("schedule.warmup", 0.0, 0.3),
        "dropout": trial.suggest_float("regularization.dropout", 0.0, 0.6),
        "clip": trial.suggest_float("regularization.gradient_clip", 0.1, 10.0, log=True),
    }


def accuracy(lr: float, decay: float, epoch: int) -> float:
    """What a training reaches: a curve over its learning rate."""
    return 1.0 / (1.0 + 100 * abs(lr - 3e-3) + decay) - 0.2 / epoch


@dataclass
class Clock:
    """CPU and time at the beginning and at the end of every trial."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    epochs: int = 0

    def tick(self) -> None:
        """A trial has ended, or the first one begins."""
        self.cpu.append(time.process_time())
        self.wall.append(time.perf_counter())

    def found(self) -> dict[str, float]:
        """What one trial costs, and how that grows: the last tenth beside the second one."""
        trials = len(self.cpu) - 1
        tenth = max(1, trials // 10)
        cpu, wall = (times[-1] - times[0] for times in (self.cpu, self.wall))
        early = self.cpu[2 * tenth] - self.cpu[tenth] if trials >= 2 * tenth else cpu
        late = self.cpu[-1] - self.cpu[-1 - tenth]
        return {
            "trials": trials,
            "epochs": self.epochs,
            "cpu_ms": 1000 * cpu / trials,
            "epochs_per_second": self.epochs / wall,
            "growth": late / early,
        }


class InstantEngine:
    """Trains in no time, one trial at a time: every epoch waits for its answer."""

    def __init__(self, *_: Any) -> None:
        self._task: Task | None = None
        self._events: list[Event] = []
        self._epoch = 0

    @property
    def free(self) -> int:
        return 0 if self._task else 1

    @property
    def kinds(self) -> Mapping[str, int]:
        return {"cpu": self.free}

    @property
    def waiting(self) -> Sequence[str]:
        return ()

    def start(self) -> None: ...

    def submit(self, task: Task) -> None:
        self._task, self._epoch = task, 0
        self.proceed(task.trial)

    def proceed(self, trial: str) -> None:
        if self._epoch == EPOCHS:
            self._end(Outcome.completed)
            return
        self._epoch += 1
        self._events.append(Epoch(trial, self._epoch, self._metrics()))

    def stop(self, trial: str) -> None:
        self._end(Outcome.pruned)

    def interrupt(self, trial: str) -> None:
        self._end(Outcome.interrupted)

    def kill(self, trial: str, end: TrialEnd) -> None:
        self._task, self._events = None, [Ended(trial, end)]

    def events(self, timeout: float | None) -> Sequence[Event]:
        events, self._events = self._events, []
        if events and isinstance(events[-1], Ended):
            self._task = None
        return events

    def close(self) -> None: ...

    def _metrics(self) -> dict[str, float]:
        assert self._task is not None
        optimizer = self._task.configuration.optimizer.parameters
        lr = optimizer["lr"]
        right = accuracy(lr, optimizer["weight_decay"], self._epoch)
        return {
            "train/loss": 1.02 - right,
            "train/accuracy": right + 0.01,
            "train/f1": right + 0.005,
            "val/loss": 1.1 - right,
            "val/accuracy": right,
            "val/f1": right - 0.004,
            "optim/lr": lr,
            "time/epoch_s": 0.01234,
        }

    def _end(self, outcome: Outcome) -> None:
        assert self._task is not None
        end = TrialEnd(
            outcome, epochs=self._epoch, best_epoch=self._epoch, best=self._metrics(),
            seconds=0.1, data_hash="0123456789abcdef", device="cpu",
            rows={"train": 1078, "validation": 359, "test": 360},
        )  # fmt: skip
        self._events.append(Ended(self._task.trial, end))


class NoMirrors:
    """In place of the mirrors of a study that has none."""

    def __init__(self, *_: Any) -> None: ...

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def run_fairtune(
    sampler: str, pruner: str, trials: int, folder: Path, *, mirrored: bool = True
) -> dict[str, Any]:
    """A study as `fairtune run` runs it, but for the workers."""
    from studies.analysis import summary
    from studies.home import Home
    from studies.running import run_study
    from studies.running.display import Display
    from studies.search import AskedTrial
    from studies.study_file import document, resolve

    clock = Clock()

    class Watch(Display):
        def phase(self, name: str, total: int | None, done: int) -> None:
            clock.tick()

        def ended(self, asked: AskedTrial, end: TrialEnd, value: float | None) -> None:
            clock.epochs += end.epochs
            clock.tick()

    text = STUDY.format(epochs=EPOCHS, sampler=sampler, trials=trials, pruner=pruner)
    before = time.process_time()
    mirroring = run_study.Mirroring if mirrored else NoMirrors
    with mock.patch.multiple(run_study, LocalEngine=InstantEngine, Mirroring=mirroring):
        spec = resolve(document.parse(text, "driven.yaml"))
        found = run_study.run_study(spec, Home.at(folder / "home"), workers=1, display=Watch())
        assert len(found.results.ended) == trials
        summary(found.results)
    whole = time.process_time() - before
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = clock.found()
    return {
        **cost,
        "mirrored": mirrored,
        "mirror_cpu_ms": 1000 * (children.ru_utime + children.ru_stime) / trials,
        "rest_cpu_s": whole - cost["cpu_ms"] * trials / 1000,
        "record_mb": sum(f.stat().st_size for f in folder.rglob("record.db*")) / 2**20,
    }


def run_optuna(storage: str, sampler: str, pruner: str, trials: int, folder: Path) -> Any:
    """The same trials by plain Optuna."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storages: dict[str, Callable[[], Any]] = {
        "sqlite": lambda: f"sqlite:///{folder / 'optuna.db'}",
        "journal": lambda: optuna.storages.JournalStorage(
            JournalFileBackend(str(folder / "journal"))
        ),
        "memory": optuna.storages.InMemoryStorage,
    }
    samplers: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
        "random": lambda: optuna.samplers.RandomSampler(seed=0),
        "tpe": lambda: optuna.samplers.TPESampler(seed=0, multivariate=True, group=True),
    }
    pruners: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
        "none": optuna.pruners.NopPruner,
        "median": optuna.pruners.MedianPruner,
    }
    study = optuna.create_study(
        storage=storages[storage](), sampler=samplers[sampler](), pruner=pruners[pruner](),
        direction="maximize",
    )  # fmt: skip
    clock = Clock()
    clock.tick()
    for _ in range(trials):
        trial = study.ask()
        given = suggest(trial)
        value, state = 0.0, optuna.trial.TrialState.COMPLETE
        for epoch in range(1, EPOCHS + 1):
            clock.epochs += 1
            value = accuracy(given["lr"], given["weight_decay"], epoch)
            trial.report(value, epoch)
            if trial.should_prune() and epoch < EPOCHS:
                state = optuna.trial.TrialState.PRUNED
                break
        study.tell(trial, value if state is optuna.trial.TrialState.COMPLETE else None, state)
        clock.tick()
    return clock.found()


def peak_mb() -> float:
    """The most memory that this process has had. Where the kernel says it of the program alone
    that is taken: what `getrusage` says may be of the process that started it."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def main() -> None:
    """`driver_ways.py WAY SAMPLER PRUNER TRIALS`; the way is `fairtune`, `unmirrored`, `sqlite`,
    `journal` or `memory`."""
    way, sampler, pruner, trials = sys.argv[1:]
    with TemporaryDirectory(prefix="driver-") as folder:
        given = sampler, pruner, int(trials), Path(folder)
        if way in ("fairtune", "unmirrored"):
            found = run_fairtune(*given, mirrored=way == "fairtune")
        else:
            found = run_optuna(way, *given)
    known = {"way": way, "sampler": sampler, "pruner": pruner}
    print(json.dumps({**known, **found, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
