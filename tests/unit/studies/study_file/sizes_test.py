"""Studies that ask for more than anybody waits for: they are counted, and nothing is made."""

import resource
import subprocess
import sys
from typing import Any

import pytest

from lightning_modules.errors import UserError
from studies.study_file import document, resolve
from studies.study_file.space.variants import variant_count, variants

GRID = {"method": "grid"}


def tree(**given: Any) -> dict[str, Any]:
    return {"study": "s", "data": "iris", "model": {"name": "mlp", "hidden": [4]}, **given}


def rates(**given: Any) -> dict[str, Any]:
    return {"name": "adam", "lr": {"min": 0.001, "max": 1.0, **given}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"optimizer": rates(num=10**9), "search": GRID}, "the grid has 1,000,000,000 points"),
        ({"optimizer": rates(step=1e-9), "search": GRID}, "the grid has 999,000,001 points"),
        (
            {
                "optimizer": {**rates(num=1000), "eps": {"values": [1e-8, 1e-7]}},
                "trainer": {"epochs": {"min": 1, "max": 501}},
                "search": GRID,
            },
            "the grid has 1,002,000 points",
        ),
        (
            {"optimizer": rates(num=10_000), "search": {**GRID, "repeats": 101}},
            "search: asks for 1,010,000 trainings",
        ),
        ({"search": {"trials": 10**18}}, "search.trials: must be less than or equal to 1000000"),
        ({"search": {"trials": 10**6, "repeats": 2}}, "search: asks for 2,000,000 trainings"),
        ({"confirm": {"top": 10**6, "seeds": 2}}, "confirm: asks for 2,000,000 trainings"),
        ({"search": {"timeout": float("inf")}}, "search.timeout: must be a finite number"),
        ({"trainer": {"trial_timeout": float("nan")}}, "trial_timeout: must be seconds > 0"),
        ({"trainer": {"epochs": 10**12}}, "trainer.epochs: must be an integer >= 1"),
        ({"trainer": {"threads": 10**9}}, "trainer.threads: must be an integer >= 1"),
        (
            {"optimizer": {"name": "adam", "lr": {"values": list(range(1, 15_000))}}},
            "optimizer.lr.values: lists 14,999 values, and 1,000 are the most",
        ),
        (
            {
                "model": [{"name": "mlp", "label": f"a{at}"} for at in range(201)],
                "compare": {"factor": "model"},
            },
            "compare.factor: makes 201 arms, and 200 are the most",
        ),
        (
            {
                "data": [{"name": "iris", "label": f"a{at}"} for at in range(100)],
                "model": [{"name": "mlp", "label": f"a{at}"} for at in range(100)],
            },
            "make 10,100 configurations to check, and 5,000 are the most",
        ),
        ({"optimizer": {"name": "adam", "lr": {"min": 1, "max": 10**90}}}, "lr.max: must be"),
        ({"optimizer": rates(step=5e-324)}, "optimizer.lr.step: is too small to be told apart"),
        ({"optimizer": rates(step=0)}, "optimizer.lr.step: must be a number > 0, got 0"),
        ({"optimizer": []}, "optimizer: lists no alternatives"),
        ({"model": {"name": "mlp", "activation": []}}, "model.activation: lists no alternatives"),
    ],
)
def test_what_is_too_large_is_refused_with_its_count(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(document.from_tree(tree(**given)))
    assert said in str(caught.value)


def test_a_grid_is_counted_within_little_memory() -> None:
    """Half a gigabyte more than the modules take is far less than the points would."""
    program = (
        "import resource, sys\n"
        "from studies.study_file import document, resolve\n"
        "from lightning_modules.errors import UserError\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[1]),) * 2)\n"
        f"tree = {tree(optimizer=rates(num=10**9), search=GRID)!r}\n"
        "try:\n"
        "    resolve(document.from_tree(tree))\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    limit = str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 2**29)
    done = subprocess.run([sys.executable, "-c", program, limit], capture_output=True, text=True)
    assert "the grid has 1,000,000,000 points" in done.stdout


@pytest.mark.parametrize(
    "lr",
    [
        {"values": [0.1, 0.2]}, {"min": 0.1, "max": 0.5, "step": 0.1},
        {"min": 1, "max": 9, "num": 4},
        {"min": 0.1, "max": 1.0, "num": 3, "log": True},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "epochs", [{"min": 1, "max": 4, "num": 9}, {"min": 2, "max": 8, "step": 3}]
)
def test_a_grid_has_as_many_points_as_are_counted(lr: Any, epochs: Any) -> None:
    spec = resolve(
        document.from_tree(
            tree(
                optimizer=["sgd", {"name": "adam", "lr": lr}],
                trainer={"epochs": epochs},
                search=GRID,
            )
        )
    )
    assert spec.space.grid_size() == sum(1 for _ in spec.space.grid())
    assert variant_count(spec.space.root) == sum(1 for _ in variants(spec.space.root))


def test_problems_of_many_configurations_are_looked_for_until_there_are_enough() -> None:
    """Every one of a thousand configurations has thousands of wrong keys."""
    wrong = {f"key{at}": 1 for at in range(3000)}
    many = {"name": "adam", "lr": {"values": [at / 1000 for at in range(1, 1000)]}}
    with pytest.raises(UserError) as caught:
        resolve(document.from_tree(tree(model={"name": "mlp", **wrong}, optimizer=many)))
    assert "more problems" in str(caught.value).splitlines()[-1]
