"""Which trained networks are kept, and which of them stands for a study.

Where the best configuration has fresh runs, it is the one whose value is the median of them (of two
middle ones the worse): their mean is what one may expect of it. The run with the best value would
be the luckiest one, and no better on new data for that. On different splits values are compared
relative to what all arms' winners reach there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lightning_modules.components import unknown
from lightning_modules.configuration import Configuration
from lightning_modules.errors import NothingCompletedError, UserError
from studies.confirmation import best_trials, confirm_seeds, ranked
from studies.home import Home
from studies.placeholders import is_program
from studies.records import Trial
from studies.results import StudyResults
from studies.spec import Spec
from studies.trial_store import TrialStore

KEPT_CHECKPOINTS = 3


@dataclass(frozen=True)
class Chosen:
    """The trial whose network stands for a study."""

    trial: Trial
    seeds: int
    """Fresh seeds of the best configuration; 0 where it is not one of them."""
    is_median: bool = True
    asked: bool = False
    """Whether it was named by the user."""
    repeats: int = 1
    """Searches that every arm of the study has."""

    @property
    def words(self) -> str:
        """Which trial it is, and why."""
        name = f"{self.trial.key}, seed {self.trial.seed}"
        if self.repeats > 1:
            name += f", split {self.trial.split_seed} of repeat {self.trial.repeat}"
        if self.asked:
            return f"{name}, as asked"
        if self.seeds == 1:
            one = "run" if self.repeats > 1 else "seed"
            return f"{name}, the one fresh {one} of the best configuration"
        if self.seeds:
            which = "the median" if self.is_median else "the kept one nearest to the median"
            runs = "fresh runs" if self.repeats > 1 else "fresh seeds"
            return f"{name}, {which} of {self.seeds} {runs} of the best configuration"
        return f"{name}, the best trial of the search, not confirmed on fresh seeds"


def choose(results: StudyResults, key: str | None = None) -> Chosen:
    """The trial that stands for a study, or the one called `key`.

    Of a confirmation it is the one nearest to the median whose checkpoint is in the home. Raises
    NothingCompletedError where no trial has completed, UserError where there is no trial `key`.
    """
    if key is not None:
        known = {trial.key: trial for trial in results.ended}
        if key not in known:
            raise UserError(f"{results.study}: {unknown('trial', key, known)}")
        return Chosen(known[key], 0, asked=True, repeats=results.spec.repeats)
    best = results.best
    if best is None:
        raise NothingCompletedError(f"{results.study}: no trial has completed yet")
    runs = _nearest_to_median(results)
    here = [run for run in runs if results.home.checkpoint(results.study, run.key).exists()]
    if not runs:
        return Chosen(best.trial, 0, repeats=results.spec.repeats)
    chosen = (here or runs)[0]
    return Chosen(chosen, len(runs), chosen is runs[0], repeats=results.spec.repeats)


def configuration_of(trial: Trial) -> Configuration:
    """A trial's configuration, with the split that it had."""
    configuration = Configuration.resolve(trial.configuration)
    if trial.split is None or is_program(configuration):
        return configuration
    return configuration.with_split(trial.split)


def best_checkpoints(home: Home, found: StudyResults) -> list[tuple[str, Path]]:
    """The trial that stands for the study and the best few of the search, by key, with the files
    of their weights."""
    trials = ([found.best.trial] if found.best else []) + found.ranking
    keys = list(dict.fromkeys(trial.key for trial in trials))[:KEPT_CHECKPOINTS]
    if found.best:
        keys = list(dict.fromkeys([choose(found).trial.key, *keys]))
    files = [(key, home.checkpoint(found.study, key)) for key in keys]
    return [(key, file) for key, file in files if file.exists()]


@dataclass
class CheckpointKeeper:
    """Keeps the checkpoints that somebody may ask for while a study runs."""

    spec: Spec
    leaders: dict[int, Sequence[Trial]] = field(default_factory=dict)
    """The best trials of every search, by its row: the next one can only displace one of them."""

    def to_delete(self, store: TrialStore, ended: Trial) -> set[str]:
        """The trials, by key, whose checkpoints can go now that a trial of `store` has ended."""
        if ended.phase != "search":
            return checkpoints_to_delete(self.spec, store.ended, ended)
        search = store.search.id
        known = self.leaders.get(search)
        if known is None:
            known = store.ended
        rest = [trial for trial in known if trial.number != ended.number]
        self.leaders[search] = best_trials([*rest, ended], self.spec, KEPT_CHECKPOINTS + 1)
        return checkpoints_to_delete(self.spec, self.leaders[search], ended)


def checkpoints_to_delete(spec: Spec, trials: Collection[Trial], ended: Trial) -> set[str]:
    """The trials, by key, whose checkpoints can go now that the last of `trials` has ended."""
    if ended.phase == "confirm":
        return _cannot_be_median(spec, trials, ended)
    if ended.phase == "cross":
        return set()
    kept = KEPT_CHECKPOINTS if spec.repeats == 1 else 1
    keys = [trial.key for trial in best_trials(trials, spec, kept + 1)]
    return {ended.key, *keys[kept:]} - set(keys[:kept])


def _cannot_be_median(spec: Spec, trials: Collection[Trial], ended: Trial) -> set[str]:
    """Runs of a configuration on fresh seeds of a repeat that cannot become its median any more."""
    where = (ended.arm, ended.repeat, ended.config_hash)
    alike = [trial for trial in trials if (trial.arm, trial.repeat, trial.config_hash) == where]
    done = ranked(alike, spec)
    failed = len(alike) - len(done)
    count = max(len(done), confirm_seeds(spec) - failed)
    to_come, middle = count - len(done), count // 2
    kept = {trial.key for rank, trial in enumerate(done) if rank <= middle <= rank + to_come}
    return {trial.key for trial in alike} - kept


def _nearest_to_median(results: StudyResults) -> list[Trial]:
    """The fresh runs of the best configuration, the median first, then those next to it."""
    assert results.best is not None
    runs = results.best.runs
    order = sorted(range(len(runs)), key=lambda rank: abs(rank - len(runs) // 2))
    return [runs[rank] for rank in order]
