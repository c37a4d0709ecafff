"""Lists of which items, or the length, are searched."""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import optuna
import pytest

from lightning_modules.configuration import Configuration
from studies.study_file import Range, Spec, document, resolve
from studies.study_file.document import StudyFileError
from studies.study_file.json_schema import study_file_schema
from studies.study_file.methods.matched_draws import MatchedRandomSampler, salt_of
from studies.study_file.methods.samplers import SAMPLERS, not_modelled

TWO = "[{min: 4, max: 128, log: true}, {values: [16, 32]}, 8]"
EACH = "{layers: {min: 1, max: 3}, each: {min: 8, max: 9}}"
KNOWN = {
    "[{min: 4, max: 8}, 8]": True, "{layers: 2, all: {values: [1]}}": True, "[4, 8]": True,
    "{layers: 2}": False, "[{min: 1}]": False, "{layers: 2, each: 3, some: 4}": False,
}  # fmt: skip
"""Whether the JSON schema of study files takes them."""
ALL = "{layers: {values: [0, 2]}, all: {min: 8, max: 9}}"


def tree(hidden: str, method: str = "random", more: str = "") -> str:
    model = f"model: {{name: mlp, hidden: {hidden}}}" if hidden else "model: mlp"
    return f"study: lists\ndata: iris\n{model}\n{more}\nsearch: {{method: {method}}}\n"


def written(hidden: str, method: str = "random", more: str = "") -> Spec:
    return resolve(document.parse(tree(hidden, method, more), "lists.yaml"))


def drawn(spec: Spec, number: int) -> dict[str, Any]:
    study = optuna.create_study(sampler=MatchedRandomSampler(salt_of(0, 1, number)))
    return spec.space.suggest(study.ask())


def widths(spec: Spec, draws: int = 40) -> list[list[int]]:
    return [drawn(spec, number)["model"]["hidden"] for number in range(draws)]


def test_every_item_is_a_parameter_of_its_own() -> None:
    spec = written(TWO)
    found = dict(spec.space.parameters())
    assert list(found) == ["model.hidden.0", "model.hidden.1"]
    assert isinstance(first := found["model.hidden.0"], Range) and first.integer and first.log
    assert spec.space.size() == 125 * 2
    for first_width, second, third in widths(spec):
        assert 4 <= first_width <= 128 and second in (16, 32) and third == 8


def test_each_layer_has_a_width_and_exists_in_longer_lists_only() -> None:
    spec = written(EACH)
    names = ["layers", "0", "1", "2"]
    assert [name for name, _ in spec.space.parameters()] == [f"model.hidden.{n}" for n in names]
    assert spec.space.always() == {"model.hidden.layers", "model.hidden.0"}
    assert spec.space.size() == 2 + 4 + 8
    assert {len(each) for each in widths(spec)} == {1, 2, 3}
    assert [8, 9] in widths(spec) or [9, 8] in widths(spec)


def test_all_layers_may_have_one_width() -> None:
    spec = written(ALL)
    assert [name for name, _ in spec.space.parameters()] == [
        "model.hidden.layers", "model.hidden.all",
    ]  # fmt: skip
    assert sorted(set(map(tuple, widths(spec)))) == [(), (8, 8), (9, 9)]


def test_a_grid_has_every_list_once() -> None:
    points = list(written(EACH, "grid").space.grid())
    assert len(points) == len({json.dumps(point) for point in points}) == 14
    assert points[0] == {"model.hidden.layers": 1, "model.hidden.0": 8}
    assert len(list(written(ALL, "grid").space.grid())) == 3
    assert written("[{min: 4, max: 64, num: 3}, {values: [1, 2]}]", "grid").space.grid_size() == 6
    with pytest.raises(StudyFileError, match=r"optimizer\.betas\.0: a grid needs finite"):
        written("", "grid", "optimizer: {name: adam, betas: [{min: 0.8, max: 0.9}, 0.999]}")


def test_the_first_trial_has_the_defaults_of_the_list() -> None:
    more = "optimizer: {name: adam, betas: [{min: 0.5, max: 0.99}, {min: 0.99, max: 0.9999}]}"
    assert written(EACH, more=more).space.default() == {
        "model.hidden.layers": 1, "model.hidden.0": 9,
        "optimizer.betas.0": 0.9, "optimizer.betas.1": 0.999,
    }  # fmt: skip


def test_items_are_drawn_by_their_path_alone() -> None:
    longer = written("{layers: {min: 1, max: 9}, each: {min: 1, max: 1000}}")
    shorter = written("{layers: {min: 1, max: 3}, each: {min: 1, max: 1000}}")
    pairs = zip(widths(longer), widths(shorter), strict=True)
    assert all(a == b for one, other in pairs for a, b in zip(one, other, strict=False))


@pytest.mark.parametrize("method", ["tpe", "qmc", "cmaes", "gp", "random"])
def test_every_method_searches_them(method: str) -> None:
    spec = written("{layers: {min: 1, max: 3}, each: {min: 8, max: 64, log: true}}", method)
    given = {**spec.sampler.parameters}
    if "n_startup_trials" in given:
        given["n_startup_trials"] = 2
    sampler = SAMPLERS[method].build(1, "salt", **given)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(spec.space.default())
    for _ in range(6):
        trial = study.ask()
        configuration = Configuration.resolve(spec.space.suggest(trial))
        study.tell(trial, sum(configuration.model.parameters["hidden"]))
    left = {"model.hidden.1", "model.hidden.2"}
    modelled = method in ("tpe", "random")
    assert set(not_modelled(method, spec.space)) == (set() if modelled else left)


def test_a_list_is_one_value_of_a_configuration() -> None:
    for hidden in (TWO, EACH, ALL):
        spec = written(hidden)
        configuration = Configuration.resolve(drawn(spec, 1))
        flat = configuration.flat()
        assert spec.space.open_values_of(flat) == {"model.hidden": flat["model.hidden"]}


def test_items_of_alternatives_keep_their_names() -> None:
    text = "study: a\ndata: iris\nmodel:\n  - {name: mlp, label: deep, hidden: "
    text += EACH + "}\n  - mlp\n"
    spec = resolve(document.parse(text + "search: {method: random}\n", "a.yaml"))
    assert "model.deep.hidden.layers" in dict(spec.space.parameters())
    assert spec.space.always() == {"model"}
    assert list(spec.space.open_values_of({"model.name": "mlp", "model.hidden": [4]})) == [
        "model.name", "model.hidden",
    ]  # fmt: skip


def test_lists_of_own_classes_and_of_programs_are_searched() -> None:
    text = (
        "study: own\nmodel: {command: [python, a.py, '{model.widths}', '{model.cut.at}'], "
        "widths: [{min: 1, max: 2}, {min: 3, max: 4}], cut: {at: {layers: 2, all: {min: 0.5, "
        "max: 1.0}}}}\nobjective: {metric: loss, goal: minimize}\nsearch: {method: random}\n"
    )
    spec = resolve(document.parse(text, "own.yaml"))
    names = [name for name, _ in spec.space.parameters()]
    assert names == ["model.widths.0", "model.widths.1", "model.cut.at.all"]
    model = drawn(spec, 3)["model"]
    assert len(model["widths"]) == 2 and len(set(model["cut"]["at"])) == 1


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ("{layer: 3, each: {min: 8, max: 9}}", "hidden.layer: is no key of a list; did you mean l"),
        ("{layers: {min: 1, max: 101}, each: 8}", "hidden.layers: must be integers from 0 to 100"),
        ("{layers: {min: 0.5, max: 2}, each: 8}", "hidden.layers: must be integers from 0 to 100"),
        ("{layers: {values: [1, two]}, each: 8}", "hidden.layers: must be integers from 0 to 100"),
        ("{layers: true, each: 8}", "hidden.layers: must be integers from 0 to 100, got True"),
        ("{layers: {mn: 1, max: 2}, each: 8}", "hidden.layers.mn: is no key of a range; did you"),
        ("{min: 1, max: 9}", "hidden: is a list: write a range for an item, [{min: ..., max"),
        ("{layers: 2}", "hidden: a list of searched length needs one of `each`"),
        ("{layers: 2, each: 8, all: 8}", "hidden: a list of searched length needs one of `each`"),
        ("{each: 8}", "hidden: a list of searched length needs `layers`"),
        ("{layers: 2, each: {min: 9, max: 8}}", "hidden.each: min must be less than max"),
        ("{layers: 2, all: {min: 0, max: 8}}", "hidden: must be a list of items, each an integer"),
        ("[{min: 3, max: 1}, {mx: 2, min: 1}]", "hidden.1.mx: is no key of a range; did you"),
        ("{values: [[{min: 1, max: 2}], [3]]}", "hidden.values.0: holds a range inside `values`"),
    ],
)  # fmt: skip
def test_mistakes_are_named_where_they_are(hidden: str, said: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        written(hidden)
    assert f"lists.yaml:3: model.{said}" in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(StudyFileError) as caught:
        written("[{min: 3, max: 1}, {mx: 2, min: 1}]", more="optimizer: {name: adm}")
    assert all(text in str(caught.value) for text in ("hidden.0:", "hidden.1.mx:", "mean adam"))


@pytest.mark.parametrize(
    ("hidden", "factor", "lists"),
    [
        (TWO, "model.hidden.1", [[4, 16, 8], [4, 32, 8]]),
        ("{layers: {values: [1, 3]}, each: {values: [5]}}", "model.hidden.layers", [[5], [5] * 3]),
        ("{layers: 2, all: {values: [4, 5]}}", "model.hidden.all", [[4, 4], [5, 5]]),
        ("{layers: {min: 1, max: 2, num: 2}, each: 6}", "model.hidden.layers", [[6], [6, 6]]),
    ],
)
def test_an_item_or_the_length_may_be_the_factor(
    hidden: str, factor: str, lists: list[list[int]]
) -> None:
    spec = written(
        hidden.replace("min: 4, max: 128, log: true", "values: [4]"),
        more=(f"compare: {{factor: {factor}}}"),
    )
    assert len(spec.arms) == 2
    made = [drawn(replace(spec, space=arm.space), 0)["model"]["hidden"] for arm in spec.arms]
    assert made == lists


def test_factors_in_lists_are_suggested() -> None:
    with pytest.raises(StudyFileError, match=r"did you mean model\.hidden\.1\?"):
        written(TWO, more="compare: {factor: model.hidden.01}")


@pytest.mark.parametrize(
    ("second", "fits"), [("{min: 5, max: 9}", False), ("{min: 6, max: 9}", True), ("4", False)]
)
def test_items_that_must_increase_do_so_whatever_is_drawn(second: str, fits: bool) -> None:
    more = f"schedule: {{name: multistep, milestones: [{{min: 1, max: 5}}, {second}]}}"
    if fits:
        assert written("", more=more).space.size() == 20
    else:
        with pytest.raises(StudyFileError, match=r"milestones.1: must be larger than the item"):
            written("", more=more)


def test_the_size_of_a_huge_space_can_be_told() -> None:
    huge = "{layers: {min: 1, max: 100}, each: {min: 1, max: 900000000}}"
    more = "optimizer: {name: adam, lr: {min: 0.1, max: 0.2}}"
    assert written(huge, more=more).space.size() == float("inf")
    with pytest.raises(StudyFileError, match=r"the grid has more than 1e\+15 points"):
        written(huge, "grid")


def test_the_schema_knows_them() -> None:
    schema = study_file_schema()["properties"]["model"]
    validator = jsonschema.Draft202012Validator(schema)
    model = {hidden: document.parse(tree(hidden), "lists.yaml").tree["model"] for hidden in KNOWN}
    assert {hidden: validator.is_valid(each) for hidden, each in model.items()} == KNOWN
