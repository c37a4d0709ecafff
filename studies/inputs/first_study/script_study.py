"""A first study file for a script that trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning_modules.errors import UserError
from studies.inputs.first_study.arguments import Argument, arguments_of, read_script
from studies.inputs.first_study.blocks import Block, name_of, text_of
from studies.inputs.first_study.written_metrics import metrics_in

OWN = {
    **dict.fromkeys(("epochs", "num_epochs", "n_epochs", "max_epochs", "num_train_epochs"),
                    "epochs"),
    **dict.fromkeys(("seed", "random_seed", "manual_seed"), "seed"),
}  # fmt: skip
"""Arguments that the trial itself has a value for."""
CHANGE = "CHANGE-ME"
EPOCHS = 10
REPORT = (
    "No metric was found in the script. Let it print one after every epoch and read it by "
    "`metrics`, or let it call `report(epoch, val_accuracy=...)` of fairtune.program: see "
    "docs/programs.md."
)


def script_study(path: Path) -> str:
    """The text of a study file for a script, which is read and not run.

    Raises UserError where it takes no argument that could be searched.
    """
    script = read_script(path)
    arguments = arguments_of(script)
    searched = {each.name: range_ for each in arguments if (range_ := searched_range(each))}
    if not searched:
        raise UserError(
            f"{path}: takes no learning rate, batch size or the like by argparse or click that "
            "could be searched; let it take --lr, or write the study file yourself: "
            "docs/your_code.md has it"
        )
    words: list[str] = ["python", str(path)]
    rest, needed = [], []
    for each in sorted(arguments, key=lambda each: bool(each.word)):
        place = OWN.get(each.name) or (f"model.{each.name}" if each.name in searched else "")
        if place:
            words += [each.word, f"{{{place}}}"]
        elif each.required:
            needed.append(each.word or each.name)
            words += [*([each.word] if each.word else []), _stand_in(each)]
        else:
            known = "" if each.default is None else f" ({each.default})"
            rest.append(f"{each.word or each.name}{known}")
    epochs = next((each.default for each in arguments if OWN.get(each.name) == "epochs"), None)
    epochs = epochs if isinstance(epochs, int) and epochs > 0 else EPOCHS
    metrics = metrics_in(script)
    name = name_of(path)
    told = [f"Not told, so at their defaults: {', '.join(rest)}."] if rest else []
    told += [f"The script needs {word}: write its value into the command." for word in needed
             if CHANGE in words]  # fmt: skip
    seed = [] if "{seed}" in words else [
        "The script takes no seed, so that trainings of one configuration may differ in ways that "
        "nobody can repeat. Next: let it take --seed."]  # fmt: skip
    metrics_block = [Block([metrics.said], {"metrics": metrics.source})] if metrics.source else []
    objective = {"metric": metrics.objective or "val/accuracy", "goal": metrics.goal}
    return text_of([
        Block([f"A first study of {path}: which of its settings suit it best? Next: `fairtune "
               f"check {name}.yaml` shows the commands, `fairtune run {name}.yaml` runs it."],
              {"study": name}),
        Block(["How the script is started, and what is searched, with ranges around its defaults. "
               "Next: write `{values: [...]}` or `{min: ..., max: ...}` for others, and the "
               "argument into the command.", *told, *seed],
              {"model": {"command": words, **searched}}),
        Block([f"What the best is chosen by. {metrics.said if not metrics.source else ''}"
               if metrics.objective else REPORT], {"objective": objective}),
        *metrics_block,
        Block(["Epochs at most."], {"trainer": {"epochs": epochs}}),
        Block(["20 trainings, proposed by TPE. Next: `pruner: median` stops unpromising ones, "
               "where there are several epochs."],
              {"search": {"method": "tpe", "trials": 20}}),
    ])  # fmt: skip


def searched_range(argument: Argument) -> dict[str, Any] | None:
    """The range that is searched of an argument; None where nobody can tell from its name."""
    if not argument.word or argument.several or argument.kind == "bool":
        return None
    if {"test", "val", "valid", "eval", "min", "final"} & {*argument.name.lower().split("_")}:
        return None  # of what is no training
    for ending, make in RANGES.items():
        if argument.name.lower().endswith(ending):
            return make(argument.default)
    if argument.name.lower().endswith(NAMED) and len(argument.choices) > 1:
        return {"values": [*argument.choices]}
    return None


def _around(usual: float) -> Callable[[Any], dict[str, Any]]:
    """From a tenth of the default to ten times as much, as logarithms."""

    def make(default: Any) -> dict[str, Any]:
        middle = default if isinstance(default, int | float) and default > 0 else usual
        low, high = (float(f"{middle * factor:.3g}") for factor in (0.1, 10))
        return {"min": low, "max": high, "log": True}

    return make


def _doubled(usual: int) -> Callable[[Any], dict[str, Any] | None]:
    """Half of the default, the default and twice as much."""

    def make(default: Any) -> dict[str, Any] | None:
        if default is not None and not isinstance(default, int):
            return None
        middle = default if default and default > 1 else usual
        return {"values": [middle // 2, middle, middle * 2]}

    return make


def _between(low: float, high: float) -> Callable[[Any], dict[str, Any]]:
    return lambda _: {"min": low, "max": high}


RANGES: Mapping[str, Callable[[Any], dict[str, Any] | None]] = {
    "learning_rate": _around(1e-3),
    "lr": _around(1e-3),
    "weight_decay": _around(1e-4),
    "wd": _around(1e-4),
    "batch_size": _doubled(64),
    "dropout": _between(0.0, 0.5),
    "momentum": _between(0.8, 0.99),
    "hidden": _doubled(64),
    "hidden_size": _doubled(64),
    "hidden_dim": _doubled(64),
    "width": _doubled(64),
    "units": _doubled(64),
}
"""Ranges by how the name of an argument ends."""
NAMED = ("optimizer", "optim", "activation", "schedule", "scheduler")
"""Arguments of which the choices are searched."""


def _stand_in(argument: Argument) -> str:
    return str(argument.choices[0]) if argument.choices else CHANGE
