"""The JSON schema of study files accepts what fairtune accepts, and no typical mistake."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, SchemaError

from studies.study_file import document
from studies.study_file.json_schema import TABLES, study_file_schema
from studies.study_file.presets import find_preset, preset_names

SCHEMA = study_file_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
GOOD = """
study: good
data: {name: digits, batch_size: 64, augment: {horizontal_flip: 0.5, mixup: {min: 0.1, max: 0.4}}}
model: {name: mlp, hidden: {values: [[32], [64]]}, activation: relu}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: adam, label: slow, lr: 1e-4}
schedule: cosine
regularization: {dropout: {min: 0.0, max: 0.5}, l2: null, early_stopping: {patience: 5}}
trainer: {epochs: 5, trial_timeout: 60}
objective: {metric: val/accuracy, goal: maximize}
search: {method: {name: tpe, n_startup_trials: 5}, trials: 5, pruner: hyperband}
compare: {factor: optimizer}
confirm: {top: 1, seeds: auto}
"""


def mistakes(text: str) -> list[str]:
    """The places of a study file that the schema refuses."""
    tree = document.parse(text, "study.yaml").tree
    return [error.json_path for error in VALIDATOR.iter_errors(tree)]


@pytest.fixture
def copies_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of equal parts of a schema its dialect looks at one: most parts of this one are copies."""
    seen: set[str] = set()
    follow = Draft202012Validator.VALIDATORS["$dynamicRef"]

    def follow_once(validator: Any, reference: str, part: Any, rule: Any) -> Iterator[Any]:
        text = json.dumps(part)
        if text not in seen:
            seen.add(text)
            yield from follow(validator, reference, part, rule)

    monkeypatch.setitem(Draft202012Validator.VALIDATORS, "$dynamicRef", follow_once)


@pytest.mark.usefixtures("copies_are_known")
def test_it_is_a_valid_schema_of_its_dialect_and_travels_as_json() -> None:
    schema = json.loads(json.dumps(SCHEMA))
    Draft202012Validator.check_schema(schema)
    schema["properties"]["optimizer"]["anyOf"][-1]["minItems"] = -1
    with pytest.raises(SchemaError, match="-1 is less than the minimum of 0"):
        Draft202012Validator.check_schema(schema)


def test_a_file_that_uses_every_section_validates() -> None:
    assert mistakes(GOOD) == []


@pytest.mark.parametrize(
    "model",
    [
        "{class: 'nets:Net', width: {min: 4, max: 16}}",
        "[{class: 'nets:Net', label: mine}, mlp]",
        "{command: [sh, train.sh, '{model.level}'], level: {values: [1, 2]}}",
    ],
)
def test_a_model_of_a_users_validates_with_the_metrics_that_it_logs(model: str) -> None:
    text = GOOD.replace("{name: mlp, hidden: {values: [[32], [64]]}, activation: relu}", model)
    assert text != GOOD
    assert mistakes(text.replace("val/accuracy", "score")) == []
    wrong = text.replace("nets:Net", "nets/Net").replace("[sh, train.sh, '{model.level}']", "sh")
    assert mistakes(wrong) == ["$.model"]


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_validates(preset: str) -> None:
    assert mistakes(find_preset(preset).read_text()) == []


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("study: good\n", "", "$"),
        ("schedule:", "shedule:", "$"),
        ("name: digits", "name: digit", "$.data"),
        ("hidden:", "hiden:", "$.model"),
        ("activation: relu", "activation: rleu", "$.model"),
        ("name: sgd, lr", "name: sgd, learning_rate", "$.optimizer"),
        ("name: mlp", "name: mlp, label: alone", "$.model"),
        ("min: 1e-3, max: 1.0", "min: 1e-3", "$.optimizer"),
        ("log: true", "log: 1", "$.optimizer"),
        ("lr: 1e-4", "lr: fast", "$.optimizer"),
        ("lr: 1e-4", "lr: -1.0", "$.optimizer"),
        ("schedule: cosine", "schedule: {name: cosine, gamma: 0.5}", "$.schedule"),
        ("dropout:", "drop_out:", "$.regularization"),
        ("patience: 5", "patience: 0.5", "$.regularization"),
        ("epochs: 5", "epochs: 0", "$.trainer.epochs"),
        ("trial_timeout: 60", "trial_timeout: 0", "$.trainer.trial_timeout"),
        ("val/accuracy", "val/acuracy", "$.objective.metric"),
        ("goal: maximize", "goal: maximise", "$.objective.goal"),
        ("name: tpe", "name: tpee", "$.search.method"),
        ("trials: 5, pruner", "trials: 0, pruner", "$.search.trials"),
        ("pruner: hyperband", "pruner: {name: hyperband, patience: 1}", "$.search.pruner"),
        ("factor: optimizer", "factors: optimizer", "$.compare"),
        ("seeds: auto", "seeds: automatic", "$.confirm"),
    ],
)
def test_a_mistake_is_refused_at_its_place(right: str, wrong: str, place: str) -> None:
    text = GOOD.replace(right, wrong)
    assert text != GOOD
    assert all(found.startswith(place) for found in mistakes(text))
    assert mistakes(text)


def test_every_component_of_every_table_can_be_completed_with_its_parameters() -> None:
    offered = list(objects(SCHEMA))
    for kind, table in TABLES.items():
        for name, row in table.items():
            if kind == "regularization":
                assert name in SCHEMA["properties"]["regularization"]["anyOf"][0]["properties"]
                continue
            if kind == "augmentation":
                assert any(name in node["properties"] for node in mappings(SCHEMA))
                continue
            described = [
                node
                for node in offered
                if node.get("description") == row.summary
                and node["properties"]["name"] == {"const": name}
            ]
            assert described, f"{kind} {name}"
            of_the_study = {"split"} if kind == "data" else set()
            for node in described:
                keys = node["properties"].keys() - {"label"}
                assert keys == {"name", *row.parameters} | of_the_study


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the schema that has properties."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from mappings(child)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the schema that describes a named component."""
    if isinstance(node, dict):
        if "name" in node.get("properties", {}):
            yield node
        for child in node.values():
            yield from objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from objects(child)
