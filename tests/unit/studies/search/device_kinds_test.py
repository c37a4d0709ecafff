"""All arms of a seed train on the kind of device that the first of them got."""

from collections.abc import Mapping

import pytest

from studies.records import STOPPED, Outcome, Record, Search, TrialEnd
from studies.search.arm_search import ArmSearch, derive_seed
from studies.search.confirmation import Confirmation, PlannedTraining
from studies.search.device_kinds import DeviceKinds
from studies.study_file import Spec
from tests.support.made import spec_of
from tests.support.record_made import trial_of

FILE = """
study: kinds
data: digits
model: {name: mlp, hidden: [4]}
optimizer: [{name: sgd, lr: {min: 1e-3, max: 1.0}}, {name: adam, lr: {min: 1e-3, max: 1.0}}]
trainer: {epochs: 3}
search: {method: random, BUDGET}
compare: {factor: optimizer, claim: configurations}
confirm: {seeds: 2}
"""
METRIC = "val/accuracy"
SEED = ("search", 1, 8)
INTERRUPTED = TrialEnd(Outcome.interrupted, reason=STOPPED, epochs=1)
COMPLETED = TrialEnd(Outcome.completed, epochs=3, best_epoch=1, best={METRIC: 0.5})
Free = Mapping[str, int]


def spec(budget: str = "trials: 4") -> Spec:
    return spec_of(FILE.replace("BUDGET", budget))


def searches(record: Record, given: Spec) -> tuple[ArmSearch, ArmSearch]:
    """The searches of both arms, as a driver opens them."""
    devices = DeviceKinds()
    first, second = (ArmSearch.open(arm, given, record, devices=devices) for arm in given.arms)
    return first, second


def train(search: ArmSearch | Confirmation, free: Free, end: TrialEnd = COMPLETED) -> str:
    """Train the next trial that can begin; its name, and the kind that it got."""
    asked = search.ask(free)
    if asked is None:
        return "none"
    search.finished(search.store.finish(asked, end, end.best.get(METRIC)))
    return f"{asked.key} on {asked.kind}"


@pytest.mark.parametrize(
    ("bound", "before", "free", "kind"),
    [
        ("", "", {"H200": 1, "A100": 2}, "A100"),  # of which more are free
        ("", "", {"H200": 1, "A100": 1}, "H200"),
        ("", "", {"H200": 0, "A100": 0}, None),
        ("H200", "", {"H200": 1, "A100": 2}, "H200"),
        ("H200", "", {"H200": 0, "A100": 2}, None),
        ("H200", "", {"A100": 2}, "A100"),  # the study was continued on another machine
        ("H200", "A100", {"H200": 1, "A100": 1}, "A100"),  # to the numbers that it had
        ("H200", "A100", {"H200": 1, "A100": 0}, None),
        ("H200", "V100", {"H200": 1, "A100": 2}, "H200"),
    ],
)
def test_the_kind_for_a_trial(bound: str, before: str, free: Free, kind: str | None) -> None:
    devices = DeviceKinds({SEED: bound} if bound else {})
    assert devices.choose(SEED, free, before) == kind


def test_a_seed_whose_kind_is_not_here_is_bound_anew_and_another_one_is_not() -> None:
    devices = DeviceKinds({SEED: "H200"})
    devices.bind(SEED, "A100", {"H200": 0, "A100": 1})
    assert devices.bound == {SEED: "H200"}
    devices.bind(SEED, "A100", {"A100": 1})
    assert devices.bound == {SEED: "A100"}


def test_the_first_recorded_trial_binds_its_seed_unless_it_took_the_result_of_another() -> None:
    devices, search = DeviceKinds(), Search(1, "kept", "adam", 1, "search", None, "minimize")
    one = trial_of(search, 4, device="A100", duplicate_of=0)
    devices.recall([one])
    assert devices.bound == {}
    devices.recall([trial_of(search, 4), trial_of(search, 4, device="H200")])
    devices.recall([trial_of(search, 4, device="A100")])
    assert devices.bound == {SEED: "H200"}


def test_an_arm_waits_for_the_kind_of_its_seed_while_the_other_goes_on() -> None:
    first, second = searches(Record.in_memory(), spec())
    assert train(first, {"H200": 1, "A100": 0}) == "sgd-0000 on H200"
    assert train(second, {"H200": 0, "A100": 1}) == "none"
    assert train(first, {"H200": 0, "A100": 1}) == "sgd-0001 on A100"
    assert train(second, {"H200": 1, "A100": 1}) == "adam-0000 on H200"
    assert train(second, {"H200": 1, "A100": 1}) == "adam-0001 on A100"


def test_a_study_that_goes_on_finds_the_kinds_of_its_seeds_in_the_record() -> None:
    record, given = Record.in_memory(), spec()
    first, _ = searches(record, given)
    assert train(first, {"H200": 0, "A100": 1}) == "sgd-0000 on A100"
    assert train(first, {"H200": 0, "A100": 1}, INTERRUPTED) == "sgd-0001 on A100"
    assert [trial.device for trial in record.trials()] == ["A100", "A100"]
    _, second = searches(record, given)
    free = {"H200": 2, "A100": 1}
    assert [train(second, free) for _ in range(3)] == [
        "adam-0000 on A100",
        "adam-0001 on A100",
        "adam-0002 on H200",
    ]


def test_an_interrupted_trial_goes_on_where_it_was_and_others_need_not_wait_for_it() -> None:
    record, given = Record.in_memory(), spec()
    first, _ = searches(record, given)
    assert train(first, {"A100": 1}, INTERRUPTED) == "sgd-0000 on A100"
    first, _ = searches(record, given)
    assert train(first, {"H200": 1, "A100": 0}) == "sgd-0001 on H200"
    assert train(first, {"H200": 9, "A100": 1}, INTERRUPTED) == "sgd-0000 on A100"
    first, _ = searches(record, given)
    assert train(first, {"V100": 1}) == "sgd-0000 on V100"  # there is no A100 any more
    assert record.trials()[0].device == "V100"


def test_other_arms_follow_an_interrupted_trial_to_another_machine() -> None:
    record, given = Record.in_memory(), spec()
    first, _ = searches(record, given)
    assert train(first, {"A100": 1}, INTERRUPTED) == "sgd-0000 on A100"
    first, second = searches(record, given)
    assert train(first, {"H200": 0, "V100": 1}) == "sgd-0000 on V100"
    assert train(second, {"H200": 9, "V100": 1}) == "adam-0000 on V100"


def test_fresh_runs_follow_those_of_earlier_runs_and_interrupted_ones() -> None:
    record, given = Record.in_memory(), spec()
    configurations = [
        asked.configuration for search in searches(record, given) if (asked := search.ask({"": 1}))
    ]

    def opened() -> Confirmation:
        fresh = Confirmation.open(given, record)
        fresh.add(
            PlannedTraining(arm, configuration, 0)
            for arm, configuration in zip(
                ("sgd", "adam", "rmsprop"), [*configurations, configurations[0]], strict=True
            )
        )
        return fresh

    assert train(opened(), {"A100": 1}, INTERRUPTED).endswith(" on A100")
    fresh = opened()
    assert train(fresh, {"H200": 0, "V100": 1}).endswith(" on V100")  # there is no A100 any more
    assert train(fresh, {"H200": 9, "V100": 1}).endswith(" on V100")
    assert train(opened(), {"H200": 9, "V100": 1}).endswith(" on V100")


def test_an_epoch_budget_is_kept_while_a_trial_waits_to_be_continued() -> None:
    record, given = Record.in_memory(), spec("epochs: 6")
    first, _ = searches(record, given)
    train(first, {"A100": 1}, INTERRUPTED)
    free = {"H200": 1, "A100": 0}
    assert [train(first, free) for _ in range(2)] == ["sgd-0001 on H200", "none"]
    assert not first.is_done
    assert train(first, {"H200": 0, "A100": 1}) == "sgd-0000 on A100" and first.is_done


def test_fresh_runs_pass_over_seeds_that_wait() -> None:
    record, given = Record.in_memory(), spec()
    fresh = Confirmation.open(given, record)
    configurations = [
        asked.configuration for search in searches(record, given) if (asked := search.ask({"": 1}))
    ]
    fresh.add(
        PlannedTraining(arm, configuration, index)
        for index in range(2)
        for arm, configuration in zip(("sgd", "adam"), configurations, strict=True)
    )
    assert train(fresh, {"H200": 1, "A100": 0}).endswith(" on H200")
    assert train(fresh, {"H200": 0, "A100": 1}).endswith(" on A100")
    assert train(fresh, {"H200": 0, "A100": 1}).endswith(" on A100")
    assert train(fresh, {"H200": 0, "A100": 1}) == "none" and fresh.open_count == 1
    assert train(fresh, {"H200": 1, "A100": 0}).endswith(" on H200")
    seeds = [derive_seed(given.seed, "confirm", index) for index in range(2)]
    trials = fresh.store.trials.values()
    assert [(trial.arm, trial.seed, trial.device) for trial in trials] == [
        ("sgd", seeds[0], "H200"),
        ("sgd", seeds[1], "A100"),
        ("adam", seeds[1], "A100"),
        ("adam", seeds[0], "H200"),
    ]
