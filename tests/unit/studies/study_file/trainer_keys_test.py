"""How trials are trained: equal for all of them unless it is compared."""

from types import SimpleNamespace
from typing import Any

import pytest

from studies.running.continuing import changes
from studies.search.arm_search import Budget
from studies.search.pruning import may_prune
from studies.study_file import Spec, document, resolve
from studies.study_file.document import StudyFileError

FILE = """study: x
data: iris
model: mlp
trainer: {TRAINER}
search: {trials: 3, pruner: {name: median, warmup: 1}}
"""
PROGRAM = """study: x
model: {command: [python, train.py, WORDS]}
objective: {metric: val/loss, goal: minimize}
trainer: {epochs: 6, precision: bf16}
"""


def read(trainer: str, more: str = "") -> Spec:
    text = FILE.replace("TRAINER", trainer) + more
    return resolve(document.parse(text, "study.yaml"))


def noted(**notes: str) -> Any:
    """The record of a study, as far as it is asked what the study is."""
    return SimpleNamespace(notes=lambda: notes)


def mistake(trainer: str, more: str = "") -> str:
    with pytest.raises(StudyFileError) as caught:
        read(trainer, more)
    (line,) = str(caught.value).splitlines()
    return line.partition(": ")[2]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("precision", "{values: [32, bf16]}"),
        ("accumulate", "{min: 1, max: 4}"),
        ("compile", "{values: [true, false]}"),
        ("val_every", "{values: [1, 2]}"),
        ("max_steps", "{min: 10, max: 40}"),
    ],
)
def test_what_all_trials_share_is_not_searched(key: str, values: str) -> None:
    assert mistake(f"{key}: {values}") == (
        f"trainer.{key}: must be the same for every trial, unless it is compared: write compare: "
        f"{{factor: trainer.{key}}}"
    )


@pytest.mark.parametrize(
    ("key", "values", "arms"),
    [
        ("precision", "[32, bf16]", {"32": 32, "bf16": "bf16"}),
        ("accumulate", "[1, 4]", {"1": 1, "4": 4}),
        ("compile", "[true, false]", {"True": True, "False": False}),
        ("val_every", "[1, 5]", {"1": 1, "5": 5}),
    ],
)
def test_it_may_be_the_factor(key: str, values: str, arms: dict[str, object]) -> None:
    spec = read(f"{key}: {{values: {values}}}", f"compare: {{factor: trainer.{key}}}\n")
    found = {
        arm.name: {each.trainer[key] for each in spec.configurations if each.trainer[key] == value}
        for arm, value in zip(spec.arms, arms.values(), strict=True)
    }
    assert found == {name: {value} for name, value in arms.items()}


def test_what_is_compared_excuses_nothing_else() -> None:
    trainer = "precision: {values: [32, bf16]}, accumulate: {values: [1, 2]}"
    more = "compare: {factor: trainer.precision}\n"
    assert mistake(trainer, more).startswith("trainer.accumulate: must be the same for every")


@pytest.mark.parametrize(
    ("trainer", "said"),
    [
        ("accumulate_grad_batches: 4", "trainer: {accumulate: 4}"),
        ("gradient_accumulation_steps: 8", "trainer: {accumulate: 8}"),
        ("check_val_every_n_epoch: 5", "trainer: {val_every: 5}"),
        ("limit_train_batches: 100", "trainer: {max_steps: 100}"),
        ("limit_train_batches: 0.1", "trainer: {max_steps: 100}, the steps of the optimizer in an "
         "epoch"),
        ("fp16: true", "trainer: {precision: fp16}"),
        ("bf16: true", "trainer: {precision: bf16}"),
        ("bf16: false", "trainer: {precision: 32}"),
        ("amp: true", "trainer: {precision: bf16}"),
        ("mixed_precision: fp16", "trainer: {precision: fp16}"),
        ("dtype: float32", "trainer: {precision: 32}"),
        ("torch_compile: true", "trainer: {compile: true}"),
    ],
)  # fmt: skip
def test_words_of_other_tools_are_answered(trainer: str, said: str) -> None:
    key = trainer.partition(":")[0]
    assert mistake(trainer) == f"trainer.{key}: is no key of trainer; write {said}"


def test_so_they_are_at_the_top_of_a_file() -> None:
    assert mistake("epochs: 3", "fp16: true\n") == (
        "fp16: is no key of a study file; write trainer: {precision: fp16}"
    )


@pytest.mark.parametrize(
    ("epochs", "every", "said"),
    [
        ("{min: 4, max: 20}", "4", "write {min: 4, max: 20, step: 4}"),
        ("{min: 8, max: 20, step: 2}", "4", "write {min: 4, max: 20, step: 4}"),
        ("{min: 5, max: 22}", "4", "got 5; write 4 or 8"),
        ("{values: [4, 8, 10]}", "4", "got 10; write 8 or 12"),
    ],
)
def test_epochs_that_are_searched_end_with_a_validation(epochs: str, every: str, said: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        read(f"epochs: {epochs}, val_every: {every}")
    assert all("trainer.epochs" in line for line in str(caught.value).splitlines())
    assert said in str(caught.value)


@pytest.mark.parametrize("epochs", ["{min: 4, max: 20, step: 4}", "{values: [4, 8]}"])
def test_multiples_are_searched(epochs: str) -> None:
    assert read(f"epochs: {epochs}, val_every: 4").max_epochs in (5, 2)


def test_pruners_and_budgets_count_validations() -> None:
    spec = read("epochs: 20, val_every: 5")
    assert spec.max_epochs == 4
    asked: Any = SimpleNamespace(handle=object(), configuration=spec.configurations[0])
    assert [epoch for epoch in range(1, 21) if may_prune(spec, asked, epoch)] == [2, 3]
    assert Budget(None, 8, spec.max_epochs).allows(1, 4, 0)
    assert not Budget(None, 8, spec.max_epochs).allows(1, 5, 0)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("precision", "bf16", "'bf16'"),
        ("accumulate", "2", "2"),
        ("compile", "true", "True"),
        ("val_every", "5", "5"),
        ("max_steps", "9", "9"),
    ],
)
def test_a_study_that_gains_one_is_another_study(key: str, value: str, shown: str) -> None:
    record = noted(study_file=read("epochs: 20").text)
    changed = read(f"epochs: 20, {key}: {value}")
    assert changes(changed, record) == [f"trainer.{key} was 'not given' and is {shown}"]


def test_a_study_that_says_what_is_so_anyway_goes_on() -> None:
    given = 'precision: "32", accumulate: 1, compile: false, val_every: 1, max_steps: null'
    record = noted(study_file=read("epochs: 20").text)
    assert changes(read(f"epochs: 20, {given}"), record) == []
    record = noted(study_file=read(f"epochs: 20, {given}").text)
    assert changes(read("epochs: 20, precision: 32"), record) == []
    record = noted(study_file=FILE.replace("trainer: {TRAINER}\n", ""))
    assert changes(read("precision: 32"), record) == []
    assert changes(read("epochs: 3"), record) == ["trainer.epochs was 'not given' and is 3"]


def test_a_program_is_told_or_it_is_a_mistake() -> None:
    with pytest.raises(StudyFileError) as caught:
        resolve(document.parse(PROGRAM.replace("WORDS", '"{epochs}"'), "study.yaml"))
    assert "trainer.precision: the program is not told of it: leave it out, or add " in str(
        caught.value
    )
    for words in ('"{trainer.precision}"', '"{configuration}"'):
        assert resolve(document.parse(PROGRAM.replace("WORDS", words), "study.yaml"))


def test_all_that_a_program_is_told_has_it_where_it_says_something() -> None:
    commands = []
    for precision in ("bf16", "32"):
        text = PROGRAM.replace("WORDS", '"{params}"').replace("bf16", precision)
        (configuration,) = resolve(document.parse(text, "study.yaml")).configurations
        commands.append(configuration.model.parameters["command"][2:])
    assert commands == [["{trainer.precision:option --precision}"], []]
