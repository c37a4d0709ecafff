"""A look at what a study will train: how large its networks are, and how long an epoch takes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from statistics import fmean
from types import FrameType

from lightning_modules.configuration import Configuration
from lightning_modules.errors import FairtuneError, UserCodeError, UserError
from lightning_modules.user_code.imports import error_summary, place_of
from studies.engines.memory import is_out_of_memory
from studies.engines.worker import first_line
from studies.study_file import is_program

PROBE_SECONDS = 10.0


def weight_counts(configuration: Configuration) -> tuple[int, int] | None:
    """The weights of the network, and those that are trained from the start; None where nobody can
    count them: a program's are its own.

    Raises UserCodeError where a class of the user's raises.
    """
    if is_program(configuration):
        return None
    from lightning_modules.training.building import build_data, build_module
    from lightning_modules.training.lazy_layers import has_lazy_layers, materialize

    with _told_with_its_place(configuration):
        data = build_data(configuration)
        module = build_module(configuration, data)
        materialize(module, data)
    if has_lazy_layers(module):
        return None
    counts = [(each.numel(), each.requires_grad) for each in module.parameters()]
    return sum(n for n, _ in counts), sum(n for n, trained in counts if trained)


def probe(configurations: Sequence[Configuration], loader_workers: int = 0) -> float | str:
    """Seconds per epoch, the mean of the configurations' second epochs, or why that is not known:
    programs are not run for this, and trainings are broken off after PROBE_SECONDS. Images are
    decoded by as many `loader_workers` as a training will have.

    Raises UserError where a training takes more memory than there is, and UserCodeError where a
    class of the user's raises.
    """
    seconds: list[float] = []
    with suppress(_TooLong), _alarm(PROBE_SECONDS):
        for configuration in configurations:
            if not is_program(configuration):
                seconds.append(_second_epoch(configuration, loader_workers))
        if not seconds:
            return "only the program knows how long an epoch takes"
    if not seconds:
        return f"two epochs were not over after {PROBE_SECONDS:.0f} s"
    return fmean(seconds)


def _second_epoch(configuration: Configuration, loader_workers: int) -> float:
    """How long the second epoch of a training takes, in seconds."""
    from lightning_modules.training.train import train

    seconds: list[float] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        seconds.append(metrics["time/epoch_s"])
        return True

    epochs = 2 * int(configuration.trainer["val_every"])
    two = replace(configuration, trainer={**configuration.trainer, "epochs": epochs})
    try:
        with _told_with_its_place(configuration):
            train(two, 0, on_epoch, loader_workers=loader_workers)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"a training of {configuration.model.name} takes more memory than there is here "
            f"({first_line(error)}); choose a smaller network or batch_size"
        ) from error
    return seconds[-1]


@contextmanager
def _told_with_its_place(configuration: Configuration) -> Iterator[None]:
    """Turn what code of the user's raises into a UserCodeError that names the line."""
    try:
        yield
    except Exception as error:
        is_told = isinstance(error, FairtuneError) or is_out_of_memory(error)
        if is_told or not configuration.class_paths:
            raise
        name = configuration.model.name
        raise UserCodeError(
            f"a training of {name} raised {error_summary(error)}{place_of(error)}"
        ) from error


class _TooLong(BaseException):
    """Nothing that a training catches."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise _TooLong in the body after so many seconds, where signals can be had."""
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable:
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before, left = signal.signal(signal.SIGALRM, ring), (0.0, 0.0)
    try:
        left = signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)
