"""The benchmark of the peers: what it refuses, its tables, and what it counts in a folder."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from studies.api.opening import load_spec
from studies.home import Home

Benchmark = Callable[[str], ModuleType]


@pytest.fixture
def peers(benchmark: Benchmark) -> ModuleType:
    return benchmark("peers")


@pytest.fixture
def kept(benchmark: Benchmark) -> ModuleType:
    return benchmark("peers_records")


def timing(peers: ModuleType, **different: float) -> object:
    return replace(peers.Timing(tuning=12.0, process=24.0, best=0.98, trials=12, epochs=120),
                   **different)  # fmt: skip


@pytest.mark.parametrize("different", [{"trials": 11}, {"epochs": 119}, {"epochs": 121}])
def test_a_time_that_was_not_spent_on_all_trainings_is_refused(
    peers: ModuleType, different: dict[str, int]
) -> None:
    peers.check("Ray Tune", peers.Work(None, 0), timing(peers))
    with pytest.raises(SystemExit, match=r"^Ray Tune completed .* expected 12 with 120$"):
        peers.check("Ray Tune", peers.Work(None, 0), timing(peers, **different))


def test_a_search_ends_within_less_than_one_training_of_its_budget(peers: ModuleType) -> None:
    work = peers.Work(240, 0)
    for epochs in (231, 240, 241, 249):
        peers.check("fairtune", work, timing(peers, epochs=epochs))
    for epochs in (230, 250):
        with pytest.raises(SystemExit, match=f"fairtune trained {epochs} epochs, expected 240"):
            peers.check("fairtune", work, timing(peers, epochs=epochs))


def test_without_ray_its_ways_are_named_and_left_out(
    peers: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert peers.installed(["raw", "ray", "fairtune-2", "fairtune-ray"]) == ["raw", "fairtune-2"]
    assert capsys.readouterr().err.splitlines() == [
        'left out: Ray Tune: Ray is not installed (pip install "ray[tune]")',
        'left out: fairtune on Ray, 2 workers: Ray is not installed (pip install "fairtune[ray]")',
    ]


def test_the_search_is_a_study_of_the_scripts_space_and_pruner(
    peers: ModuleType, tmp_path: Path
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(peers.Work(240, 3).study)
    spec = load_spec(file, (), (), Home.at(tmp_path / "home"))
    assert (spec.epochs, spec.sampler.name, spec.pruner.name, spec.seed) == (
        240,
        "tpe",
        "median",
        3,
    )
    assert spec.pruner.parameters["warmup"] == 3


def measured(peers: ModuleType, kept: ModuleType, name: str, *timings: object) -> object:
    return peers.Measured(peers.LABELS[name], timings, kept.Records(0, 0, 0, kept.NOTHING, 0))


def test_ratios_are_of_seconds_per_epoch_within_a_round(
    peers: ModuleType, kept: ModuleType
) -> None:
    slow = measured(peers, kept, "today", timing(peers), timing(peers, tuning=36.0, process=240.0))
    fast = measured(
        peers, kept, "fairtune-2",
        timing(peers, tuning=3.0, process=12.0, epochs=60),
        timing(peers, tuning=6.0, process=60.0),
    )  # fmt: skip
    found = {"today": slow, "fairtune-2": fast}
    assert peers.ratios_table(found) == [
        "| ratio | tuning | whole process |",
        "| --- | --: | --: |",
        "| today's script / fairtune, 2 workers | 4.00 (2.00-6.00) | 2.50 (1.00-4.00) |",
    ]
    assert peers.as_json(found)["ratios"] == {
        "today / fairtune-2": {
            "tuning": pytest.approx([2.0, 6.0]),
            "process": pytest.approx([1.0, 4.0]),
        }
    }
    assert peers.times_table(found)[2:] == [
        "| today's script | 24.0 (12.0-36.0) | 132.0 (24.0-240.0) | 12 | 120 | 0.980 |",
        "| fairtune, 2 workers | 4.5 (3.0-6.0) | 36.0 (12.0-60.0) | 12 | 60-120 | 0.980 |",
    ]
    assert peers.ratios_table({"today": slow}) == []


def test_the_tables_stand_between_the_marks_of_the_page(
    peers: ModuleType, kept: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def measure(name: str, work: object) -> tuple[object, object]:
        asked.append((name, work))
        return timing(peers), kept.Records(0, 0, 0, kept.NOTHING, 0)

    monkeypatch.setattr(peers, "measure", measure)
    page, output = tmp_path / "page.md", tmp_path / "peers.json"
    page.write_text("before\n\n<!-- measured -->\n\nold\n\n<!-- end -->\n\nafter\n")
    options = ["--workloads", "fixed", "--ways", "raw", "today", "--repeat", "2"]
    assert peers.main([*options, "--page", str(page), "--output", str(output)]) == 0
    assert [name for name, _ in asked] == ["raw", "today", "today", "raw"]
    text = page.read_text()
    assert text.startswith(
        "before\n\n<!-- measured -->\n\n**12 trainings of 10 epochs**\n\n| way |"
    )
    assert "| plain loop | 0 | 0 | 0 | 0 | none | nothing |" in text
    assert text.endswith("\n\n<!-- end -->\n\nafter\n") and "old" not in text
    assert len(json.loads(output.read_text())["workloads"]["fixed"]["ways"]["raw"]["timings"]) == 2


def database(path: Path, **rows: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for name, count in rows.items():
            connection.execute(f"CREATE TABLE {name} (id INTEGER)")
            connection.executemany(f"INSERT INTO {name} VALUES (?)", [(n,) for n in range(count)])
        connection.commit()


def test_what_a_way_records_is_counted_in_its_folder(kept: ModuleType, tmp_path: Path) -> None:
    assert kept.records(tmp_path) == kept.Records(0, 0, 0, kept.NOTHING, 0)
    trial = tmp_path / "results" / "digits" / "trial"
    trial.mkdir(parents=True)
    (trial.parent / "tuner.pkl").touch()
    (trial / "result.json").write_text("".join(f'{{"training_iteration": {n}}}\n' for n in (1, 2)))
    (trial / "checkpoint.pt").touch()
    database(tmp_path / "mlflow.db", runs=1, params=2, metrics=28)
    own = kept.OwnRecord("Ray", 1, 2, "every trial, from its checkpoint")
    assert kept.records(tmp_path) == kept.Records(1, 2, 28, own, 1)


def test_the_record_of_fairtune_is_found_in_its_home(kept: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "studies" / "peers"
    folder.mkdir(parents=True)
    database(folder / "record.db", trials=12, epochs=120)
    own = kept.records(tmp_path).own
    assert (own.kept_by, own.trials, own.epochs) == ("fairtune", 12, 120)
