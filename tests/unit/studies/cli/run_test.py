"""What `fairtune run` says at the end; nothing is trained."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studies.api import ray_cluster
from studies.cli import main


@pytest.mark.parametrize(("engine", "says"), [("local", True), ("ray", False)])
def test_room_on_gpus_is_said_of_this_machine_only(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    says: bool,
) -> None:
    def run_study(*_: Any, show: Any, **__: Any) -> SimpleNamespace:
        found = SimpleNamespace(results=SimpleNamespace(ended=[], finished=False, ranking=[1]))
        show(found)
        return found

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: object())
    monkeypatch.setattr("studies.running.run_study.run_study", run_study)
    monkeypatch.setattr("studies.cli.results.display.print_summary", lambda *_: None)
    monkeypatch.setattr("studies.analysis.few_steps_warnings", lambda _: [])
    monkeypatch.setattr("studies.sentences.gpu_room.room_on_gpus", lambda *_: "4 would fit")
    file = tmp_path / "study.yaml"
    file.write_text("study: small\ndata: iris\nmodel: mlp\n")
    options = ["--home", str(tmp_path / "home"), "--engine", engine, "--quiet"]
    assert main(["run", str(file), *options]) == 0
    assert ("4 would fit" in capsys.readouterr().out) == says
