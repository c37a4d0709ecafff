"""Studies on a Ray cluster of three nodes: what they find is what they find here."""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fairtune
from studies.cli import main
from studies.home import Home
from studies.results import outcome_counts
from tests.conftest import WriteModule
from tests.support.own_code import NETWORK
from tests.support.ray_cluster import RayCluster, ray_cluster
from tests.support.sameness import numbers_of
from tests.support.servers import free_port

pytestmark = pytest.mark.slow
Tree = dict[str, Any]

COMPARISON: Tree = {
    "study": "optimizers",
    "data": "iris",
    "model": {"name": "mlp", "hidden": [4]},
    "optimizer": [
        {"name": "sgd", "lr": {"min": 1e-3, "max": 1.0, "log": True}},
        {"name": "adam", "lr": {"min": 1e-3, "max": 1e-1, "log": True}},
    ],
    "trainer": {"epochs": 2},
    "search": {"method": "random", "trials": 2, "repeats": 4},
    "compare": {"factor": "optimizer"},
}
GOAL = {"metric": "val/loss", "goal": "minimize"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """A head that trains nothing, and two nodes."""
    with ray_cluster(2, 1) as cluster:
        yield cluster


def on_ray(cluster: RayCluster, tree: Tree, folder: Path, **parts: Any) -> fairtune.Study:
    """Run a study on the cluster, which has nothing of it left then."""
    found = fairtune.run(
        tree, home=folder, engine="ray", address=cluster.address, progress=False, **parts
    )
    cluster.is_left_alone()
    return found


def test_a_comparison_comes_to_the_same_verdict_as_here_to_the_last_bit(
    cluster: RayCluster, tmp_path: Path
) -> None:
    there = on_ray(cluster, COMPARISON, tmp_path / "there", workers=4)
    here = fairtune.run(COMPARISON, home=tmp_path / "here", workers=2, progress=False)
    assert numbers_of(Home.at(tmp_path / "there"), "optimizers") == numbers_of(
        Home.at(tmp_path / "here"), "optimizers"
    )
    assert there.finished and len(there.verdicts) == 1
    assert there.verdicts == here.verdicts and there.summary == here.summary
    assert there.best is not None and here.best is not None
    assert replace(there.best, checkpoint=None) == replace(here.best, checkpoint=None)


def test_where_nobody_listens_is_no_cluster(
    cluster: RayCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, address = tmp_path / "study.yaml", f"127.0.0.1:{free_port()}"
    file.write_text(json.dumps(COMPARISON))
    options = ["--home", str(tmp_path / "home"), "--engine", "ray", "--address", address]
    assert main(["run", str(file), "--quiet", *options]) == 4
    assert capsys.readouterr().err.startswith(f"fairtune: nothing listens at {address}, where the")


def slow_or_worse(configuration: Tree, report: Any) -> None:
    """Hangs where x is 3, and is worse from the start the larger x is."""
    assert "RAY_AUTH_TOKEN" not in os.environ  # which the nodes were started with
    x = configuration["model"]["x"]
    for epoch in range(1, 4):
        if x == 3:
            time.sleep(1000)
        if not report(epoch, val_loss=x + 1 / epoch):
            return


def test_functions_are_pruned_and_end_in_time(cluster: RayCluster, tmp_path: Path) -> None:
    tree = {
        "study": "function",
        "model": {"x": {"values": [0, 1, 2, 3]}},
        "trainer": {"epochs": 3, "trial_timeout": 5},
        "objective": GOAL,
        "search": {"method": "grid", "pruner": {"name": "median", "n_startup_trials": 1}},
    }
    study = on_ray(cluster, tree, tmp_path, workers=1, trial=slow_or_worse)
    assert study.finished
    outcomes = dict(zip(study.trials["model.x"], study.trials["outcome"], strict=True))
    assert outcomes[3] == "timeout" and outcomes[0] == "completed"
    assert "pruned" in outcomes.values()


def test_programs_train_with_the_files_of_the_current_folder(
    cluster: RayCluster, own_folder: Path
) -> None:
    (own_folder / "train.py").write_text(
        "import json, os, sys\n"
        "for epoch in (1, 2):\n"
        "    loss = float(sys.argv[1]) / epoch\n"
        "    metrics = {'val/loss': loss, 'val/told': float(os.environ['TOLD'])}\n"
        "    print(json.dumps({'epoch': epoch, 'metrics': metrics}), flush=True)\n"
    )
    tree = {
        "study": "program",
        "env": ["TOLD"],
        "model": {"command": [sys.executable, "train.py", "{optimizer.lr}"]},
        "optimizer": {"name": "sgd", "lr": {"values": [0.5, 0.25]}},
        "trainer": {"epochs": 2},
        "objective": GOAL,
        "search": {"method": "grid"},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOLD", "7")
        study = on_ray(cluster, tree, own_folder / "home", workers=1)
    assert sorted(study.trials["value"]) == [0.125, 0.25]
    assert set(study.trials["best/val/told"]) == {7.0}


def test_own_classes_train(
    cluster: RayCluster, write_module: WriteModule, own_folder: Path
) -> None:
    name = write_module("nets_on_ray", NETWORK)
    tree = {
        **COMPARISON,
        "study": "own",
        "model": {"class": f"{name}:Net", "width": 4},
        "optimizer": {"name": "sgd", "lr": {"values": [0.1]}},
        "search": {"method": "grid"},
    }
    del tree["compare"]
    study = on_ray(cluster, tree, own_folder / "home", workers=1, allow=[name])
    assert outcome_counts(study.results.ended) == {"completed": 1}
