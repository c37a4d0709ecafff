"""What a part of a training is called, which parameters it takes, how it is built."""

from lightning_modules.components.component import (
    Component,
    ComponentParameter,
    ComponentsParameter,
    Dataset,
    Loss,
    Network,
    lookup,
    named,
    resolve_component,
    switched_on,
    validation_errors,
)
from lightning_modules.components.names import article, suggestion, unknown
from lightning_modules.components.parameters import (
    DateForm,
    Entries,
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
    "ComponentParameter",
    "ComponentsParameter",
    "Dataset",
    "DateForm",
    "Entries",
    "Flag",
    "Items",
    "Loss",
    "Network",
    "Number",
    "Option",
    "Parameter",
    "Text",
    "Value",
    "article",
    "lookup",
    "named",
    "resolve_component",
    "suggestion",
    "switched_on",
    "unknown",
    "validation_errors",
]
