"""A recorded training is done again, and what differs is named."""

import importlib.metadata
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_modules.data.sets import bundled
from lightning_modules.errors import UserError
from studies import results
from studies.cli import main
from studies.home import Home
from studies.models.expectation import Expectation, Likeness
from studies.models.reproduce import find, relative_difference
from studies.records import Outcome, Record, Trial, TrialEnd
from studies.results import StudyResults
from tests.conftest import MakeHome
from tests.support.reproduced import again

Output = pytest.CaptureFixture[str]

FAMILIES = """
study: families
data: {name: digits, batch_size: full}
model:
  - {name: mlp, hidden: [4]}
  - {name: cnn, channels: [2], batch_norm: true}
  - {name: rnn, hidden_size: 4}
  - {name: lstm, hidden_size: 4}
  - {name: gru, hidden_size: 4}
optimizer: {name: adam, lr: {min: 1e-3, max: 1e-1, log: true}}
regularization: {dropout: 0.2}
trainer: {epochs: 3}
search: {method: random, trials: 1}
compare: {factor: model, claim: configurations}
confirm: {top: 1, seeds: 1}
"""
FLOWERS = """
study: flowers
data: {name: iris}
model: {name: mlp, hidden: [4]}
optimizer: {name: sgd, lr: {values: [0.1, 1e30]}}
trainer: {epochs: 3}
objective: {metric: val/loss}
search: {method: grid}
"""
PRUNED = """
study: pruned
data: {name: iris}
model: {name: mlp, hidden: [4]}
optimizer: {name: sgd, lr: {min: 0.1, max: 0.2}}
trainer: {epochs: 4}
objective: {metric: val/accuracy}
search: {method: random, trials: 1, pruner: {name: threshold, lower: 2.0, warmup: 1}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    """A home with a study of every network, and trials that diverged or were pruned."""
    folder = tmp_path_factory.mktemp("reproduce")
    home = make_home(folder / "home")
    for text, code in ((FAMILIES, 0), (FLOWERS, 0), (PRUNED, 3)):
        (folder / "study.yaml").write_text(text)
        argv = ["run", str(folder / "study.yaml"), "--home", str(home.path), "--workers", "1"]
        assert main([*argv, "--quiet"]) == code
    return home


def everything(home: Home) -> dict[Path, bytes]:
    """All files of a home but the databases' shared memory."""
    files = (path for path in home.path.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path.suffix != ".db-shm"}


@pytest.mark.parametrize("model", ["mlp", "cnn", "rnn", "lstm", "gru"])
def test_every_network_family_is_identical_to_the_last_bit(model: str, home: Home) -> None:
    for key in (f"{model}-0000", f"{model}-confirm-{_number(home, model):04d}"):
        found = again(home, f"families/{key}")
        assert (found.likeness, found.epochs, found.weights) == (Likeness.identical, 3, 0.0)
        assert {"train/loss", "val/loss", "val/accuracy", "optim/lr"} <= found.metrics.keys()
        assert ("test/accuracy" in found.metrics) == ("confirm" in key)
        assert set(found.metrics.values()) == {0.0}
        assert found.differences == () and found.failure == ""


def _number(home: Home, model: str) -> int:
    trials = results.load_results(home, "families").trials
    (key,) = [t.key for t in trials if t.phase == "confirm" and t.arm == model]
    return int(key.rpartition("-")[2])


def test_the_command_trains_in_a_process_of_its_own_and_writes_nothing(
    home: Home, capsys: Output
) -> None:
    before = everything(home)
    run_id = find(home, "families/mlp-0000")[1].run_id
    argv = ["reproduce", str(run_id), "--home", str(home.path)]
    assert main([*argv, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["study"], told["trial"]) == ("families", "mlp-0000")
    assert (told["likeness"], told["weights"], told["differences"]) == ("identical", 0.0, [])
    assert everything(home) == before


def test_another_seed_is_different_and_the_seed_is_named(home: Home, capsys: Output) -> None:
    trial = find(home, "flowers/trial-0000")[1]
    argv = ["reproduce", "flowers/trial-0000", "--home", str(home.path), "--seed", "0"]
    assert main(argv) == 6
    said = capsys.readouterr().out
    assert "training flowers/trial-0000 again, seed 0\ndifferent (3 epochs, 7 metrics" in said
    assert f"cause? seed was {trial.seed}, is 0\n" in said


def test_changed_data_are_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn import datasets

    load = datasets.load_iris

    def changed(**options: Any) -> Any:
        loaded = load(**options)
        loaded.data[:, 0] += np.linspace(0, 1, len(loaded.data))
        return loaded

    monkeypatch.setattr(datasets, "load_iris", changed)
    bundled._splits.cache_clear()
    try:
        found = again(home, "flowers/trial-0000")
    finally:
        bundled._splits.cache_clear()
    assert found.likeness == Likeness.different
    before = find(home, "flowers/trial-0000")[1].data_hash
    (said,) = found.differences
    assert said.startswith(f"data was iris@{before}, is iris@") and not said.endswith(before)


def test_data_that_cannot_be_read_any_more_end_the_new_training_with_its_reason(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn import datasets

    def gone(**options: Any) -> Any:
        raise UserError("flowers.csv: there is no such file")

    monkeypatch.setattr(datasets, "load_iris", gone)
    bundled._splits.cache_clear()
    found = again(home, "flowers/trial-0000")
    assert found.likeness == Likeness.different
    assert found.failure == "it ended with error: UserError: flowers.csv: there is no such file"


def test_other_packages_python_and_hardware_are_named_though_the_result_is_identical(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "9.9" if name == "numpy" else real(name)
    )
    monkeypatch.setattr("studies.inputs.environment._processor", lambda: "Abacus")
    monkeypatch.setattr("platform.python_version", lambda: "4.0")
    recorded = results.load_results(home, "flowers")
    found = again(home, "flowers/trial-0000")
    assert found.likeness == Likeness.identical
    assert found.differences == (
        f"numpy was {real('numpy')}, is 9.9",
        f"python was {recorded.versions['python']}, is 4.0",
        f"processor was {recorded.hardware['processor']}, is Abacus",
    )
    argv = ["reproduce", "flowers/trial-0000", "--home", str(home.path)]
    assert main(argv) == 0
    assert f"\nalthough numpy was {real('numpy')}, is 9.9\n" in capsys.readouterr().out


def test_the_version_of_fairtune_is_the_one_that_trained_this_trial(home: Home) -> None:
    now = importlib.metadata.version("fairtune")
    with Record.writing(home, "flowers") as record:
        (trial, *_) = record.trials()
        change = "UPDATE attempts SET version = ? WHERE trial = ?"
        record.connection.execute(change, ["0.0.1", trial.id])
        try:
            found = again(home, "flowers/trial-0000")
        finally:
            record.connection.execute(change, [now, trial.id])
    assert found.differences == (f"fairtune was 0.0.1, is {now}",)


def test_a_pruned_trial_is_done_again_up_to_its_last_epoch(home: Home) -> None:
    trial = find(home, "pruned/trial-0000")[1]
    assert (trial.outcome, trial.epochs) == (Outcome.pruned, 2)
    found = again(home, "pruned/trial-0000")
    assert (found.likeness, found.epochs, found.weights) == (Likeness.identical, 2, None)


def test_a_trial_that_diverged_diverges_again_at_the_same_place(home: Home) -> None:
    trials = {trial.outcome: trial for trial in results.load_results(home, "flowers").trials}
    found = again(home, f"flowers/{trials[Outcome.diverged].key}")
    assert (found.likeness, found.failure) == (Likeness.identical, "")
    assert found.epochs == trials[Outcome.diverged].epochs


@contextmanager
def changed_record(
    home: Home, study: str, key: str, factor: float, device: str = "cpu"
) -> Iterator[None]:
    """The record of a trial has another loss in its second epoch, and another device."""
    with Record.writing(home, study) as record:
        (trial,) = [trial for trial in record.trials() if trial.key == key]
        metrics = record.epochs(trial.id)[1].metrics
        change = "UPDATE epochs SET metrics = ? WHERE trial = ? AND epoch = 2"
        other = {**metrics, "val/loss": metrics["val/loss"] * factor}
        record.connection.execute(change, [json.dumps(other), trial.id])
        trained_on = "UPDATE trials SET device = ? WHERE id = ?"
        record.connection.execute(trained_on, [device, trial.id])
        try:
            yield
        finally:
            record.connection.execute(change, [json.dumps(metrics), trial.id])
            record.connection.execute(trained_on, ["cpu", trial.id])


ON_OTHER = (
    "recorded on NVIDIA H200, trained on cpu: numbers repeat to the last bit on one model of "
    "device only"
)


def test_a_device_that_is_not_here_is_said_and_what_it_lets_expect(
    home: Home, capsys: Output
) -> None:
    with changed_record(home, "flowers", "trial-0000", 1 + 1e-6, "NVIDIA H200"):
        found = again(home, "flowers/trial-0000")
    with changed_record(home, "flowers", "trial-0000", 1.5, "NVIDIA H200"):
        code = main(["reproduce", "flowers/trial-0000", "--home", str(home.path), "--json"])
    assert found.expected == Expectation(Likeness.equal, ON_OTHER)
    assert (found.likeness, found.device) == (Likeness.equal, "cpu")
    assert found.differences == ("device was NVIDIA H200, is cpu",)
    said = capsys.readouterr()
    here = "recorded on NVIDIA H200, of which none is found here: it is trained on cpu\n"
    assert here in said.err
    assert (
        f"\ndifferent (3 epochs, 7 metrics and the weights)\n  likely cause: {ON_OTHER}; "
        in said.err
    )
    told = json.loads(said.out)
    assert (told["likeness"], told["expected"], told["because"]) == ("different", "equal", ON_OTHER)
    assert code == 6


@pytest.mark.parametrize(
    ("factor", "likeness", "difference"),
    [(1 + 1e-6, Likeness.equal, 1e-6), (1.5, Likeness.different, 1 / 3)],
)
def test_a_small_difference_is_within_tolerance_and_is_said(
    factor: float, likeness: Likeness, difference: float, home: Home, capsys: Output
) -> None:
    with changed_record(home, "flowers", "trial-0000", factor):
        found = again(home, "flowers/trial-0000")
        code = main(["reproduce", "flowers/trial-0000", "--home", str(home.path)])
    assert found.likeness == likeness
    unlike = {name: value for name, value in found.metrics.items() if value}
    assert unlike == {"val/loss": pytest.approx(difference, rel=1e-3)}
    said = capsys.readouterr().out
    assert f"val/loss differs by {difference:.1e} of its size at most" in said
    if likeness == Likeness.equal:
        assert code == 0 and "equal within tolerance (3 epochs" in said
        assert "\n  identical was expected: data, device, torch and numpy are as recorded" in said
    else:
        assert code == 6 and "nothing that is recorded differs" in said


def test_a_trial_that_repeats_another_means_that_one(home: Home) -> None:
    found = results.load_results(home, "flowers")
    first = found.trials[0]
    with Record.writing(home, "flowers") as record:
        second = record.trials()[1]
        record.finish(replace(second, duplicate_of=0))
        try:
            assert find(home, "flowers/trial-0001")[1].key == first.key
        finally:
            record.finish(second)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("flowers/trail-0000", "flowers: there is no trial 'trail-0000'; did you mean trial-0000?"),
        ("flowres/trial-0000", "there is no study 'flowres'; did you mean flowers?"),
        ("0123abc", "there is no run '0123abc'; name a trial as <study>/<trial>, or the id of its"),
    ],
)
def test_what_is_no_run_exits_2(run: str, message: str, home: Home, capsys: Output) -> None:
    assert main(["reproduce", run, "--home", str(home.path)]) == 2
    assert message in capsys.readouterr().err


def test_the_run_of_a_whole_study_is_no_trial(home: Home) -> None:
    from studies.mirrors.mlflow.client import MlflowClient

    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name("flowers")
    assert experiment is not None
    parent = experiment.tags["fairtune.parent_run_id"]
    with pytest.raises(UserError, match="is the run of the whole study: name a trial, flowers/KEY"):
        find(home, parent)


def test_a_trial_without_an_epoch_has_nothing_to_compare_with(home: Home) -> None:
    def unrecorded(found: StudyResults, trial: Trial) -> tuple[StudyResults, Trial]:
        trial = replace(trial, key="trial-0099", id=99, epochs=0, outcome=Outcome.error)
        return found, trial

    with pytest.raises(UserError, match=r"no epoch of it is recorded \(error\), so there is noth"):
        again(home, "flowers/trial-0000", change=unrecorded)


@pytest.mark.parametrize(
    ("outcome", "end", "said"),
    [
        (Outcome.completed, TrialEnd(Outcome.completed), ""),
        (Outcome.timeout, TrialEnd(Outcome.pruned), ""),
        (
            Outcome.completed,
            TrialEnd(Outcome.pruned, epochs=3),
            "it did not end with epoch 3, as the recorded one did",
        ),
        (
            Outcome.diverged,
            TrialEnd(Outcome.pruned),
            "it did not diverge; the recorded one did: so it was",
        ),
        (Outcome.diverged, TrialEnd(Outcome.diverged, "so it was"), ""),
        (
            Outcome.completed,
            TrialEnd(Outcome.diverged, "val/loss is inf"),
            "it ended with diverged: val/loss is inf",
        ),
    ],
)
def test_another_end_is_told(outcome: Outcome, end: TrialEnd, said: str, home: Home) -> None:
    from studies.models.reproduce import _failure

    trial = replace(find(home, "flowers/trial-0000")[1], outcome=outcome, reason="so it was")
    assert _failure(trial, end) == said


def test_relative_differences_known_by_hand() -> None:
    nan, inf = math.nan, math.inf
    assert relative_difference(2.0, 1.5) == 0.25
    assert relative_difference(-1.0, 1.0) == 2.0
    assert relative_difference(0.0, 0.0) == relative_difference(nan, nan) == 0.0
    assert relative_difference(inf, inf) == 0.0
    assert relative_difference(inf, 1.0) == relative_difference(nan, 0.0) == inf
