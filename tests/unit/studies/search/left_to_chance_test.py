"""What a sampler leaves to random draws is said, or refused where it is everything."""

import optuna
import pytest

from studies.running.preview import plan
from studies.search.left_to_chance import sampler_warnings
from studies.study_file import Spec, document, resolve
from studies.study_file.document import StudyFileError
from studies.study_file.methods.samplers import SAMPLERS

LR = "optimizer: {name: adam, lr: {min: 0.001, max: 0.1}}"
NUMBERS = "regularization: {dropout: {min: 0.0, max: 0.5}, label_smoothing: {min: 0.0, max: 0.3}}"
CONDITIONAL = """
optimizer:
  - {name: adam, lr: {min: 0.001, max: 0.1}}
  - {name: sgd, lr: {min: 0.001, max: 0.1}}
"""
CHOICE = "activation: {values: [relu, tanh]}"
SEARCHED = {"optimizer", "optimizer.adam.lr", "optimizer.sgd.lr", "model.activation"}
FREE = ["cmaes", "gp", "qmc", "random", "tpe"]


def written(method: str, *sections: str, model: str = "") -> Spec:
    head = f"study: chance\ndata: iris\nmodel: {{name: mlp, hidden: [4], {model}}}"
    tail = f"search: {{method: {method}, trials: 30}}\n"
    return resolve(document.parse("\n".join([head, *sections, tail]), "a.yaml"))


def left(spec: Spec) -> set[str]:
    """The open values that a warning says are drawn at random."""
    found = [text for text in sampler_warnings(spec) if " at random: " in text]
    each = [text.split(" draws ")[1].split(" at ")[0].split(", ") for text in found]
    return {name for names in each for name in names}


@pytest.mark.parametrize("method", FREE)
def test_numbers_that_every_trial_has_are_left_to_chance_by_none(method: str) -> None:
    assert sampler_warnings(written(method, LR, NUMBERS)) == []


@pytest.mark.parametrize("method", ["cmaes", "gp", "qmc"])
def test_the_sentence_names_what_the_samplers_model_does_not_choose(method: str) -> None:
    """Optuna is asked what its model chooses when trials of every kind have ended."""
    spec = written(method, CONDITIONAL, NUMBERS, model=CHOICE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=2))
    for _ in range(12):
        trial = study.ask()
        spec.space.suggest(trial)
        study.tell(trial, 0.0)
    sampler = SAMPLERS[method].build(0, "salt", **spec.sampler.parameters)
    modelled = sampler.infer_relative_search_space(study, study.get_trials()[-1])
    first = study.get_trials()[0].params
    known = set(first) & left(spec) if method == "qmc" else set()
    # a quasi-random sequence counts what the first trial had; not all of it is in every trial
    assert set(modelled) - known == {name for name, _ in spec.space.parameters()} - left(spec)
    choices = {"optimizer", "model.activation"}
    assert left(spec) == (SEARCHED - choices if method == "gp" else SEARCHED)
    (said,) = [text for text in plan(spec).warnings if " at random: " in text]
    assert said in sampler_warnings(spec)


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_methods_that_draw_everything_by_one_rule_say_nothing(method: str) -> None:
    assert left(written(method, CONDITIONAL, NUMBERS, model=CHOICE)) == set()


@pytest.mark.parametrize(
    ("method", "sections"),
    [("cmaes", [CONDITIONAL]), ("cmaes", [LR]), ("qmc", [CONDITIONAL])],
)
def test_a_method_with_nothing_to_choose_is_refused(method: str, sections: list[str]) -> None:
    with pytest.raises(StudyFileError, match=f"search.method: {method} has nothing to choose"):
        written(method, *sections)
