"""How a configuration is trained: the keys of `trainer`, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightning_modules.components import Flag, Number, Option, Parameter
from lightning_modules.components.parameters import Value
from lightning_modules.errors import Problem

SAME_WEIGHTS = "bf16, which computes in bfloat16 and keeps the weights in float32"
HALF = "fp16, which computes in float16 with a scaled loss and keeps the weights in float32"
NO_HALF = (
    "trainer.precision: fp16 needs a GPU, and the training would be on the CPU: write bf16, which "
    "the CPU computes with too, or 32"
)
LATER: dict[str, Parameter] = {
    "precision": Option(
        32,
        "the numbers that are computed with; bf16 and fp16 are faster on a GPU, and the weights "
        "stay float32",
        options=(32, "bf16", "fp16"),
        meant={
            **dict.fromkeys(
                ("bf16-mixed", "bfloat16", "bf16-true", "mixed_bfloat16", "mixed-bf16", "amp"),
                SAME_WEIGHTS,
            ),
            **dict.fromkeys(
                ("16", "16-mixed", "16-true", "float16", "half", "mixed", "mixed_float16"), HALF
            ),
            **dict.fromkeys(
                ("32-true", "float32", "fp32", "full", "single", "float", "highest", "no"), "32"
            ),
        },
    ),
    "accumulate": Number(
        1,
        "batches whose gradients make one step of the optimizer",
        low=1,
        high=10**6,
        integer=True,
    ),
    "compile": Flag(False, "whether torch compiles the network, which pays in long trainings"),
    "val_every": Number(
        1,
        "epochs between two validations; pruners, patience and budgets count validations",
        low=1,
        high=10**6,
        integer=True,
    ),
    "max_steps": Number(
        None,
        "steps of the optimizer after which an epoch ends; all batches where not given",
        low=1,
        high=10**9,
        integer=True,
    ),
}
"""Keys that configurations did not always have: at their defaults they leave the hash as it was."""
TRAINER: dict[str, Parameter] = {
    "epochs": Number(20, "passes over the training part", low=1, high=10**6, integer=True),
    "accelerator": Option("auto", "where to train", options=("auto", "cpu", "gpu")),
    "threads": Number(
        1,
        "threads of one training on the CPU; part of the configuration because the last bits of a "
        "sum depend on it",
        low=1,
        high=1024,
        integer=True,
    ),
    **LATER,
}


def reports_of(trainer: Mapping[str, Value]) -> int:
    """How many epochs a training reports: those that end with a validation.

    Args:
        trainer: Values of the section; a record of an earlier version lacks some.
    """
    return int(trainer["epochs"]) // int(trainer.get("val_every", 1))


def is_default(key: str, value: Value) -> bool:
    """Whether a value of `trainer` is what it is where nothing is given, and a key of later."""
    return key in LATER and LATER[key].canonical(value) == LATER[key].default


def without_defaults(trainer: Mapping[str, Value]) -> dict[str, Value]:
    """The section as it would be where later keys did not exist, as far as nobody uses them."""
    return {key: value for key, value in trainer.items() if not is_default(key, value)}


def validation_problems(trainer: Any) -> Iterator[Problem]:
    """A number of epochs after the last of which there would be no validation."""
    given = trainer if isinstance(trainer, Mapping) else {}
    epochs, every = (
        TRAINER[key].default if given.get(key) is None else given[key]
        for key in ("epochs", "val_every")
    )
    if not all(isinstance(each, int) and each > 0 for each in (epochs, every)):
        return  # which is told by itself
    if epochs % every:
        yield Problem(("trainer", "epochs"), not_a_multiple(epochs, every))


def not_a_multiple(epochs: int, every: int) -> str:
    """What to say of a number of epochs that ends between two validations."""
    below, above = epochs // every * every, (epochs // every + 1) * every
    nearest = f"{below} or {above}" if below else str(above)
    return (
        f"must be a multiple of trainer.val_every ({every}), so that the last epoch is validated, "
        f"got {epochs}; write {nearest}"
    )
