"""What `check` says of code of the user's that it tries out."""

import re
from typing import Any

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserCodeError
from studies.running.probe import probe, weight_counts
from tests.conftest import WriteModule

MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, outputs, width=4, lazy=False):
        super().__init__()
        if width < 0:
            torch.zeros(width)
        self.layer = nn.LazyLinear(outputs) if lazy else nn.Linear(width, outputs)

    def forward(self, inputs):
        return self.layer(inputs)
"""


def configuration(module: str, **model: Any) -> Configuration:
    return Configuration.resolve(
        {
            "data": "iris", "model": {"class": f"{module}:Net", **model}, "optimizer": "adam",
            "trainer": {"accelerator": "cpu"},
        }
    )  # fmt: skip


def test_what_code_of_the_users_raises_is_told_with_its_line(write_module: WriteModule) -> None:
    module = write_module("raising", MODULE)
    wrong = configuration(module, width=7)
    assert weight_counts(wrong) == (24, 24)
    said = "a training of raising:Net raised RuntimeError: mat1 and mat2 shapes cannot be "
    with pytest.raises(UserCodeError, match=re.escape(said)) as raised:
        probe([wrong])
    assert str(raised.value).endswith("(raising.py, line 13)")
    with pytest.raises(UserCodeError, match=r"raised RuntimeError: .*\(raising.py, line 9\)"):
        weight_counts(configuration(module, width=-1))


def test_the_weights_of_lazy_layers_are_counted(write_module: WriteModule) -> None:
    module = write_module("raising", MODULE)
    assert weight_counts(configuration(module, lazy=True)) == (15, 15)
