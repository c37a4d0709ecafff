"""A client that does not come into its cluster ends the study, and not only after many minutes."""

import subprocess
import sys
from contextlib import nullcontext
from typing import Any

import pytest

from lightning_modules.errors import ClusterError
from studies.engines.ray import engine as engine_module
from studies.engines.ray.engine import RayEngine
from studies.engines.ray.messages import Wanted
from studies.engines.ray.terms import Terms
from tests.support.worker_trainings import perform


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "10.0.0.1:6379",
            "Ray has not answered at 10.0.0.1:6379 for 0 s: see `ray status` on the ",
        ),
        (None, "Ray has not started on this machine for 0 s"),
    ],
)
def test_a_client_that_does_not_come_into_its_cluster_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, address: str | None, said: str
) -> None:
    popen = subprocess.Popen

    def deaf(arguments: list[str], **others: Any) -> "subprocess.Popen[bytes]":
        return popen([sys.executable, "-S", "-c", "input()"], **{**others, "stdin": -1})

    monkeypatch.setattr(engine_module.subprocess, "Popen", deaf)
    monkeypatch.setattr(engine_module, "OPEN_SECONDS", 0.0)
    monkeypatch.setattr(engine_module, "CLOSE_SECONDS", 0.0)
    wanted = Wanted(address, "", 1, 1, None, 1, "cpu")
    engine = RayEngine(wanted, perform, (), lambda: nullcontext(Terms({})))
    engine.start()
    client: Any = engine._client
    try:
        with pytest.raises(ClusterError) as raised:
            engine.events(0.01)
    finally:
        client.kill()
        client.stdin.close()
        engine.close()
    assert str(raised.value).startswith(said)
