"""The JSON schema of study files, made from the component tables and the file's own shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning_modules.components import (
    Component,
    ComponentParameter,
    ComponentsParameter,
    Items,
    Number,
    Parameter,
)
from lightning_modules.configuration import COMMAND
from lightning_modules.configuration.program_words import FORMS
from lightning_modules.configuration.sections import (
    CWD,
    ENV,
    OBJECTIVE,
    SECTIONS,
    USER_KEYS,
)
from lightning_modules.configuration.trainer import TRAINER
from lightning_modules.configuration.user_classes import CLASS
from lightning_modules.configuration.validation import VARIABLE
from lightning_modules.data.augmentation.table import AUGMENTATIONS
from lightning_modules.networks.activations import ACTIVATIONS
from lightning_modules.optimization import METRICS, REGULARIZATION, objective_metrics
from studies.study_file.design import SCALES, SPLITS
from studies.study_file.methods.pruners import PRUNERS
from studies.study_file.methods.samplers import SAMPLERS
from studies.study_file.sections import StudyFile
from studies.study_file.space.lists import ALL, EACH, MAX_LAYERS
from studies.study_file.space.search_space import LAYERS

TABLES: dict[str, Mapping[str, Component]] = {
    **{key: section.table for key, section in SECTIONS.items()},
    "activation": ACTIVATIONS,
    "regularization": REGULARIZATION,
    "augmentation": AUGMENTATIONS,
    "sampler": SAMPLERS,
    "pruner": PRUNERS,
}
"""Every table that a study file can name a row of."""

Schema = dict[str, Any]
LABEL: Schema = {"label": {"type": "string", "description": "tells equal alternatives apart"}}


def study_file_schema() -> Schema:
    """The schema, JSON Schema 2020-12."""
    schema: Schema = StudyFile.model_json_schema()
    properties = schema["properties"]
    split: Schema = {
        "split": {
            "enum": list(SPLITS),
            "description": "per_repeat: every repeat divides the rows anew; fixed: all as one",
        }
    }
    for key, section in SECTIONS.items():
        described = {"description": f"a {section.what}, or a list of alternatives"}
        forms = [_own(own) for own in USER_KEYS.get(key, ())]
        more = split if key == "data" else {}
        properties[key] = {**_component_or_list(section.table, forms, more), **described}
    rows = {name: _switched(row) for name, row in REGULARIZATION.items()}
    properties["regularization"] = _or_list(_mapping(rows), _mapping({**LABEL, **rows}))
    timeout = Number(None, "seconds after which a trial is ended", low=0, open="low")
    seconds = {**_described(timeout), "anyOf": [timeout.schema(), {"type": "null"}]}
    trainer = {key: _open(parameter) for key, parameter in TRAINER.items()}
    properties["trainer"] = _mapping({**trainer, "trial_timeout": seconds})
    metrics = [metric for task in METRICS for metric in objective_metrics(task)]
    properties["objective"] = _mapping(
        {
            "metric": {"type": "string"},
            "goal": OBJECTIVE["goal"].schema(),
            "scale": {
                "enum": list(SCALES),
                "description": "auto: losses and error measures are compared as logarithms",
            },
        }
    )
    of_target = {"pattern": f"^val/({'|'.join(METRICS['regression'])})_."}
    logged = {"metric": {"anyOf": [{"enum": list(dict.fromkeys(metrics))}, of_target]}}
    own: Schema = {"anyOf": [{"type": "object", "required": [key]} for key in USER_KEYS["model"]]}
    model: Schema = {"anyOf": [own, {"type": "array", "contains": own}]}
    schema["if"] = {"required": ["model"], "properties": {"model": model}}  # it logs what it likes
    schema["else"] = {"properties": {"objective": {"properties": logged}}}
    search = schema["$defs"]["SearchSection"]["properties"]
    search["method"] = _component(SAMPLERS)
    search["pruner"] = _component(PRUNERS)
    schema["required"] = ["study", "model"]  # a program needs no data
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _component_or_list(
    table: Mapping[str, Component], own: Sequence[Schema] = (), more: Schema | None = None
) -> Schema:
    one, labelled = _component(table, more), _component(table, {**LABEL, **(more or {})})
    for schema in (one, labelled):
        schema["anyOf"] = [*schema["anyOf"], *own]
    return _or_list(one, labelled)


def _own(key: str) -> Schema:
    """A part of the user's, whose parameters only its code knows."""
    word: Schema = {"type": "string"}
    argument: Schema = {"anyOf": [word, {"type": "number"}]}
    places = f"{{path}} or {{path:form}} in a word is a value; forms: {', '.join(FORMS)}"
    values = {
        "class": {**word, "pattern": f"^{CLASS.pattern}$", "description": "package.module:Class"},
        COMMAND: {"type": "array", "items": argument, "minItems": 1, "description": places},
    }
    properties = {key: values[key]}
    if key == COMMAND:
        properties[ENV] = {
            "type": "object",
            "propertyNames": {"pattern": f"^{VARIABLE.pattern}$"},
            "additionalProperties": {
                "anyOf": [*argument["anyOf"], {"type": "boolean"}, *_ranges()]
            },
            "description": "variables with values, in which places stand as in command",
        }
        properties[CWD] = {**word, "minLength": 1, "description": "the folder in which it runs"}
    return {"type": "object", "required": [key], "properties": properties}


def _ranges() -> list[Schema]:
    return [_choice({}), _range()]


def _component(table: Mapping[str, Component], more: Schema | None = None) -> Schema:
    """A name, or `{name: ..., parameters}` with the parameters that this row takes."""
    rows = [
        {
            **_mapping(
                {
                    "name": {"const": name},
                    **(more or {}),
                    **{key: _open(parameter) for key, parameter in row.parameters.items()},
                }
            ),
            "required": ["name", *row.required],
            "description": row.summary,
        }
        for name, row in table.items()
    ]
    return {"anyOf": [{"enum": list(table)}, *rows]}


def _switched(row: Component) -> Schema:
    first = next(iter(row.parameters.values()))
    whole = _mapping({key: _open(parameter) for key, parameter in row.parameters.items()})
    off: Schema = {"enum": [None, False]}
    return {"anyOf": [*_open(first)["anyOf"], whole, off], "description": row.summary}


def _open(parameter: Parameter) -> Schema:
    """A value of the parameter, a range where it is a number, or a choice."""
    value = parameter.schema()
    if isinstance(parameter, ComponentParameter):
        value = _component_or_list(parameter.table)
    if isinstance(parameter, ComponentsParameter):
        rows = {name: _switched(row) for name, row in parameter.table.items()}
        value = _or_list(_mapping(rows), _mapping({**LABEL, **rows}))
    forms = [value, _choice(value)]
    if isinstance(parameter, Number):
        forms.append(_range())
    if isinstance(parameter, Items):
        forms += _open_lists(parameter)
    if parameter.default is None:
        forms.append({"type": "null"})
    return {**_described(parameter), "anyOf": forms}


def _open_lists(parameter: Items) -> list[Schema]:
    """A list of which any item is searched, and one of which the length is."""
    item = {"anyOf": _open(parameter.item)["anyOf"]}
    count = {"anyOf": _open(Number(1, "", low=0, high=MAX_LAYERS, integer=True))["anyOf"]}
    growing = _mapping({LAYERS: count, EACH: item, ALL: item})
    required = [{"required": [LAYERS, key]} for key in (EACH, ALL)]
    return [{**parameter.schema(), "items": item}, {**growing, "oneOf": required}]


def _described(parameter: Parameter) -> Schema:
    described: Schema = {"description": parameter.summary}
    if parameter.default is not None:
        described["default"] = parameter.default
    return described


def _choice(value: Schema) -> Schema:
    return {
        **_mapping({"values": {"type": "array", "items": value, "minItems": 1}}),
        "required": ["values"],
    }


def _range() -> Schema:
    number: Schema = {"type": "number"}
    keys: Schema = {"min": number, "max": number, "log": {"type": "boolean"}}
    keys |= {"step": {"type": "number", "exclusiveMinimum": 0}}
    keys |= {"num": {"type": "integer", "minimum": 1}}
    return {**_mapping(keys), "required": ["min", "max"]}


def _or_list(one: Schema, alternative: Schema) -> Schema:
    return {"anyOf": [one, {"type": "array", "items": alternative, "minItems": 1}]}


def _mapping(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}
