"""What metrics and parameters are called in MLflow."""

import pytest

from studies.home import Home
from studies.mirrors.mlflow.client import Metric, MlflowClient
from studies.mirrors.mlflow.names import names_in_mlflow

ODD = [
    "a@5",
    "a#5",
    "a_5",
    "/a",
    "a//b",
    "a/../b",
    "..",
    ".",
    "",
    "a/",
    "é (x)",
    "b" * 300,
    "b" * 301,
]


def test_names_that_mlflow_allows_stay_as_they_are() -> None:
    names = ["val/accuracy", "train/loss", "time/epoch_s", "a-b.c d:e", "ä/ö"]
    assert names_in_mlflow(names) == {name: name for name in names}


def test_names_stay_apart_in_any_order_of_theirs() -> None:
    found = names_in_mlflow(ODD)
    assert len(set(found.values())) == len(ODD) and max(map(len, found.values())) <= 250
    assert names_in_mlflow(reversed(ODD)) == found
    assert found["a_5"] == "a_5" and found["a#5"].startswith("a_5-")
    assert names_in_mlflow(["val/acc@5"]) == {"val/acc@5": "val/acc_5"}


@pytest.mark.parametrize("name", ODD)
def test_mlflow_takes_every_name(name: str, home: Home) -> None:
    client = MlflowClient(home.mlflow_uri)
    run = client.create_run("0")
    safe = names_in_mlflow([name])[name]
    client.log_batch(run.info.run_id, metrics=[Metric(safe, 1.0, 0, 0)])
    assert client.get_run(run.info.run_id).data.metrics == {safe: 1.0}
