"""The benchmark of GPUs: its commands are understood, its table is right, and it needs a GPU."""

import subprocess
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from lightning_modules.configuration import flatten
from studies.api.opening import load_spec
from studies.devices import discovery
from studies.devices.discovery import Gpu
from studies.home import Home
from studies.records import Outcome, Trial
from tests.support.made import START, spec_of, trial

Benchmark = Callable[[str], ModuleType]


@pytest.fixture
def gpus(benchmark: Benchmark) -> ModuleType:
    return benchmark("gpus")


def trained(number: int, busy: float, held: float) -> Trial:
    system = {"system/memory": 900.0, "system/gpu_memory": held, "system/gpu_utilization": busy}
    begun = START + timedelta(minutes=number)
    return trial(
        spec_of(), "sgd", number, 0.5, system=system, started=begun,
        ended=begun + timedelta(minutes=10),
    )  # fmt: skip


def test_the_table_has_trials_per_hour_and_what_they_took(gpus: ModuleType) -> None:
    lost = trial(spec_of(), "sgd", 9, None, outcome=Outcome.error, started=START, ended=START)
    first = [trained(0, 40.0, 3174.4), trained(2, 60.0, 2000.0), lost]
    rows = [
        gpus.measured("cnn-digits", "32", 1, first),
        gpus.Measured("gpu-resnet18", "bf16", 4, 12, 0.25, None, None),
    ]
    assert gpus.table(rows).splitlines() == [
        "| study | precision | workers per GPU | trials per hour | GPU busy | peak of a trial |",
        "|---|---|--:|--:|--:|--:|",
        "| cnn-digits | 32 | 1 | 10 | 50 % | 3.1 GiB |",
        "| gpu-resnet18 | bf16 | 4 | 48 | unknown | unknown |",
    ]


def test_a_run_without_a_completed_trial_has_no_row(gpus: ModuleType) -> None:
    with pytest.raises(SystemExit, match="cnn-digits with precision 32: no trial completed"):
        gpus.measured("cnn-digits", "32", 1, [])


@pytest.mark.parametrize("study", ["cnn-digits", "gpu-resnet18"])
@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_the_commands_are_understood(
    gpus: ModuleType, tmp_path: Path, study: str, precision: str
) -> None:
    (tmp_path / "gpu-resnet18.yaml").write_text(gpus.RESNET)
    words = gpus.command(study, precision, 4, 3, tmp_path / "home")
    overrides = [word for before, word in pairwise(words) if before == "--set"]
    spec = load_spec(Path(words[2]), overrides, (), Home.at(tmp_path / "home"))
    assert (spec.study, spec.trials, spec.pruner.name) == (study, 3, "none")
    (flat,) = {str(dict(flatten(each.trainer))["precision"]) for each in spec.configurations}
    assert flat == precision
    assert words[words.index("--per-gpu") + 1] == "4"


def test_without_a_gpu_nothing_is_run_and_that_is_said(
    gpus: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(discovery, "gpus", list)
    assert gpus.main([]) == 2
    said = "there is no GPU that PyTorch can use here: run this on a machine with one\n"
    assert capsys.readouterr().out == said


def test_every_way_is_run_and_the_machine_is_named(
    gpus: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    ways: list[Sequence[object]] = []

    def run(study: str, precision: str, per_gpu: int, trials: int) -> object:
        ways.append((study, precision, per_gpu))
        return gpus.Measured(study, precision, per_gpu, trials, 0.5, 70.0, 500.0)

    monkeypatch.setattr(gpus, "run", run)
    monkeypatch.setattr(
        discovery, "gpus", lambda: [Gpu(f"GPU-{n}", "NVIDIA H200", 2**37) for n in (1, 2)]
    )
    assert gpus.main(["--trials", "5", "--output", str(tmp_path / "gpus.json")]) == 0
    assert len(ways) == len(set(ways)) == 8
    said = capsys.readouterr().out
    assert "| cnn-digits | bf16 | 4 | 10 | 70 % | 500 MiB |" in said
    assert "\n2 NVIDIA H200; " in said and ", torch " in said
    written = yaml.safe_load((tmp_path / "gpus.json").read_text())
    assert len(written["rows"]) == 8 and written["gpus"][0]["kind"] == "NVIDIA H200"
