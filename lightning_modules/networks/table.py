"""Networks: the architectures that a study file can name.

`build(input_shape, outputs, **parameters, **learning)` gives a `SupervisedModule`; `learning` is
what that class takes.
"""

from __future__ import annotations

from functools import partial

from lightning_modules.components import Flag, Items, Network, Number, Option, Parameter, Text
from lightning_modules.components.reference import later
from lightning_modules.networks.activations import ACTIVATION
from lightning_modules.networks.pretrained.checks import check, check_bert
from lightning_modules.networks.pretrained.weights import (
    ARCHITECTURES,
    NONE,
    Weights,
    conflicts,
    learning_parameters,
)

_CLASSES = "lightning_modules.networks"


def _torchvision(name: str, summary: str, source: str) -> Network:
    """The row of one of torchvision's networks."""
    architecture = ARCHITECTURES[name]
    parameters: dict[str, Parameter] = {
        "weights": Weights(
            NONE, "what it starts from: none, imagenet, a file, or runs:/ and the id of a run"
        ),
        **learning_parameters(architecture.layers),
        "image_size": Number(
            architecture.size,
            "pixels per side to which images are resized",
            low=architecture.smallest,
            high=10_000,
            integer=True,
        ),
        "normalize": Option(
            "data",
            "what images are like: as the data set gives them, or from 0..1 to ImageNet's moments",
            options=("data", "imagenet"),
        ),
    }
    if architecture.dropout is not None:
        parameters["dropout"] = Number(
            architecture.dropout, "probability", low=0, high=1, open="high", tune=(0.0, 0.7)
        )
    return Network(
        summary,
        later(f"{_CLASSES}.pretrained.torchvision_networks:Pretrained", name),
        parameters,
        source=source,
        kinds=("image",),
        check=partial(check, name),
        conflicts=conflicts,
    )


_DROPOUT = Number(0.0, "probability", low=0, high=1, open="high", tune=(0.0, 0.7))
_WIDTH = Number(1, "", low=1, integer=True)
_RECURRENT: dict[str, Parameter] = {
    "hidden_size": Number(64, "units per layer", low=1, integer=True, tune=(16, 256), log=True),
    "num_layers": Number(1, "layers", low=1, high=1000, integer=True, tune=(1, 3)),
    "bidirectional": Flag(False, "read the sequence in both directions"),
    "dropout": _DROPOUT,
}
_SEQUENCES = ("signal", "image", "sequence", "text")

NETWORKS: dict[str, Network] = {
    "mlp": Network(
        "fully connected layers; `hidden: []` is a perceptron (logistic regression)",
        later(f"{_CLASSES}.mlp:MLP"),
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
        later(f"{_CLASSES}.cnn:CNN"),
        {
            "channels": Items([16, 32], "channels of every convolution", item=_WIDTH),
            "kernel_size": Number(
                3, "points per side", low=1, high=1000, integer=True, tune=(2, 7)
            ),
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
        later(f"{_CLASSES}.recurrent:Recurrent", cell="rnn"),
        _RECURRENT,
        source="Elman 1990",
        kinds=_SEQUENCES,
        time_first=True,
    ),
    "lstm": Network(
        "long short-term memory",
        later(f"{_CLASSES}.recurrent:Recurrent", cell="lstm"),
        _RECURRENT,
        source="Hochreiter and Schmidhuber 1997",
        kinds=_SEQUENCES,
        time_first=True,
    ),
    "gru": Network(
        "gated recurrent unit",
        later(f"{_CLASSES}.recurrent:Recurrent", cell="gru"),
        _RECURRENT,
        source="Cho 2014, arXiv:1406.1078",
        kinds=_SEQUENCES,
        time_first=True,
    ),
    "transformer": Network(
        "a causal transformer that normalizes first; the last step answers",
        later(f"{_CLASSES}.transformer:Transformer"),
        {
            "num_layers": Number(2, "blocks", low=1, high=1000, integer=True, tune=(1, 4)),
            "num_heads": Number(4, "heads of every attention", low=1, integer=True, tune=(1, 8)),
            "head_size": Number(
                8,
                "features of a head; heads × size is the width",
                low=1,
                integer=True,
                tune=(4, 32),
                log=True,
            ),
            "dropout": _DROPOUT,
        },
        source="Vaswani 2017, arXiv:1706.03762; normalized first: Xiong 2020, arXiv:2002.04745",
        kinds=_SEQUENCES,
        time_first=True,
    ),
    "vgg11": _torchvision(
        "vgg11", "8 convolutions and 3 linear layers (VGG-A)", "Simonyan 2014, arXiv:1409.1556"
    ),
    "vgg16": _torchvision(
        "vgg16", "13 convolutions and 3 linear layers (VGG-D)", "Simonyan 2014, arXiv:1409.1556"
    ),
    "resnet18": _torchvision(
        "resnet18", "a residual network of 18 layers", "He 2015, arXiv:1512.03385"
    ),
    "resnet34": _torchvision(
        "resnet34", "a residual network of 34 layers", "He 2015, arXiv:1512.03385"
    ),
    "resnet50": _torchvision(
        "resnet50", "a residual network of 50 layers", "He 2015, arXiv:1512.03385"
    ),
    "inception_v3": _torchvision(
        "inception_v3",
        "blocks of parallel convolutions, without the second head",
        "Szegedy 2015, arXiv:1512.00567",
    ),
    "squeezenet1_1": _torchvision(
        "squeezenet1_1",
        "squeezes and expands channels: few weights",
        "Iandola 2016, arXiv:1602.07360",
    ),
    "mobilenet_v3_small": _torchvision(
        "mobilenet_v3_small", "separable convolutions, small", "Howard 2019, arXiv:1905.02244"
    ),
    "mobilenet_v3_large": _torchvision(
        "mobilenet_v3_large", "separable convolutions, large", "Howard 2019, arXiv:1905.02244"
    ),
    "efficientnet_b0": _torchvision(
        "efficientnet_b0",
        "separable convolutions with depth, width and size in balance",
        "Tan and Le 2019, arXiv:1905.11946",
    ),
    "bert": Network(
        "a transformer encoder of tokens, by the package transformers",
        later(f"{_CLASSES}.pretrained.bert:Bert"),
        {
            "weights": Text(None, "a folder with config.json and model.safetensors"),
            **learning_parameters(()),
            "pooling": Option(
                "mean", "what answers: the first token, or the mean", options=("mean", "cls")
            ),
            "dropout": Number(
                0.1, "probability before the answer", low=0, high=1, open="high", tune=(0.0, 0.5)
            ),
        },
        source="Devlin 2018, arXiv:1810.04805",
        required=("weights",),
        kinds=("text",),
        reads_tokens=True,
        check=check_bert,
        conflicts=conflicts,
    ),
}
