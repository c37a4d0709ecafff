"""Networks: the architectures that a study file can name.

`build(input_shape, outputs, **parameters, **learning)` gives a `SupervisedModule`; `learning` is
what that class takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning_modules.activations import ACTIVATION
from lightning_modules.components import Flag, Items, Network, Number, Option, Parameter

if TYPE_CHECKING:
    from lightning_modules.module import SupervisedModule


def _mlp(input_shape: tuple[int, ...], outputs: int, **parameters: Any) -> SupervisedModule:
    from lightning_modules.mlp import MLP

    return MLP(input_shape, outputs, **parameters)


def _cnn(input_shape: tuple[int, ...], outputs: int, **parameters: Any) -> SupervisedModule:
    from lightning_modules.cnn import CNN

    return CNN(input_shape, outputs, **parameters)


def _recurrent(
    input_shape: tuple[int, ...], outputs: int, cell: str, **parameters: Any
) -> SupervisedModule:
    from lightning_modules.recurrent import Recurrent

    return Recurrent(input_shape, outputs, cell, **parameters)


def _rnn(input_shape: tuple[int, ...], outputs: int, **parameters: Any) -> SupervisedModule:
    return _recurrent(input_shape, outputs, "rnn", **parameters)


def _lstm(input_shape: tuple[int, ...], outputs: int, **parameters: Any) -> SupervisedModule:
    return _recurrent(input_shape, outputs, "lstm", **parameters)


def _gru(input_shape: tuple[int, ...], outputs: int, **parameters: Any) -> SupervisedModule:
    return _recurrent(input_shape, outputs, "gru", **parameters)


_DROPOUT = Number(0.0, "probability", low=0, high=1, open="high", tune=(0.0, 0.7))
_WIDTH = Number(1, "", low=1, integer=True)
_RECURRENT: dict[str, Parameter] = {
    "hidden_size": Number(64, "units per layer", low=1, integer=True, tune=(16, 256), log=True),
    "num_layers": Number(1, "layers", low=1, integer=True, tune=(1, 3)),
    "bidirectional": Flag(False, "read the sequence in both directions"),
    "dropout": _DROPOUT,
}
_SEQUENCES = ("signal", "image", "sequence", "text")

NETWORKS: dict[str, Network] = {
    "mlp": Network(
        "fully connected layers; `hidden: []` is a perceptron (logistic regression)",
        _mlp,
        {
            "hidden": Items([64], "width of every hidden layer", item=_WIDTH),
            "activation": ACTIVATION,
            "dropout": _DROPOUT,
            "batch_norm": Flag(False, "normalize hidden layers over the batch"),
        },
        source="Rumelhart 1986",
        kinds=("table", "signal", "image"),
    ),
    "cnn": Network(
        "convolutions and pooling, then one linear layer; 2-D for images, else 1-D over time",
        _cnn,
        {
            "channels": Items([16, 32], "channels of every convolution", item=_WIDTH),
            "kernel_size": Number(3, "points per side", low=1, integer=True, tune=(2, 7)),
            "pooling": Option(
                "max", "what halves the size after every layer", options=("max", "average", "none")
            ),
            "activation": ACTIVATION,
            "batch_norm": Flag(False, "normalize every convolution over the batch"),
            "dropout": _DROPOUT,
        },
        source="LeCun 1998; for sequences Kim 2014, arXiv:1408.5882",
        kinds=_SEQUENCES,
        time_first=True,
    ),
    "rnn": Network(
        "a plain recurrent network (Elman)",
        _rnn,
        _RECURRENT,
        source="Elman 1990",
        kinds=_SEQUENCES,
        time_first=True,
    ),
    "lstm": Network(
        "long short-term memory",
        _lstm,
        _RECURRENT,
        source="Hochreiter and Schmidhuber 1997",
        kinds=_SEQUENCES,
        time_first=True,
    ),
    "gru": Network(
        "gated recurrent unit",
        _gru,
        _RECURRENT,
        source="Cho 2014, arXiv:1406.1078",
        kinds=_SEQUENCES,
        time_first=True,
    ),
}
