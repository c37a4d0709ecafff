"""Names and values that a database or MLflow refuses hold up no mirror, wherever its store is."""

import math
from collections.abc import Iterator
from dataclasses import replace

import optuna
import pytest

from studies.home import Home
from studies.mirrors.mlflow.client import MlflowClient
from studies.records import Outcome
from tests.support.mirrored import storage
from tests.support.recorded import STUDY, bring_up, configuration, ended, recording
from tests.support.servers import MlflowServer, Postgres, free_port

pytestmark = pytest.mark.filterwarnings(
    "ignore:<psycopg.Connection:ResourceWarning"  # MLflow's client keeps its connections
)
ODD = {
    "val/MAP@5": 0.5, "val/map@5": 0.6, "": 1.0, "..": 2.0, "/x": 3.0, "a//b": 4.0, "a\x00b": 5.0,
    "n" * 600: 6.0, "y" * 249 + "/z": 7.0, "é☃": 8.0, "nan": math.nan, "inf": math.inf,
}  # fmt: skip
LONG = "option-" + "x" * 600
WRONG = "lost\x00and\udc80found " * 1000


@pytest.fixture(params=["sqlite", "postgresql", "http"])
def stored(
    request: pytest.FixtureRequest, home: Home, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Home]:
    """A home whose mirrors are in a file, in a database server, and behind a server."""
    if request.param == "sqlite":
        yield home
    elif request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        urls = (postgres.database("odd_optuna"), postgres.database("odd_mlflow"))
        yield replace(home, optuna_url=urls[0], mlflow_uri=urls[1])
    else:
        server = MlflowServer(home.path, free_port())
        server.start()
        yield replace(home, mlflow_uri=server.url)
        server.kill()


def test_every_trial_ends_in_both_mirrors_whatever_it_is_called_and_says(stored: Home) -> None:
    wide = configuration(
        model={"command": ["x", "{configuration}"], LONG: "中" * 6000, "odd@name": "a\x00b"},
        objective={"metric": "val/MAP@5", "goal": "maximize"},
    )
    params = {f"model.{LONG}": 0.25, "optimizer.lr": 0.01}
    float_text = optuna.distributions.distribution_to_json(
        optuna.distributions.FloatDistribution(0.0, 1.0)
    )
    with recording(stored) as told:
        for number, outcome in enumerate((Outcome.completed, Outcome.error)):
            trial = told.start(
                number,
                configuration=wide,
                params=params,
                distributions=dict.fromkeys(params, float_text),
            )
            for epoch in (1, 2):
                told.epoch(trial, epoch, {"val/accuracy": 0.5, **ODD})
            best = {"val/accuracy": 0.5, "val/MAP@5": 0.5}
            end = ended(outcome, 2, best=best, reason=WRONG, traceback=WRONG)
            told.end(trial, end)
        told.finish()
    bring_up(stored, "mlflow", "optuna")
    client = MlflowClient(stored.mlflow_uri)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert {name: run.info.status for name, run in runs.items()} == {
        STUDY: "FINISHED", "adam-0000": "FINISHED", "adam-0001": "FAILED",
    }  # fmt: skip
    data = runs["adam-0000"].data
    assert data.tags["fairtune.metric.val/MAP_5"] == "val/MAP@5"
    assert data.tags["fairtune.param.model.odd_name"] == "model.odd@name"
    assert (data.metrics["val/MAP_5"], data.metrics["val/map_5"]) == (0.5, 0.6)
    assert len(data.metrics) == len(ODD) - 1 + 1 + 3  # infinity is left out
    assert "fairtune.refused" not in data.tags
    assert len(data.params) == len(wide.flat())
    with storage(stored) as held:
        trials = optuna.load_study(study_name=f"{STUDY}/adam", storage=held).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL"]
    assert [trial.params["optimizer.lr"] for trial in trials] == [0.01, 0.01]
