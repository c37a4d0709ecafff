"""A study file is read whole, or refused with every mistake and its line."""

import subprocess
import sys

import pytest

from studies.study_file import Spec, document, resolve
from studies.study_file.document import StudyFileError

GOOD = """
study: optimizers-on-digits
data: {name: digits, batch_size: 64}
model: {name: mlp, hidden: [32], activation: {values: [relu, tanh]}}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true}}
  - {name: adam, lr: {min: 1e-5, max: 1e-1, log: true}}
search: {method: tpe, trials: 5, pruner: {name: hyperband}}
compare: {factor: optimizer}
"""


def read(text: str, *overrides: str) -> Spec:
    return resolve(document.parse(text, "study.yaml"), overrides)


def test_a_study_file_becomes_a_space_with_defaults_filled_in() -> None:
    spec = read(GOOD)
    assert [name for name, _ in spec.space.parameters()] == [
        "model.activation",
        "optimizer",
        "optimizer.sgd.lr",
        "optimizer.adam.lr",
    ]
    assert spec.objective.metric == "val/accuracy"
    assert spec.objective.goal == "maximize"
    assert (spec.trials, spec.max_epochs, spec.factors) == (5, 20, ("optimizer",))


def test_a_mistake_in_a_section_does_not_hide_another_one_in_it() -> None:
    text = GOOD.replace("{method: tpe, trials: 5, pruner:", "{method: tp, trials: 0, pruner:")
    with pytest.raises(StudyFileError) as caught:
        read(text)
    trials, method = sorted(str(caught.value).splitlines(), reverse=True)
    assert "search.trials: " in trials
    assert "search.method: there is no search method 'tp'; did you mean tpe?" in method


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ("{name: digits, split_seed: {values: [0, 1]}}", "data.split_seed"),
        ("{name: digits, validation: {min: 0.1, max: 0.3}}", "data.validation"),
        ("[digits, {name: mnist1d, label: signals}]", "data"),
    ],
)
def test_no_search_may_choose_the_rows_that_judge_it(data: str, place: str) -> None:
    text = GOOD.replace("{name: digits, batch_size: 64}", data)
    with pytest.raises(StudyFileError) as caught:
        read(text)
    (line,) = str(caught.value).splitlines()
    assert f"study.yaml:3: {place}: decides which rows judge a trial" in line


def test_six_mistakes_are_reported_together_with_their_lines() -> None:
    text = """study: x
data: {name: digit}
model: {name: mlp, hiden: [3]}
optimizer: {name: adam, lr: {min: 1.0, max: 0.1}}
schedule: {name: cosine, warmup: -1}
objective: {metric: val/acuracy}
serch: {trials: 3}
"""
    with pytest.raises(StudyFileError) as caught:
        read(text)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("study.yaml:2: data.name: there is no data set 'digit'")
    assert lines[1] == (
        "study.yaml:3: model.hiden: mlp takes no such parameter; did you mean hidden?"
    )
    assert lines[2] == (
        "study.yaml:4: optimizer.lr: min must be less than max, got min 1.0 and max 0.1"
    )
    assert lines[3] == "study.yaml:5: schedule.warmup: must be a number >= 0, got -1"
    assert lines[4] == (
        "study.yaml:6: objective.metric: 'val/acuracy' is never logged; did you mean val/accuracy?"
    )
    assert lines[5] == "study.yaml:7: serch: is no key of a study file; did you mean search?"


def test_a_bound_outside_a_parameters_range_names_the_bound() -> None:
    with pytest.raises(StudyFileError, match=r"optimizer\.0\.lr\.min: must be a number > 0"):
        read(GOOD.replace("{min: 1e-3, max: 1.0, log: true}", "{min: -1.0, max: 1.0}"))


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(StudyFileError, match="stands twice, in lines 2 and 10"):
        read(GOOD + "study: again\n")


def test_set_overrides_a_value() -> None:
    assert read(GOOD, "search.trials=50").trials == 50


def test_a_grid_over_conditional_alternatives_has_every_point_once() -> None:
    spec = read(
        GOOD.replace("method: tpe, trials: 5, pruner: {name: hyperband}", "method: grid")
        .replace("min: 1e-3, max: 1.0, log: true", "min: 1e-3, max: 1.0, log: true, num: 4")
        .replace("min: 1e-5, max: 1e-1, log: true", "values: [1e-4, 1e-3, 1e-2]")
    )
    points = [tuple(sorted(point.items())) for point in spec.space.grid()]
    assert len(points) == len(set(points)) == 2 * (4 + 3) == spec.space.grid_size()


def test_a_grid_over_a_continuous_axis_names_the_axis() -> None:
    with pytest.raises(StudyFileError, match=r"optimizer\.sgd\.lr: a grid needs finite axes"):
        read(GOOD.replace("method: tpe, trials: 5, pruner: {name: hyperband}", "method: grid"))


def test_reading_a_study_file_imports_no_torch() -> None:
    code = "import studies.study_file.spec, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("label", ["x × y", "sgd-confirm", "a/b", ""])
def test_a_label_that_could_be_taken_for_another_arm_is_refused(label: str) -> None:
    with pytest.raises(StudyFileError, match="is no label"):
        read(GOOD.replace("{name: sgd,", f"{{name: sgd, label: '{label}',"))


@pytest.mark.parametrize("seeds", ["0", "-4", "many"])
def test_a_confirmation_has_at_least_one_seed(seeds: str) -> None:
    with pytest.raises(StudyFileError, match=r"confirm\.seeds"):
        read(GOOD + f"confirm: {{seeds: {seeds}}}\n")


PROGRAM = """
study: programs
model: {command: [train, --lr, "{optimizer.lr}"]}
optimizer: {name: sgd, lr: {min: 0.1, max: 1.0}}
env: ENV
objective: {metric: val/loss, goal: minimize}
"""


def spec_from(text: str) -> Spec:
    return resolve(document.parse(text, "made.yaml"))


def test_a_file_names_the_variables_that_its_program_sees() -> None:
    assert spec_from(PROGRAM.replace("ENV", "[MY_DATA, HF_TOKEN]")).env == ("MY_DATA", "HF_TOKEN")
    assert spec_from(PROGRAM.replace("ENV", "[]")).env == ()
    assert spec_from(PROGRAM.replace("env: ENV", "")).env is None


@pytest.mark.parametrize(
    ("env", "message"),
    [("[1]", "env.0"), ("MY_DATA", "env"), ("[a b]", "env.0"), ("[A=b]", "env.0")],
)
def test_what_is_no_name_of_a_variable_is_refused_with_its_line(env: str, message: str) -> None:
    with pytest.raises(StudyFileError, match=f":5: {message}: "):
        spec_from(PROGRAM.replace("ENV", env))


def test_variables_without_a_program_are_refused() -> None:
    with pytest.raises(StudyFileError, match=":3: env: only a program has variables of its own"):
        spec_from("study: none\ndata: digits\nenv: [A]\nmodel: mlp\n")
