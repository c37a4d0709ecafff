"""Batches for MLflow: none is too large, and what is refused does not hold up the rest."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from studies.mirrors.mlflow.batches import BatchWriter, batches
from studies.mirrors.mlflow.client import Metric, MlflowException, Param, RunTag


@dataclass
class Store:
    """A client whose store refuses what is called `bad...`."""

    stage: str = "active"
    code: str = "INVALID_PARAMETER_VALUE"
    held: dict[str, Any] = field(default_factory=dict)
    calls: int = 0

    def log_batch(
        self, run_id: str, metrics: Any, params: Any, tags: Any, synchronous: bool
    ) -> None:
        self.calls += 1
        entries = [*metrics, *params, *tags]
        if any(each.key.startswith("bad") for each in entries):
            raise MlflowException("Invalid value", _code(self.code))
        self.held |= {each.key: each.value for each in entries}

    def set_tag(self, run_id: str, name: str, value: str) -> None:
        self.held[name] = value

    def get_run(self, run_id: str) -> Any:
        return SimpleNamespace(info=SimpleNamespace(lifecycle_stage=self.stage))


def _code(name: str) -> int:
    from mlflow.protos.databricks_pb2 import ErrorCode

    return int(ErrorCode.Value(name))


def metrics(*names: str) -> list[Metric]:
    return [Metric(name, 1.0, 0, 0) for name in names]


def test_what_a_store_refuses_is_left_out_and_named() -> None:
    store = Store()
    names = [f"m{index}" for index in range(500)]
    writer = BatchWriter(store, "run")  # type: ignore[arg-type]
    writer.write(metrics(*names, "bad/1"), {"p": "1", "bad_p": "2"}, {"t": "3"})
    assert set(store.held) == {*names, "p", "t", "fairtune.refused"}
    assert set(json.loads(store.held["fairtune.refused"])) == {"bad/1", "bad_p"}
    assert store.calls < 50


def test_a_store_that_refuses_nothing_is_called_once() -> None:
    store = Store()
    BatchWriter(store, "run").write(metrics("a"), {"p": "1"}, {"t": "3"})  # type: ignore[arg-type]
    assert (store.calls, store.held) == (1, {"a": 1.0, "p": "1", "t": "3"})


@pytest.mark.parametrize(
    ("stage", "code"), [("deleted", "INVALID_PARAMETER_VALUE"), ("active", "INTERNAL_ERROR")]
)
def test_a_run_that_is_gone_and_a_store_that_fails_are_errors(stage: str, code: str) -> None:
    store = Store(stage, code)
    with pytest.raises(MlflowException):
        BatchWriter(store, "run").write(metrics("bad", "good"), {}, {})  # type: ignore[arg-type]
    assert store.held == {}


def test_batches_stay_within_the_limits_of_mlflow() -> None:
    params = [Param(f"p{index}", "\u4e2d" * 6000) for index in range(120)]
    tags = [RunTag(f"t{index}", "x") for index in range(250)]
    entries = [*params, *tags, *metrics(*(f"m{index}" for index in range(3000)))]
    found = list(batches(entries))
    assert [each for batch in found for each in batch] == entries
    for batch in found:
        assert len(batch) <= 1000
        assert sum(isinstance(each, Param | RunTag) for each in batch) <= 100
        assert len(json.dumps([[each.key, each.value] for each in batch])) < 1_000_000
