"""The driver, on a real SQLite file, with trainings that follow a script."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.engines import Task
from studies.engines.inline import InlineEngine
from studies.home import Home
from studies.records import EpochReport, Outcome, Record, RecordReader, Trial, TrialEnd
from studies.running.trial_loop import Display, Runner
from studies.study_file import document, resolve
from tests.support.clocks import give_clock

FILE = """
study: arms
data: digits
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true, num: 3}}
  - {name: adam, lr: {min: 1e-4, max: 1e-1, log: true, num: 3}}
trainer: {epochs: 4}
search: {method: random, trials: 6, pruner: {name: median, n_startup_trials: 2}}
compare: {factor: optimizer, claim: configurations}
confirm: {top: 1, seeds: 3}
"""


def perform(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
    """A training whose accuracy grows with the epoch and falls with the seed's last digits."""
    best: dict[str, float] = {}
    for epoch in range(1, 5):
        best = {"val/accuracy": epoch / 10 - (task.seed % 100) / 1000}
        if not on_epoch(EpochReport(epoch, best)):
            return TrialEnd(Outcome.pruned, epochs=epoch, best_epoch=epoch, best=best)
    return TrialEnd(Outcome.completed, epochs=4, best_epoch=4, best=best)


def run(home: Home, text: str = FILE, stop_after: int | None = None) -> int:
    """Run the study; the number of trainings it took."""
    trained = 0

    def counted(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
        nonlocal trained
        trained += 1
        return perform(task, on_epoch)

    engine = InlineEngine(counted, slots=2)
    with Record.writing(home, "arms") as record:
        Runner(
            resolve(document.parse(text, "study.yaml")),
            home,
            record,
            engine,
            Display(),
            stopping=lambda: stop_after is not None and trained >= stop_after,
        ).run()
    engine.close()
    return trained


def trials(home: Home, name: str) -> list[Trial]:
    """The trials of a search, or of the fresh runs."""
    with RecordReader.open(home, "arms") as record:
        (search,) = [search for search in record.searches() if search.name == name]
        return record.trials(search.id)


def outcomes(home: Home, name: str) -> Counter[Outcome | None]:
    return Counter(trial.outcome for trial in trials(home, name))


def test_every_arm_gets_exactly_its_budget_and_the_winners_the_same_fresh_seeds(
    tmp_path: Path,
) -> None:
    home = Home.at(tmp_path)
    run(home)
    search_seeds = set()
    for arm in ("arms/sgd", "arms/adam"):
        searched = trials(home, arm)
        assert len(searched) == 6 and all(trial.has_ended for trial in searched)
        search_seeds |= {trial.seed for trial in searched}
    seeds: dict[str, set[int]] = {}
    for trial in trials(home, "arms:confirm"):
        seeds.setdefault(trial.arm, set()).add(trial.seed)
    assert seeds["sgd"] == seeds["adam"] and len(seeds["sgd"]) == 3
    assert not seeds["sgd"] & search_seeds
    assert run(home) == 0


def test_an_interrupted_study_ends_with_the_same_trials(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    run(home, stop_after=3)
    assert outcomes(home, "arms/sgd")[None] == 0
    run(home)
    for arm in ("arms/sgd", "arms/adam"):
        assert outcomes(home, arm).total() == 6
        assert outcomes(home, arm)[Outcome.interrupted] == 0


def test_a_grid_trains_every_point_once_across_an_interruption(tmp_path: Path) -> None:
    text = FILE.replace("method: random, trials: 6, ", "method: grid, ")
    compared = "compare: {factor: optimizer, claim: configurations}\n"
    text = text.replace(compared, "").replace("confirm: {top: 1, seeds: 3}\n", "")
    home = Home.at(tmp_path)
    run(home, text, stop_after=2)
    run(home, text)
    hashes = [trial.config_hash for trial in trials(home, "arms")]
    assert len(hashes) == len(set(hashes)) == 6


def test_a_timeout_ends_the_search_and_the_winners_are_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_clock(monkeypatch, seconds=60)
    text = FILE.replace("trials: 6,", "trials: 5000, timeout: 3600,")
    home = Home.at(tmp_path)
    run(home, text)
    searched = [len(trials(home, arm)) for arm in ("arms/sgd", "arms/adam")]
    assert min(searched) >= 1 and max(searched) < 5000 and abs(searched[0] - searched[1]) <= 1
    assert outcomes(home, "arms:confirm") == {Outcome.completed: 6}


FINITE = FILE.replace("trials: 6", "epochs: 30").replace(
    "min: 1e-3, max: 1.0, log: true, num: 3", "values: [0.1, 0.01]"
)


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_an_epoch_budget_ends_where_every_configuration_was_tried(
    tmp_path: Path, method: str
) -> None:
    home = Home.at(tmp_path)
    run(home, FINITE.replace("random", method), stop_after=3)
    run(home, FINITE.replace("random", method))
    sgd = [trial for trial in trials(home, "arms/sgd") if trial.arm == "sgd"]
    trained = {trial.number: trial.epochs for trial in sgd if trial.duplicate_of is None}
    assert len(trained) == 2
    used = sum(trained[t.number if t.duplicate_of is None else t.duplicate_of] for t in sgd)
    assert 30 - 4 < used <= 30


def test_an_epoch_budget_ends_where_trials_fail_before_their_first_epoch(tmp_path: Path) -> None:
    def failing(task: Task, on_epoch: Callable[[EpochReport], bool]) -> TrialEnd:
        if task.trial.endswith("0"):
            return perform(task, on_epoch)
        return TrialEnd(Outcome.diverged)

    text = FILE.replace("trials: 6", "epochs: 9")
    engine = InlineEngine(failing, slots=2)
    home = Home.at(tmp_path)
    with Record.writing(home, "arms") as record:
        Runner(resolve(document.parse(text, "study.yaml")), home, record, engine, Display()).run()
    engine.close()
    assert len(trials(home, "arms/sgd")) == 1 + 2  # 4 epochs, then one each while 4 more fit
