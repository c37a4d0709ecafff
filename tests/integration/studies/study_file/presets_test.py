"""Every preset runs for real, and Optuna, MLflow and the command line tell the same of it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from optuna.trial import FrozenTrial

from studies.cli import main
from studies.home import Home
from studies.running.preview import plan
from studies.study_file.loading import load_study_file
from studies.study_file.presets import find_preset, preset_names
from tests.support.accounts import (
    Runs,
    as_parameters,
    configuration,
    last_line,
    optuna_trials,
    set_options,
)
from tests.support.agreement import check_agreement

pytestmark = pytest.mark.slow

REDUCED = {"grid-breast-cancer": ["optimizer.0.lr.num=2", "optimizer.1.lr.num=1"]}
"""Grids made smaller than a preset's own."""
STATUS = {"completed": "FINISHED", "pruned": "KILLED", "diverged": "FAILED"}
TAGS = {
    f"fairtune.{name}"
    for name in (
        "study", "arm", "repeat", "phase", "outcome", "reason", "trial", "seed", "split",
        "config_hash", "sampler", "dataset", "version",
    )
}  # fmt: skip


def tiny(preset: str) -> list[str]:
    """Overrides that leave a preset its question and take nearly all of its budget."""
    spec = load_study_file(find_preset(preset))
    changes = ["trainer.epochs=2", "search.repeats=1", *REDUCED.get(preset, [])]
    if spec.sampler.name != "grid":
        changes.append("search.trials=2")
    if spec.confirm is not None:
        changes.append("confirm.seeds=2")
    return changes


def run(capsys: pytest.CaptureFixture[str], home: Home, file: str, *overrides: str) -> Any:
    """Run a study through the command line; what it says as JSON."""
    argv = ["run", file, "--home", str(home.path), "--workers", "2", "--json"]
    code = main([*argv, *set_options(*overrides)])
    output = capsys.readouterr()
    assert code == 0, output.err
    return last_line(output.out)


def assert_all_accounts_agree(home: Home, told: Any, trials: int) -> None:
    """The command line, the record, Optuna and MLflow have exactly `trials` trials, and say the
    same."""
    found = check_agreement(home, told["study"])
    records, runs = optuna_trials(home, told["study"]), Runs.of(home, told["study"])
    assert told["finished"] is True
    assert sum(told["trials"].values()) == len(records) == len(runs.children) == trials
    assert Counter(trial.user_attrs["outcome"] for trial in records) == told["trials"]
    assert sum(len(trial.intermediate_values) for trial in records) == told["epochs"]
    children = {run.info.run_id: run for run in runs.children}
    run_ids = {trial.key: trial.run_id or "" for trial in found.trials}
    assert children.keys() == set(run_ids.values())
    for trial in records:
        assert_run_tells_its_trial(runs, children[run_ids[trial.user_attrs["key"]]], trial)
    assert_parent_tells_the_study(runs, trials)


def assert_run_tells_its_trial(runs: Runs, run: Any, trial: FrozenTrial) -> None:
    tags, told = run.data.tags, trial.user_attrs
    flat = configuration(trial).flat()
    if tags["fairtune.repeat"] != "1":
        flat["data.split_seed"] = int(tags["fairtune.split"])  # of the rows that it really had
    assert run.data.params == as_parameters(flat)
    assert tags.keys() >= TAGS
    assert run.info.run_name == tags["fairtune.trial"] == told["key"]
    for name in ("outcome", "seed", "config_hash"):
        assert tags[f"fairtune.{name}"] == str(told[name])
    assert run.info.status == STATUS[told["outcome"]]
    epochs = list(range(1, len(trial.intermediate_values) + 1))
    assert list(trial.intermediate_values) == epochs
    steps = runs.steps(run)
    every_epoch = {name for name in steps if not name.startswith(("best/", "test/", "system/"))}
    assert every_epoch >= {"train/loss", "val/loss", "optim/lr", "time/epoch_s"}
    assert {name: steps[name] for name in every_epoch} == dict.fromkeys(every_epoch, epochs)
    at_the_end = {f"best/{name}" for name in every_epoch} | {"best/epoch"}
    best = {name: steps[name] for name in steps if name.startswith("best/")}
    assert best == {name: [int(run.data.metrics["best/epoch"])] for name in at_the_end}
    assert steps["system/memory"] == [int(run.data.metrics["best/epoch"])]
    tested = any(name.startswith("test/") for name in steps)
    assert tested == (tags["fairtune.phase"] == "confirm")


def assert_parent_tells_the_study(runs: Runs, trials: int) -> None:
    run_id = runs.parent.info.run_id
    assert runs.parent.info.status == "FINISHED"
    names = {file.path for file in runs.client.list_artifacts(run_id)}
    assert names == {"report.html", "study.yaml", "trials.parquet"}
    table = pd.read_parquet(runs.client.download_artifacts(run_id, "trials.parquet"))
    assert sorted(table["run_id"]) == sorted(run.info.run_id for run in runs.children)
    assert len(table) == trials
    assert (
        f"| study | {runs.parent.info.run_name} |" in runs.parent.data.tags["mlflow.note.content"]
    )


@pytest.mark.parametrize("preset", preset_names())
def test_a_preset_trains_exactly_its_budget_and_all_accounts_of_it_agree(
    preset: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = load_study_file(find_preset(preset), tiny(preset))
    planned = plan(spec)
    assert planned.trials is not None
    told = run(capsys, home, preset, *tiny(preset))
    assert_all_accounts_agree(home, told, planned.trials + planned.confirmations)
    assert set(told["trials"]) <= {"completed", "pruned"}
    assert spec.description in Runs.of(home, preset).parent.data.tags["mlflow.note.content"]


FOUR = """
study: four
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: []}
optimizer: {name: momentum, lr: {min: 1e-3, max: 1e-1, log: true, num: 2}, momentum: {min: 0.5, max: 0.9, num: 2}}
trainer: {epochs: 2}
"""  # noqa: E501


@pytest.mark.parametrize(
    "search",
    [
        "{method: grid}",
        "{method: random, trials: 4}",
        "{method: {name: tpe, n_startup_trials: 2}, trials: 4}",
        "{method: qmc, trials: 4}",
        "{method: cmaes, trials: 4}",
        "{method: {name: gp, n_startup_trials: 2}, trials: 4}",
    ],
)
def test_every_method_trains_its_four_trials_once(
    search: str, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "four.yaml"
    ranges = FOUR if "grid" in search else FOUR.replace(", num: 2", "")
    file.write_text(f"{ranges}search: {search}\n")
    told = run(capsys, home, str(file))
    assert_all_accounts_agree(home, told, 4)
    assert told["trials"] == {"completed": 4}
    assert len({trial.user_attrs["config_hash"] for trial in optuna_trials(home, "four")}) == 4


PRUNING = """
study: pruning
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: []}
trainer: {epochs: {values: [1, 3, 4]}}
search:
  method: grid
  pruner: {name: threshold, lower: 2.0, warmup: 1}  # no accuracy reaches 2
"""


def test_a_pruned_trial_is_killed_and_keeps_the_epochs_that_it_trained(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pruning.yaml"
    file.write_text(PRUNING)
    told = run(capsys, home, str(file))
    assert_all_accounts_agree(home, told, 3)
    assert told["trials"] == {"completed": 1, "pruned": 2}
    runs = Runs.of(home, "pruning")
    ended = {
        run.data.params["trainer.epochs"]: (run.info.status, runs.steps(run)["val/accuracy"])
        for run in runs.children
    }
    assert ended == {"1": ("FINISHED", [1]), "3": ("KILLED", [1, 2]), "4": ("KILLED", [1, 2])}


COMPARING = """
study: comparing
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: []}
optimizer:
  - {name: sgd, lr: {min: 1e-2, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-3, max: 1e-1, log: true}}
trainer: {epochs: 2}
search: {method: random, trials: 2}
compare: {factor: optimizer, claim: configurations}
confirm: {top: 1, seeds: 3}
"""


def test_arms_that_are_compared_get_equal_budgets_and_the_same_fresh_seeds(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "comparing.yaml"
    file.write_text(COMPARING)
    told = run(capsys, home, str(file))
    assert_all_accounts_agree(home, told, 2 * 2 + 2 * 3)
    assert {arm: row["trials"] for arm, row in told["arms"].items()} == {"sgd": 2, "adam": 2}
    seeds: dict[tuple[str, str], set[str]] = {}
    for run_ in Runs.of(home, "comparing").children:
        tags = run_.data.tags
        place = (tags["fairtune.phase"], tags["fairtune.arm"])
        seeds.setdefault(place, set()).add(tags["fairtune.seed"])
    assert seeds["search", "sgd"] == seeds["search", "adam"]
    assert seeds["confirm", "sgd"] == seeds["confirm", "adam"]
    assert len(seeds["confirm", "sgd"]) == 3
    assert not seeds["confirm", "sgd"] & seeds["search", "sgd"]


def test_repeats_have_splits_of_their_own_and_all_accounts_tell_them_apart(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = COMPARING.replace(", claim: configurations", "").replace("seeds: 3", "seeds: 1")
    file = tmp_path / "comparing.yaml"
    file.write_text(text.replace("trials: 2", "trials: 2, repeats: 4"))
    told = run(capsys, home, str(file))
    crossed = 2  # a tenth of 24 trainings
    assert_all_accounts_agree(home, told, 4 * (2 * 2 + 2) + crossed)
    tags = [run_.data.tags for run_ in Runs.of(home, "comparing").children]
    phases = Counter(each["fairtune.phase"] for each in tags)
    assert phases == {"search": 16, "confirm": 8, "cross": crossed}
    split_of: dict[str, set[str]] = {}
    for each in tags:
        split_of.setdefault(each["fairtune.repeat"], set()).add(each["fairtune.split"])
        named = "-r" + each["fairtune.repeat"] if each["fairtune.repeat"] != "1" else ""
        phase = "" if each["fairtune.phase"] == "search" else f"-{each['fairtune.phase']}"
        assert each["fairtune.trial"].startswith(f"{each['fairtune.arm']}{named}{phase}-")
    assert {repeat: len(splits) for repeat, splits in split_of.items()} == dict.fromkeys("1234", 1)
    assert split_of["1"] == {"0"} and len(set.union(*split_of.values())) == 4
    assert told["best"]["searches"] == 4
    assert main(["compare", "comparing", "--home", str(home.path), "--json"]) == 0
    compared = last_line(capsys.readouterr().out)
    design = {key: compared[key] for key in ("claim", "searches", "splits", "part", "looks")}
    assert design == {"claim": "arms", "searches": 4, "splits": 4, "part": "test", "looks": [4]}
