"""On which kind of device the trials of a seed train: all arms on the one that the first got.

Numbers repeat on one model of device only, and arms are compared seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from studies.records import Trial

Seed = tuple[str, int, int]
"""A phase, a repeat and a seed: what the trials of all arms have in common."""


def seed_of(trial: Trial) -> Seed:
    """What a trial has in common with those of other arms."""
    return trial.phase, trial.repeat, trial.seed


@dataclass
class DeviceKinds:
    """The kind of device that each seed is bound to, by the first of its trials."""

    bound: dict[Seed, str] = field(default_factory=dict)

    def recall(self, trials: Iterable[Trial]) -> None:
        """Bind the seeds of recorded trials; one that took another's result was not trained."""
        for trial in trials:
            if trial.device and trial.duplicate_of is None:
                self.bound.setdefault(seed_of(trial), trial.device)

    def bind(self, seed: Seed, kind: str, free: Mapping[str, int]) -> None:
        """Let the trials of a seed follow the one that begins on a kind, unless they follow another
        one on a kind that there is here."""
        if self.bound.get(seed) not in free:
            self.bound[seed] = kind

    def choose(self, seed: Seed, free: Mapping[str, int], before: str = "") -> str | None:
        """The kind on which a trial can begin now; None where it waits for one that is busy.

        Args:
            seed: The trial's.
            free: Free workers of every kind that there is here. A seed may be bound to one that is
                not: the study has come from another machine.
            before: The kind on which the trial was interrupted, which repeats its numbers.
        """
        for kind in (before, self.bound.get(seed, "")):
            if kind in free:
                return kind if free[kind] else None
        kind = max(free, key=free.__getitem__)
        return kind if free[kind] else None
