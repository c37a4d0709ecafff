"""Whatever the design and whatever happens, every arm gets exactly its budget, and all arms of a
seed train on one kind of device."""

import itertools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from studies import results
from studies.engines import Task
from studies.home import Home
from studies.records import EpochReport, Outcome, Record, TrialEnd
from studies.results import StudyResults
from studies.running.trial_loop import Display, Runner
from studies.study_file import Spec, document, resolve
from tests.support.kinds import KindsEngine

EPOCHS = 4
OPTIMIZERS = ("sgd", "momentum", "adam", "rmsprop")


@dataclass(frozen=True)
class Design:
    """A study, and what happens to it."""

    arms: int
    sampler: str
    pruner: str
    budget: str
    seeds: int
    slots: Mapping[str, int]
    """Workers by their kind of device."""
    failing: int
    """Trials whose seed divides by this fail; 0 for none."""
    interruptions: tuple[int, ...]
    """After so many trainings each, the study is stopped and started again."""
    repeats: int = 1
    restart: int = 0
    """Looks at the events until a worker is free again after a trial."""
    crashing: int = 0
    """Trials whose seed divides by this crash at their first attempt; 0 for none."""

    def spec(self) -> Spec:
        alternatives = "\n".join(
            f"  - {{name: {name}, lr: {{min: 1e-3, max: 1e-1, log: true, num: 3}}}}"
            for name in OPTIMIZERS[: self.arms]
        )
        budget = "" if self.sampler == "grid" else f", {self.budget}"
        text = f"""
study: design
data: digits
model: {{name: mlp, hidden: [4]}}
optimizer:
{alternatives}
trainer: {{epochs: {EPOCHS}}}
search: {{method: {self.sampler}{budget}, pruner: {self.pruner}, repeats: {self.repeats}}}
compare: {{factor: optimizer, claim: {"configurations" if self.repeats == 1 else "arms"}}}
confirm: {{top: 1, seeds: {self.seeds}}}
"""
        return resolve(document.parse(text, "design.yaml"))


designs = st.builds(
    Design,
    arms=st.integers(2, 4),
    sampler=st.sampled_from(["random", "tpe", "grid"]),
    pruner=st.sampled_from(["none", "{name: median, n_startup_trials: 1}", "hyperband"]),
    budget=st.sampled_from(["trials: 1", "trials: 3", "trials: 5", "epochs: 11", "epochs: 4"]),
    seeds=st.integers(1, 3),
    slots=st.integers(1, 3).map(lambda count: {"cpu": count}),
    failing=st.sampled_from([0, 2, 3]),
    interruptions=st.lists(st.integers(0, 12), max_size=3).map(tuple),
)


def perform_for(
    design: Design, used: Mapping[str, list[str]]
) -> Callable[[Task, Callable[[EpochReport], bool]], TrialEnd]:
    def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
        crashes = design.crashing and (task.seed >> 1) % design.crashing == 0
        if crashes and len(used[task.trial]) == 1:
            return TrialEnd(Outcome.crashed, reason="killed")
        if design.failing and (task.seed >> 1) % design.failing == 0:
            return TrialEnd(Outcome.diverged, epochs=1)
        best: dict[str, float] = {}
        for epoch in range(1, EPOCHS + 1):
            best = {"val/accuracy": epoch / 10 - (task.seed % 101) / 1000}
            if not on_epoch(EpochReport(epoch, best)):
                return TrialEnd(Outcome.pruned, epochs=epoch, best_epoch=epoch, best=best)
        return TrialEnd(Outcome.completed, epochs=EPOCHS, best_epoch=EPOCHS, best=best)

    return perform


def run(
    design: Design, home: Home, stop_after: int | None, used: dict[str, list[str]] | None = None
) -> int:
    """Run the study until so many trainings have begun; how many it took. `used` is told the kinds
    that trials ran on."""
    begun = 0
    used = {} if used is None else used
    perform = perform_for(design, used)

    def counted(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
        nonlocal begun
        begun += 1
        return perform(task, on_epoch)

    engine = KindsEngine(counted, design.slots, design.restart)
    engine.used = used
    with Record.writing(home, "design") as record:
        Runner(
            design.spec(),
            home,
            record,
            engine,
            Display(),
            stopping=lambda: stop_after is not None and begun >= stop_after,
        ).run()
    engine.close()
    return begun


def check_budget(design: Design, found: StudyResults) -> None:
    spent = []
    for arm, repeat in itertools.product(found.arms, range(1, design.repeats + 1)):
        trials = found.searched(arm, repeat)
        assert all(trial.outcome != Outcome.interrupted for trial in trials)
        if design.sampler == "grid":
            assert len(trials) == 3
            assert len({trial.config_hash for trial in trials}) == 3
        elif design.budget.startswith("trials"):
            assert len(trials) == int(design.budget.split()[1])
        else:
            limit = int(design.budget.split()[1])
            trained = {trial.number: trial.epochs for trial in trials}
            repeated = [t.duplicate_of for t in trials if t.duplicate_of is not None]
            epochs = sum(trained.values()) + sum(trained[number] for number in repeated)
            assert limit - EPOCHS < epochs <= limit
        spent.append(len(trials))
    if not design.budget.startswith("epochs"):
        assert len(set(spent)) == 1


def check_seeds(design: Design, found: StudyResults) -> None:
    fresh: dict[str, list[int]] = {}
    for trial in found.ended:
        if trial.phase == "confirm":
            fresh.setdefault(trial.arm, []).append(trial.seed)
    used = {trial.seed for trial in found.search}
    for arm, seeds in fresh.items():
        assert len(seeds) == len(set(seeds)) == design.seeds, arm
        assert not used & set(seeds)
        assert sorted(seeds) == sorted(next(iter(fresh.values())))
    with_winner = [arm for arm in found.arms if found.winner(arm)[0] is not None]
    assert sorted(fresh) == sorted(with_winner)


SETTINGS = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking such a study takes minutes
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@SETTINGS
@given(designs)
def test_every_arm_gets_its_budget_and_the_same_fresh_seeds(design: Design) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home.at(Path(folder))
        for stop_after in design.interruptions:
            run(design, home, stop_after)
        run(design, home, None)
        found = results.load_results(home, "design")
        check_budget(design, found)
        check_seeds(design, found)
        assert run(design, home, None) == 0


two_kinds = st.builds(
    replace,
    designs,
    slots=st.fixed_dictionaries({"H200": st.integers(1, 2), "A100": st.integers(1, 2)}),
    repeats=st.sampled_from([1, 2]),
    restart=st.integers(0, 3),
    crashing=st.sampled_from([0, 1, 2]),
)


def check_kinds(found: StudyResults, used: Mapping[str, list[str]]) -> None:
    kinds: dict[tuple[str, int, int], set[str]] = {}
    for trial in found.ended:
        if trial.key in used and trial.duplicate_of is None:
            (kind,) = set(used[trial.key])  # where it was continued, too
            assert trial.device == kind
            kinds.setdefault((trial.phase, trial.repeat, trial.seed), set()).add(kind)
    assert all(len(each) == 1 for each in kinds.values())
    if len(kinds) > 2 * len({phase for phase, *_ in kinds}):
        assert set.union(*kinds.values()) == {"H200", "A100"}


@settings(SETTINGS, max_examples=15)
@given(two_kinds)
def test_all_arms_of_a_seed_train_on_one_kind_of_device(design: Design) -> None:
    used: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Home.at(Path(folder))
        for stop_after in design.interruptions:
            run(design, home, stop_after, used)
        run(design, home, None, used)
        found = results.load_results(home, "design")
        check_budget(design, found)
        if design.repeats == 1:
            check_seeds(design, found)
        check_kinds(found, used)
        assert run(design, home, None) == 0
