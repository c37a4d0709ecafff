"""The trials of a search, on a real record: handed out, repeated, tried again and continued."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.home import Home
from studies.records import STOPPED, Outcome, Record, Trial, TrialEnd
from studies.records.types import ABANDONED
from studies.search import AskedTrial
from studies.search.arm_search import ArmSearch, derive_seed
from studies.search.pruning import may_prune, should_prune
from studies.study_file import Spec
from tests.support.made import spec_of

FILE = """
study: store
data: digits
model: {name: mlp, hidden: [4]}
optimizer:
  name: momentum
  lr: {min: 1e-3, max: 1.0, log: true}
  momentum: {min: 0.0, max: 0.9}
trainer: {epochs: 3}
search: {method: METHOD, trials: 8, pruner: {name: median, n_startup_trials: 1}}
"""
METRIC = "val/accuracy"
ONE = {"cpu": 1}
"""The free workers of every kind."""
INTERRUPTED = TrialEnd(Outcome.interrupted, reason=STOPPED, epochs=1)
CRASHED = TrialEnd(Outcome.crashed, reason="killed")


def spec(method: str = "random") -> Spec:
    return spec_of(FILE.replace("METHOD", method))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path)


@pytest.fixture
def record(home: Home) -> Iterator[Record]:
    with Record.writing(home, "store") as record:
        yield record


def opened(record: Record, method: str = "random") -> ArmSearch:
    """The search as a driver finds it."""
    given = spec(method)
    return ArmSearch.open(given.arms[0], given, record)


def ask(search: ArmSearch) -> AskedTrial:
    asked = search.ask(ONE)
    assert asked is not None
    return asked


def train(search: ArmSearch, asked: AskedTrial, value: float = 0.5, epochs: int = 3) -> None:
    """Report so many epochs of a trial."""
    for epoch in range(1, epochs + 1):
        if search.store.epoch(asked, epoch, {METRIC: value, "train/loss": 1.0 * epoch}, value):
            assert asked.handle is not None
            asked.handle.report(value, epoch)


def end(search: ArmSearch, asked: AskedTrial, how: TrialEnd, value: float | None = None) -> Trial:
    ended = search.store.finish(asked, how, value)
    search.finished(ended)
    return ended


def complete(search: ArmSearch, value: float = 0.5) -> Trial:
    asked = ask(search)
    train(search, asked, value)
    best = {METRIC: value}
    return end(search, asked, TrialEnd(Outcome.completed, epochs=3, best_epoch=1, best=best), value)


def test_a_duplicate_has_the_epochs_and_the_value_of_the_trial_that_it_repeats(
    record: Record,
) -> None:
    search = opened(record)
    first = complete(search)
    asked = search.store.reuse_result(ask(search), first)
    end(search, asked, TrialEnd(Outcome.completed, best=first.best), first.value)
    one, other = record.trials()
    assert (one.duplicate_of, other.duplicate_of) == (None, 0)
    assert (
        (other.value, other.curve) == (one.value, one.curve) == (0.5, dict.fromkeys((1, 2, 3), 0.5))
    )
    epochs = [[row.metrics for row in record.epochs(trial.id)] for trial in (one, other)]
    assert epochs[0] == epochs[1]
    known = opened(record).store.study
    assert known is not None
    assert [trial.intermediate_values for trial in known.study.trials] == [one.curve] * 2


def test_a_result_of_other_code_stands_for_no_trial(record: Record) -> None:
    record.note_code("before")
    old = complete(opened(record)).config_hash
    assert set(opened(record).store.cached_results) == {old}
    record.note_code("after")
    search = opened(record)
    assert not search.store.cached_results
    new = complete(search)
    assert search.store.cached_results == {new.config_hash: new}


def test_only_results_that_would_come_again_stand_for_another_trial(record: Record) -> None:
    search = opened(record)
    hashes = {}
    for outcome in (Outcome.pruned, Outcome.diverged, Outcome.error, Outcome.timeout):
        asked = ask(search)
        hashes[outcome] = asked.trial.config_hash
        end(search, asked, TrialEnd(outcome))
    reusable = {hashes[Outcome.pruned], hashes[Outcome.diverged]}
    assert set(search.store.cached_results) == reusable
    assert set(opened(record).store.cached_results) == reusable


def test_a_completed_trial_has_a_finite_value(record: Record) -> None:
    search = opened(record)
    for value in (None, float("nan"), float("inf")):
        asked = ask(search)
        with pytest.raises(ValueError, match="completed without a finite value"):
            search.store.finish(asked, TrialEnd(Outcome.completed), value)


def test_attempts_are_counted_over_all_runs_and_interruptions_are_none(home: Home) -> None:
    counts = []
    for _ in range(3):
        with Record.writing(home, "store") as record:
            record.close_abandoned()
            search = opened(record)
            asked = ask(search)
            assert asked.trial.number == 0
            counts.append(search.store.end_attempt(asked, CRASHED))
            search.store.begin_attempt(asked)
            end(search, asked, INTERRUPTED)
    assert counts == [1, 2, 3]


@pytest.mark.parametrize("method", ["random", "tpe", "qmc", "cmaes", "gp"])
def test_a_driver_that_dies_while_it_suggests_leaves_nothing_and_the_next_one_suggests_the_same(
    method: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Record.writing(home, "store") as record:
        search = opened(record, method)
        for value in (0.1, 0.5, 0.3, 0.4):
            complete(search, value)
        suggest = type(search.arm.space).suggest

        def dies(*given: object) -> object:
            suggest(*given)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(type(search.arm.space), "suggest", dies)
            with pytest.raises(KeyboardInterrupt):
                search.ask(ONE)
        assert len(record.trials()) == 4
    with Record.writing(home, "store") as record:
        again = ask(opened(record, method)).trial
    with Record.writing(home, "other") as other:
        whole = opened(other, method)
        for value in (0.1, 0.5, 0.3, 0.4):
            complete(whole, value)
        expected = ask(whole).trial
    assert (again.number, again.params, again.seed) == (4, expected.params, expected.seed)


def test_the_trials_of_a_driver_that_died_are_continued_first_with_what_they_had(
    home: Home,
) -> None:
    with Record.writing(home, "store") as record:
        search = opened(record)
        complete(search)
        abandoned = [ask(search) for _ in range(2)]
        train(search, abandoned[0], epochs=2)
    with Record.writing(home, "store") as record:
        record.close_abandoned()
        assert [trial.reason for trial in record.trials()] == ["", ABANDONED, ABANDONED]
        assert [trial.epochs for trial in record.trials()] == [3, 2, 0]
        search = opened(record)
        again = [ask(search) for _ in range(2)]
        for before, after in zip(abandoned, again, strict=True):
            same = ("number", "key", "params", "seed", "configuration", "started", "id")
            assert [getattr(after.trial, name) for name in same] == [
                getattr(before.trial, name) for name in same
            ]
        assert [asked.curve for asked in again] == [{1: 0.5, 2: 0.5}, {}]
        assert not search.store.epoch(again[0], 2, {METRIC: 0.9}, 0.9)
        assert record.trials()[1].curve == {1: 0.5, 2: 0.5}


def test_numbers_follow_one_another_whatever_comes_of_the_trials_and_in_however_many_runs(
    home: Home,
) -> None:
    ends = [TrialEnd(Outcome.error), INTERRUPTED, TrialEnd(Outcome.diverged), CRASHED]
    for how in ends:
        with Record.writing(home, "store") as record:
            record.close_abandoned()
            search = opened(record)
            side_by_side = [ask(search), ask(search)]
            end(search, side_by_side[0], how)
    with Record.writing(home, "store") as record:
        record.close_abandoned()
        search = opened(record)
        while (asked := search.ask(ONE)) is not None:
            end(search, asked, TrialEnd(Outcome.timeout))
        trials = record.trials()
    assert [trial.number for trial in trials] == list(range(8))
    assert [trial.seed for trial in trials] == [derive_seed(0, "search", n) for n in range(8)]
    assert len({trial.config_hash for trial in trials}) == 8


def test_a_trial_that_is_continued_last_keeps_its_parameters(record: Record) -> None:
    search = opened(record, "{name: tpe, n_startup_trials: 2}")
    late = ask(search)
    for value in (0.1, 0.5, 0.3):
        complete(search, value)
    end(search, late, INTERRUPTED)
    again = ask(opened(record, "{name: tpe, n_startup_trials: 2}"))
    assert (again.trial.number, again.trial.params) == (0, late.trial.params)
    assert again.configuration.hash == late.configuration.hash


def test_an_answer_of_the_pruner_stands_for_every_attempt(record: Record) -> None:
    search = opened(record)
    complete(search, 0.9)
    complete(search, 0.8)
    asked = ask(search)
    train(search, asked, 0.1, epochs=1)
    assert may_prune(search.spec, asked, 1) and should_prune(asked, 1)
    assert not search.store.epoch(asked, 1, {METRIC: 0.1}, 0.1)
    assert should_prune(asked, 1)
