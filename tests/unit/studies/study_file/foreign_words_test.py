"""Words of other tools are answered with this file's words."""

import pytest

from studies.study_file import document, resolve
from studies.study_file.document import StudyFileError

FILE = """study: x
data: iris
model: mlp
optimizer: {name: adam, lr: LR}
search: {SEARCH}
"""


def mistakes(lr: str = "0.1", search: str = "trials: 3", more: str = "") -> list[str]:
    text = FILE.replace("LR", lr).replace("SEARCH", search) + more
    with pytest.raises(StudyFileError) as caught:
        resolve(document.parse(text, "study.yaml"))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{low: 1e-4, high: 0.1, log: true}", "{min: 0.0001, max: 0.1, log: true}"),
        ("{lower: 1e-4, upper: 0.1}", "{min: 0.0001, max: 0.1}"),
        ("{min: 1e-4, upper: 0.1}", "{min: 0.0001, max: 0.1}"),
        ("{distribution: log_uniform_values, min: 1e-4, max: 0.1}",
         "{min: 0.0001, max: 0.1, log: true}"),
        ("{distribution: log_uniform, min: -9.21, max: -2.3}",
         "{min: 0.0001, max: 0.1, log: true}"),
        ("{type: float, min: 1, max: 2, q: 0.5}", "{min: 1.0, max: 2.0, step: 0.5}"),
        ("{min_value: 1e-4, max_value: 0.1, sampling: log}", "{min: 0.0001, max: 0.1, log: true}"),
        ("{choices: [0.1, 0.2]}", "{values: [0.1, 0.2]}"),
        ("{type: categorical, values: [0.1, 0.2]}", "{values: [0.1, 0.2]}"),
        ("{grid_search: [0.1, 0.2]}", "{values: [0.1, 0.2]}"),
        ("{distribution: constant, value: 0.1}", "the value itself: 0.1"),
    ],
)  # fmt: skip
def test_a_range_in_other_words_is_rewritten(written: str, meant: str) -> None:
    (line,) = mistakes(written)
    assert line == f"study.yaml:4: optimizer.lr: is in another tool's words; write {meant}"
    if meant.startswith("{"):
        text = FILE.replace("LR", meant).replace("SEARCH", "trials: 3")
        assert resolve(document.parse(text, "study.yaml")).space.parameters()


def test_a_distribution_that_is_not_here_is_said() -> None:
    (line,) = mistakes("{distribution: normal, mu: 0, sigma: 1}")
    assert "there is no normal distribution; write the range that matters" in line


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("method: bayes", "search.method: there is no search method 'bayes'; write tpe, or gp"),
        ("method: bayesian", "write tpe"),
        ("method: hyperopt", "write tpe"),
        ("method: Sobol", "write qmc"),
        ("method: CMA-ES", "write cmaes"),
        ("method: {name: grid_search}", "write grid"),
        (
            "method: asha",
            "it stops trials early, which is a pruner: write pruner: successive_halvi",
        ),
        ("pruner: asha", "search.pruner: there is no pruner 'asha'; write successive_halving"),
        ("pruner: MedianPruner", "write median"),
        ("sampler: tpe", "search.sampler: is no key of a study file; write search: {method: tpe}"),
        ("n_trials: 50", "search.n_trials: is no key of a study file; write search: {trials: 50}"),
        ("direction: minimize", "write objective: {metric: val/loss, goal: minimize}"),
    ],
)
def test_a_method_in_other_words_is_answered(search: str, said: str) -> None:
    (line,) = mistakes(search=search)
    assert line.startswith("study.yaml:5: ") and said in line


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("parameters: {lr: {values: [1]}}", "parameters: is no key of a study file; ranges stand"),
        ("method: bayes", "method: is no key of a study file; write search: {method: tpe}"),
        ("n_trials: 7", "write search: {trials: 7}"),
        ("direction: maximize", "write objective: {metric: val/loss, goal: maximize}"),
        ("metric: {name: val/acc, goal: maximize}", "{metric: val/acc, goal: maximize}"),
        ("early_terminate: {type: hyperband}", "write search: {pruner: hyperband}"),
        ("program: train.py", 'write model: {command: [python, train.py, "{params}"]}'),
        ("cwd: sub", "write it beside the command"),
        ("max_epochs: 5", "write trainer: {epochs: 5}"),
        ("n_jobs: 4", "fairtune run STUDY.yaml --workers 4"),
    ],
)
def test_a_key_of_another_tool_is_answered(more: str, said: str) -> None:
    (line,) = mistakes(more=more)
    assert line.startswith("study.yaml:6: ") and said in line


def test_a_whole_sweep_is_answered_at_once() -> None:
    sweep = (
        "program: train.py\nmethod: bayes\nmetric: {name: val/loss, goal: minimize}\n"
        "parameters:\n  lr: {distribution: log_uniform_values, min: 1e-4, max: 0.1}\n"
    )
    with pytest.raises(StudyFileError) as caught:
        resolve(document.parse(sweep, "sweep.yaml"))
    lines = str(caught.value).splitlines()
    for place in ("sweep.yaml:1: program", "sweep.yaml:2: method", "sweep.yaml:3: metric"):
        assert any(line.startswith(place) for line in lines)
    assert any(line.startswith("sweep.yaml:4: parameters: is no key") for line in lines)
