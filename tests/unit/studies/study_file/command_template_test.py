"""What a study file says that a program cannot be told, with the way out."""

import pytest

from studies.inputs.identities import code
from studies.study_file import Spec, document, resolve
from studies.study_file.command_template import lacks_seed, tells_split
from studies.study_file.document import StudyFileError

FILE = """
study: flags
model:
  command: COMMAND
  bn: {values: [true, false]}
  layers: {values: [[32], [32, 64]]}
  rate: {min: 0.1, max: 0.2}
  kind: net
objective: {metric: val/loss, goal: minimize}
search: {method: random, trials: 3}
"""
REST = '"{params}"'


def read(command: str, *more: str) -> Spec:
    text = FILE.replace("COMMAND", command) + "\n".join(more)
    return resolve(document.parse(text, "study.yaml"))


def mistakes(command: str, *more: str) -> list[str]:
    with pytest.raises(StudyFileError) as caught:
        read(command, *more)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("{model.bn:flg --bn}", "there is no form 'flg --bn'; did you mean flag?"),
        ("{model.bn:flag}", "name the flag, as in {model.bn:flag --bn} or"),
        ("{model.bn:flag --a /--b}", "name the flag"),
        ("{model.bn:flag --a/--b/--c}", "name the flag"),
        ("{model.rate:option}", "name the option, as in {model.rate:option --clip}"),
        ("{model.rate:%q}", "there is no form '%q'; known are flag --on, flag --on/--off"),
        ("{model.rate:%d}", "model.rate is 0.1, not a number for %d"),
        ("{model.kind:%.3f}", 'model.kind is "net", not a number for %.3f'),
        ("{model.bn:%d}", "model.bn is true, not a number for %d"),
        ("{model.rate:flag --x}", "model.rate is 0.1, not true or false"),
        ("--layers={model.layers:words}", "is a word of its own; put nothing beside it"),
        ("x{params}", "{params} is a word of its own"),
        ("{params:--nam value}", "there is no form '--nam value'; did you mean --name value?"),
        ("{model.rat}", "there is no value {model.rat}; did you mean model.rate?"),
        ("{parms}", "there is no value {parms}; did you mean params?"),
        ("${HOME:-x}", "write {{HOME:-x}} for the text itself"),
    ],
)
def test_a_place_that_means_nothing_is_told(place: str, message: str) -> None:
    found = mistakes(f'[train, "{place}", {REST if place[:2] != "x{" else ""}]')
    assert found[0].startswith("study.yaml:4: model.command: ")
    assert message in found[0]


def test_all_mistakes_are_told_at_once() -> None:
    command = '[train, "{model.bn:flg --bn}", "{model.layer:words}", "{model.rate:%d}"]'
    found = mistakes(command)
    assert [line for line in found if "flg" in line or "model.layer}" in line or "%d" in line]
    assert len(found) >= 3


def test_mistakes_in_the_search_hide_none_in_the_command() -> None:
    found = mistakes('[train, "{model.bm}", "{params}"]', "serch: {trials: 3}")
    assert len(found) == 2 and "{model.bm}; did you mean model.bn?" in found[0]


def test_what_no_one_is_told_is_an_error_that_names_params() -> None:
    (bn, layers, rate, kind) = mistakes("[train]")
    assert "add {model.bn} to its arguments, or {configuration} for a JSON file of" in bn
    assert bn.endswith("or {params} for all that it is not told")
    assert "model.layers" in layers and "model.rate" in rate and "model.kind" in kind


def test_two_values_of_one_name_are_told_apart() -> None:
    (line,) = mistakes(f"[train, {REST}]\n  lr: 3", "optimizer: {name: sgd, lr: 0.1}")
    assert "model.lr and optimizer.lr would both be --lr: name one of them by itself" in line
    read(f"[train, {REST}, --rate, '{{optimizer.lr}}']\n  lr: 3", "optimizer: {name: sgd, lr: 0.1}")
    read('[train, "{params:--path value}"]\n  lr: 3', "optimizer: {name: sgd, lr: 0.1}")


def test_params_tells_all() -> None:
    spec = read(f"[train, {REST}]")
    assert spec.configurations[0].model.parameters["command"] == [
        "train",
        "{model.bn:option --bn}",
        "{model.layers:option --layers}",
        "{model.rate:option --rate}",
        "{model.kind:option --kind}",
    ]


def test_variables_tell_values_and_may_be_searched_themselves() -> None:
    env = 'env: {LR: "{model.rate:%.3g}", DEPTH: {min: 1, max: 3}, SEED: "{seed}"}'
    spec = read(f"[train, {REST}]\n  {env}\n  cwd: sub")
    assert "model.env.DEPTH" in [name for name, _ in spec.space.parameters()]
    assert "{model.rate:option --rate}" not in spec.configurations[0].model.parameters["command"]
    assert not lacks_seed(spec.configurations)
    assert not tells_split(spec.configurations[0])


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ('{LR: "{model.rte}"}', "model.env.LR: there is no value {model.rte}; did you mean"),
        ('{LR: "{params}"}', "model.env.LR: {params}: a variable is one text"),
        ('{LR: "{model.layers:words}"}', "write {model.layers:commas} for a list"),
        ("[LR]", "model.env: must map variables to their values, as in {LR:"),
        ("{1a: x}", "'1a' is no name of a variable"),
        ("{LR: [1]}", "model.env.LR: must be a text, a number, true or false, got [1]"),
    ],
)
def test_a_mistake_in_a_variable_is_told_with_its_line(env: str, message: str) -> None:
    (line,) = mistakes(f"[train, {REST}]\n  env: {env}")
    assert line.startswith("study.yaml:5: ") and message in line


def test_variables_with_values_stand_beside_the_command() -> None:
    (line,) = mistakes(f"[train, {REST}]", 'env: {LR: "{model.rate}"}')
    assert "env: lists the variables that a program may see; those with values stand beside" in line


def test_a_function_of_python_may_have_an_env_and_a_cwd_of_its_own() -> None:
    text = FILE.replace("COMMAND", '[python-function, mine.trial, "{configuration}"]')
    text = text.replace("kind: net", "env: CartPole\n  cwd: 3")
    (first, *_) = resolve(document.parse(text, "study.yaml")).configurations
    assert (first.model.parameters["env"], first.model.parameters["cwd"]) == ("CartPole", 3)
    assert list(code(first)) == []


def test_a_command_line_is_answered_with_its_list() -> None:
    found = mistakes("python train.py --lr {optimizer.lr} --name 'a b' 5")
    assert '; write [python, train.py, --lr, "{optimizer.lr}", --name, "a b", "5"]' in found[0]


def test_a_word_that_is_no_text_is_told() -> None:
    found = mistakes("[train, true, null, [1]]")
    assert "model.command.1: must be a text or a number, got True" in found[0]
    assert len(found) == 3
