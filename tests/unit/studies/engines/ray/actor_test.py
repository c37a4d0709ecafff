"""An actor says why its node cannot take part, also where fairtune is missing there."""

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from studies.engines.places import WITHOUT_GPU
from studies.engines.ray.actor import SlotActor
from studies.engines.ray.host import Host
from studies.engines.ray.terms import Terms, versions_here
from tests.support.worker_trainings import perform


@pytest.fixture(autouse=True)
def on_a_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """In a process of a pretended Ray, which becomes like the driver."""
    ray = ModuleType("ray")
    context = SimpleNamespace(get_node_id=lambda: "n1")
    ray.get_runtime_context = lambda: context  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    yield


def given(terms: Terms) -> tuple[Any, bytes]:
    return dict(terms.versions), pickle.dumps(terms)


def test_a_node_without_fairtune_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "studies.engines.ray.terms", None)
    joined = SlotActor().join(({"torch": "2.14"}, b"which nobody can read there"))
    (said,) = joined["refused"]
    assert said.startswith("fairtune is not installed there (")
    assert joined["node"] == "n1" and joined["name"]


def test_a_node_with_other_versions_reads_nothing_else() -> None:
    versions = {**versions_here(), "torch": "9.9.9"}
    joined = SlotActor().join((versions, b"of classes that may differ"))
    (said,) = joined["refused"]
    assert said.startswith("it has torch ") and said.endswith(", the driver 9.9.9")


def test_a_node_that_has_everything_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened = []

    def opens(*arguments: Any) -> Any:
        opened.append(arguments)
        return SimpleNamespace(place=WITHOUT_GPU, shares_home=True)

    monkeypatch.setattr(Host, "open", opens)
    actor = SlotActor()
    file = tmp_path / "missing.csv"
    terms = Terms(versions_here(), [("missing.csv", str(file), "3 bytes")], str(tmp_path))
    assert actor.join(given(terms))["refused"] == []
    assert actor.differences() == [f"missing.csv ({file}) is not there"]
    begun = actor.begin(pickle.dumps(perform), ["preload"], 2, False)
    assert begun == {"place": WITHOUT_GPU, "shares_home": True}
    assert opened == [(terms, perform, ["preload"], 2, False, "n1")]
