"""What a part of a training is called, which parameters it takes, how it is built."""

from lightning_modules.components.component import (
    Component,
    Dataset,
    Loss,
    Network,
    Several,
    Slot,
    chosen,
    complaints,
    lookup,
    switched_on,
)
from lightning_modules.components.names import article, suggestion, unknown
from lightning_modules.components.parameters import (
    Flag,
    Items,
    Number,
    Option,
    Parameter,
    Text,
    Value,
)

__all__ = [
    "Component",
    "Dataset",
    "Flag",
    "Items",
    "Loss",
    "Network",
    "Number",
    "Option",
    "Parameter",
    "Several",
    "Slot",
    "Text",
    "Value",
    "article",
    "chosen",
    "complaints",
    "lookup",
    "suggestion",
    "switched_on",
    "unknown",
]
