"""How a configuration is trained is part of it; what is so anyway leaves its hash as it was."""

from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import ConfigurationError

Tree = dict[str, Any]
IRIS: Tree = {"data": "iris", "model": "mlp"}
DIGITS: Tree = {
    "data": "digits",
    "model": {"name": "cnn"},
    "regularization": {"l2": 0.01, "early_stopping": {}},
    "trainer": {"epochs": 7, "accelerator": "cpu"},
}
PROGRAM: Tree = {
    "model": {"command": ["python", "train.py", "{seed}", "{epochs}"]},
    "objective": {"metric": "val/loss", "goal": "minimize"},
    "trainer": {"epochs": 3},
}
OWN: Tree = {
    "data": {"name": "iris"},
    "model": {"class": "own.networks:Net", "width": 3},
    "optimizer": "sgd",
}
DEFAULTS: Tree = {
    "precision": 32, "accumulate": 1, "compile": False, "val_every": 1, "max_steps": None
}  # fmt: skip
OTHERS: Tree = {
    "precision": "bf16", "accumulate": 2, "compile": True, "val_every": 4, "max_steps": 10
}  # fmt: skip


def trained(tree: Tree, **trainer: Any) -> Configuration:
    return Configuration.resolve({**tree, "trainer": {**tree.get("trainer", {}), **trainer}})


@pytest.mark.parametrize(
    ("tree", "recorded"),
    [
        (IRIS, "b66f98ce2f4ef529"),
        (DIGITS, "2d25353ef1f70efc"),
        (PROGRAM, "49929f577e008f18"),
        (OWN, "36534ba64f0b0e66"),
    ],
)
def test_configurations_keep_the_hash_that_they_had_before_the_keys_were_there(
    tree: Tree, recorded: str
) -> None:
    assert Configuration.resolve(tree).hash == recorded
    assert trained(tree, **DEFAULTS).hash == recorded
    assert trained(tree, precision="32").hash == recorded


@pytest.mark.parametrize("key", OTHERS)
def test_another_value_makes_another_configuration(key: str) -> None:
    changed = trained(IRIS, **{key: OTHERS[key]})
    assert changed.hash != Configuration.resolve(IRIS).hash
    assert changed.to_dict()["trainer"][key] == OTHERS[key]
    assert Configuration.of(changed.to_dict()) == changed


def test_a_record_without_the_keys_reads_as_the_defaults() -> None:
    complete = Configuration.resolve(IRIS)
    stored = complete.to_dict()
    stored["trainer"] = {k: v for k, v in stored["trainer"].items() if k not in DEFAULTS}
    assert Configuration.of(stored) == complete
    assert {key: complete.trainer[key] for key in DEFAULTS} == DEFAULTS


def test_epochs_that_are_reported_are_those_with_a_validation() -> None:
    assert trained(IRIS, epochs=20).reports == 20
    assert trained(IRIS, epochs=20, val_every=5).reports == 4


@pytest.mark.parametrize(
    ("trainer", "said"),
    [
        ({"precision": "bf16-mixed"}, "write bf16, which computes in bfloat16"),
        ({"precision": 16}, "write fp16, which computes in float16"),
        ({"precision": "16-mixed"}, "write fp16"),
        ({"precision": "float32"}, "got 'float32'; write 32"),
        ({"precision": "bf61"}, "did you mean bf16?"),
        ({"precision": True}, "must be one of 32, bf16, fp16, got True"),
        ({"precision": 32.0}, "must be one of 32, bf16, fp16, got 32.0"),
        ({"precision": 64}, "must be one of 32, bf16, fp16, got 64"),
        ({"accumulate": 0}, "trainer.accumulate: must be an integer >= 1"),
        ({"compile": 1}, "trainer.compile: must be true or false, got 1"),
        ({"max_steps": -1}, "trainer.max_steps: must be an integer >= 1"),
        ({"epochs": 12, "val_every": 5}, "trainer.epochs: must be a multiple of trainer.val_every "
         "(5), so that the last epoch is validated, got 12; write 10 or 15"),
        ({"epochs": 3, "val_every": 5}, "got 3; write 5"),
        ({"val_every": 3}, "got 20; write 18 or 21"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_is_meant(trainer: Tree, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        trained(IRIS, **trainer)
    (line,) = str(caught.value).splitlines()
    assert said in line
