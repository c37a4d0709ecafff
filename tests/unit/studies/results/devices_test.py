"""What is said of trials that ran on several kinds of device."""

from dataclasses import replace

from studies.records import Outcome, Search, Trial
from studies.results import Devices, mixed_devices
from tests.support.record_made import trial_of

SEARCH = Search(1, "kept", "adam", 1, "search", None, "minimize")


def done(arm: str, number: int, device: str) -> Trial:
    """A trial of an arm with the seed of a number."""
    return replace(trial_of(SEARCH, number), arm=arm, device=device, outcome=Outcome.completed)


def test_one_kind_is_not_worth_a_word() -> None:
    devices = Devices.of([done("adam", 0, "cpu"), done("sgd", 0, "cpu")])
    assert devices == Devices({"cpu": {"adam": 1, "sgd": 1}}) and mixed_devices(devices) == []
    assert mixed_devices(Devices()) == []


def test_kinds_are_counted_and_where_each_seed_had_one_the_arms_are_still_alike() -> None:
    trials = [done(arm, number, kind) for arm in ("adam", "sgd")
              for number, kind in enumerate(["H200", "A100", "H200"])]  # fmt: skip
    assert mixed_devices(Devices.of(trials)) == [
        "the trials ran on 2 kinds of device (H200: adam 2, sgd 2; A100: adam 1, sgd 1), all arms "
        "of a seed on the same one: numbers repeat on one kind only, and times cannot be compared"
    ]


def test_arms_of_a_seed_on_different_kinds_are_warned_of() -> None:
    trials = [done("adam", 0, "H200"), done("adam", 1, "H200"), done("sgd", 0, "cpu")]
    devices = Devices.of([*trials, done("sgd", 1, "H200")])
    assert devices.torn == 1
    (said,) = mixed_devices(devices)
    assert "(H200: adam 2, sgd 1; cpu: sgd 1), and the arms of 1 seed on different ones" in said
    assert "differences may come from the device" in said


def test_seeds_of_other_phases_and_repeats_are_others() -> None:
    trials = [done("adam", 0, "H200"), replace(done("sgd", 0, "cpu"), repeat=2),
              replace(done("sgd", 0, "cpu"), phase="confirm")]  # fmt: skip
    assert Devices.of(trials).torn == 0


def test_what_was_not_trained_or_not_told_does_not_count() -> None:
    others = [
        replace(done("sgd", 0, "cpu"), duplicate_of=0),
        replace(done("sgd", 0, "cpu"), outcome=None),
        replace(done("sgd", 0, "cpu"), outcome=Outcome.interrupted),
        replace(
            done("sgd", 0, "cpu"), outcome=Outcome.crashed
        ),  # beside a GPU that torch alone knows
        done("sgd", 0, ""),
    ]
    assert Devices.of([done("adam", 0, "H200"), *others]) == Devices({"H200": {"adam": 1}})


def test_without_arms_trials_are_counted() -> None:
    (said,) = mixed_devices(Devices.of([done("", 0, "cpu"), done("", 1, "H200")]))
    assert said == (
        "the trials ran on 2 kinds of device (cpu: 1 trial; H200: 1 trial): numbers repeat on one "
        "kind only, and times cannot be compared"
    )
