"""The commands that give a study more."""

from dataclasses import replace

from studies.results.commands import command
from studies.study_file import resolve
from studies.study_file.document import from_tree
from tests.support.states import states

FUNCTION = {
    "study": "own",
    "model": {
        "x": {"min": 0.0, "max": 1.0},
        "command": ["python-function", "train.fit", "{configuration}"],
    },
    "objective": {"metric": "val/loss", "goal": "minimize"},
    "search": {"method": "random", "trials": 3},
}


def test_a_study_is_extended_by_its_command() -> None:
    results = replace(states()["finished"], command=["a file.yaml", "--set", "trainer.epochs=2"])
    said = command(results, "search.trials=9")
    assert said.startswith("fairtune run 'a file.yaml' --set trainer.epochs=2 --home ")
    assert said.endswith(" --set search.trials=9")


def test_a_study_of_a_function_is_extended_by_the_call_that_has_it() -> None:
    results = replace(states()["finished"], spec=resolve(from_tree(FUNCTION)))
    assert command(results, "search.repeats=9") == (
        'fairtune.run("own", trial=fit, overrides={"search.repeats": 9}, '
        f"home={str(results.home.path)!r})"
    )
