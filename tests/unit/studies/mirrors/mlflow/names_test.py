"""What metrics and parameters are called in MLflow."""

import pytest

from studies.home import Home
from studies.mirrors.mlflow.client import Metric, MlflowClient
from studies.mirrors.mlflow.names import names_in_mlflow, original_tags, storable

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
    "..a",
    "...",
    ".../x",
    "c" * 249 + "/d",
    "c" * 248 + "/./d",
    "/" * 300,
    "a\nb",
    "a\x00b",
    "a\ud800b",
    "val/MAP@5",
    "val/map@5",
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


def test_what_has_another_name_says_its_own_in_a_tag() -> None:
    tags = original_tags("metric", names_in_mlflow(["val/MAP@5", "val/loss", "a\x00@"]))
    assert tags == {
        "fairtune.metric.val/MAP_5": "val/MAP@5",
        "fairtune.metric.a__": "a\ufffd@",
    }
    many = original_tags("param", names_in_mlflow(ODD))
    assert len(many) == sum(name != safe for name, safe in names_in_mlflow(ODD).items())
    assert max(map(len, many)) <= 250
    assert names_in_mlflow(many) == {name: name for name in many}  # MLflow takes the tags' names


@pytest.mark.parametrize("uri", ["mysql://host/x", "mysql+pymysql://host/x", "mssql+pyodbc://h/x"])
def test_names_that_differ_by_case_only_stay_apart_where_the_database_would_not_tell_them(
    uri: str,
) -> None:
    names = ["val/acc", "Val/Acc", "val/MAP@5", "val/map_5"]
    found = names_in_mlflow(names, uri)
    assert len({name.lower() for name in found.values()}) == len(names)
    assert found["Val/Acc"] == "Val/Acc" and found["val/acc"].startswith("val/acc-")
    for other in ("sqlite:///x.db", "postgresql://host/x", "http://host"):
        assert names_in_mlflow(names, other)["val/acc"] == "val/acc"


def test_a_text_is_one_that_every_database_takes() -> None:
    assert storable("a\x00b\ud800c") == "a\ufffdb?c"
    assert storable("x" * 7000) == "x" * 5999 + "…" and storable("x" * 6000) == "x" * 6000
