"""Notes and tags of people in MLflow, and in an Optuna storage from which a record is made."""

import pytest

from studies.cli import main
from studies.home import Home
from studies.maintenance.annotating import Target, read, write_note, write_tags
from studies.maintenance.importing.importer import import_study
from studies.maintenance.importing.sources import open_storage
from studies.mirrors.mlflow.client import MlflowClient, Run
from studies.records import Annotation
from tests.support.recorded import STUDY, bring_up, recording

KEY = "adam-0000"
TRIAL, WHOLE = Target(STUDY, KEY), Target(STUDY)


@pytest.fixture
def finished(home: Home) -> Home:
    with recording(home) as told:
        told.train(0), told.train(1)
        told.finish()
    bring_up(home)
    return home


def runs(home: Home) -> dict[str, Run]:
    client = MlflowClient(home.mlflow_uri)
    experiment = client.get_experiment_by_name(STUDY)
    assert experiment is not None
    return {str(r.info.run_name): r for r in client.search_runs([experiment.experiment_id])}


def test_they_are_the_description_and_plain_tags_of_the_runs_and_follow_what_changes(
    finished: Home,
) -> None:
    before = runs(finished)
    client = MlflowClient(finished.mlflow_uri)
    client.set_tag(before[KEY].info.run_id, "mine", "given in MLflow")
    write_note(finished, TRIAL, "watch **this** one")
    write_tags(finished, TRIAL, ["team=a", "lr=high"], [])
    write_note(finished, WHOLE, "the first study")
    write_tags(finished, WHOLE, ["paper=draft"], [])
    found = runs(finished)
    tags, parent = found[KEY].data.tags, found[STUDY].data.tags
    assert tags["mlflow.note.content"] == "watch **this** one"
    assert (tags["team"], tags["lr"], tags["mine"]) == ("a", "high", "given in MLflow")
    assert parent["paper"] == "draft"
    description = before[STUDY].data.tags["mlflow.note.content"]
    assert parent["mlflow.note.content"] == f"the first study\n\n{description}"
    write_note(finished, TRIAL, None)
    write_tags(finished, TRIAL, ["team=b"], ["lr"])
    write_note(finished, WHOLE, None)
    write_tags(finished, WHOLE, [], ["paper"])
    found = runs(finished)
    tags, parent = found[KEY].data.tags, found[STUDY].data.tags
    assert (tags["team"], tags["mine"]) == ("b", "given in MLflow")
    assert not {"lr", "mlflow.note.content"} & tags.keys()
    assert parent["mlflow.note.content"] == description
    assert "paper" not in parent
    assert {name: run.info.run_id for name, run in found.items()} == {
        name: run.info.run_id for name, run in before.items()
    }


def test_runs_that_are_made_anew_have_them_and_to_deliver_again_changes_nothing(
    finished: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tags(finished, TRIAL, ["team=a"], [])
    write_tags(finished, WHOLE, ["paper=draft"], [])
    before = {name: run.data.tags for name, run in runs(finished).items()}
    client = MlflowClient(finished.mlflow_uri)
    again = ["sync", STUDY, "--rebuild", "--home", str(finished.path)]
    assert main(again) == 0
    assert {name: run.data.tags for name, run in runs(finished).items()} == before
    client.delete_tag(runs(finished)[KEY].info.run_id, "team")
    (finished.path / "mlflow.db").rename(finished.path / "lost.db")
    assert main(again) == 0
    found = runs(finished)
    assert found[KEY].data.tags["team"] == "a"
    assert found[STUDY].data.tags["paper"] == "draft"


def test_a_record_that_is_made_from_optunas_storage_has_them(
    finished: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_note(finished, TRIAL, "watch this one")
    write_tags(finished, WHOLE, ["paper=draft", "gone=1"], [])
    write_tags(finished, Target(STUDY, "adam-0001"), ["gone=1"], [])
    write_tags(finished, Target(STUDY, "adam-0001"), [], ["gone"])
    write_tags(finished, WHOLE, [], ["gone"])
    other = Home.at(tmp_path_factory.mktemp("other") / "home")
    with open_storage(finished.optuna_url) as source:
        import_study(other, STUDY, source)
    assert read(other, TRIAL) == Annotation("watch this one")
    assert read(other, WHOLE) == Annotation(tags={"paper": "draft"})
    assert read(other, Target(STUDY, "adam-0001")) == Annotation()
