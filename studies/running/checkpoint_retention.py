"""Which checkpoints are kept while a study runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from studies.analysis.representative import KEPT_CHECKPOINTS
from studies.records import Trial
from studies.results.ranking import best_trials, ranked
from studies.search.trial_store import TrialStore
from studies.study_file import Spec, confirm_seeds


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
