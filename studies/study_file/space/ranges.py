"""From the plain values of a study file to the nodes of a search space, with every complaint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightning_modules.components import (
    Component,
    ComponentParameter,
    ComponentsParameter,
    Items,
    Number,
    Parameter,
    suggestion,
    user_key,
)
from lightning_modules.configuration.sections import SECTIONS
from lightning_modules.configuration.trainer import TRAINER
from lightning_modules.errors import Problem, shown
from lightning_modules.optimization import REGULARIZATION
from studies.study_file.foreign_words import is_foreign_range, range_words, stand_in
from studies.study_file.space.lists import RANGE_FOR_LIST, growing_list, is_growing, item_list
from studies.study_file.space.open_values import (
    COUNTED,
    Choice,
    Fixed,
    Node,
    Range,
    steps_between,
    value_after,
)
from studies.study_file.space.search_space import Alternatives, Group
from studies.study_file.space.variants import Keys

MAX_VALUES = 1000
"""Values of a choice."""
LARGEST, LARGEST_INTEGER = 1e300, 2**53
"""What the ends of a range may be: beyond, differences and powers are no numbers any more."""
RANGE_KEYS = ("min", "max", "log", "step", "num")


def read_space(tree: Mapping[str, Any], problems: list[Problem]) -> Group:
    """The nodes of a configuration in which values may be ranges; problems are appended."""
    return Group({key: _section(key, value, problems) for key, value in tree.items()})


def _section(key: str, value: Any, problems: list[Problem]) -> Node:
    if isinstance(value, list):
        return _alternatives(key, value, (key,), None, problems)
    return _component(key, value, (key,), problems)


def _alternatives(
    key: str,
    values: list[Any],
    path: Keys,
    slot: ComponentParameter | ComponentsParameter | None,
    problems: list[Problem],
) -> Node:
    """A list of components, at the top of a section or in one of its slots."""
    named = key != "regularization" and not isinstance(slot, ComponentsParameter)
    options: dict[str, Node] = {}
    for index, item in enumerate(values):
        here = (*path, index)
        label, item = _labelled(item, named)
        if label in options:
            message = f"is the second alternative called {label}; tell them apart by `label:`"
            problems.append(Problem(here, message))
        if not label or "/" in label or "×" in label or len(label) > 60:
            text = f"{shown(label)} is no label; use up to 60 letters, no / and no ×"
            problems.append(Problem(here, text))
        elif label.endswith("-confirm"):
            text = "is no label: runs on fresh seeds are named so; leave out -confirm"
            problems.append(Problem(here, f"{shown(label)} {text}"))
        if slot is None:
            options[label] = _component(key, item, here, problems)
        else:
            options[label] = _nested(key, str(path[-1]), item, here, slot, problems)
    if not options:
        problems.append(Problem(path, "lists no alternatives"))
        return Fixed(None)
    return Alternatives(options)


def _labelled(value: Any, named: bool) -> tuple[str, Any]:
    """The label of an alternative, and the alternative without it.

    Where it is not `named`, it maps names to parameters and is called by all of them.
    """
    if not isinstance(value, Mapping):
        return str(value), value
    rest = {k: v for k, v in value.items() if k != "label"}
    if "label" in value:
        return str(value["label"]), rest
    if not named:
        return "+".join(str(name) for name in rest) or "none", rest
    own = user_key(value)
    if own is not None:
        return str(value[own]).rpartition(":")[2] if own == "class" else own, rest
    return str(value.get("name", value)), rest


def _component(key: str, value: Any, path: Keys, problems: list[Problem]) -> Node:
    """A component, or one of the mappings `regularization`, `trainer` and `objective`."""
    if _is_value(value):
        return _value(value, path, None, problems)
    parameters = _parameters(key, value)
    return Group(
        {
            name: _nested(key, name, item, (*path, name), parameters.get(name), problems)
            for name, item in value.items()
        }
    )


def _nested(
    key: str,
    name: str,
    value: Any,
    path: Keys,
    parameter: Parameter | None,
    problems: list[Problem],
) -> Node:
    """A parameter; in `regularization`, and in a slot such as `activation`, it may have its own."""
    if isinstance(parameter, ComponentParameter | ComponentsParameter) and isinstance(value, list):
        return _alternatives(key, value, path, parameter, problems)
    if _is_value(value) or is_growing(value, parameter):
        return _value(value, path, parameter, problems)
    if isinstance(parameter, ComponentsParameter):
        return Group(
            {
                each: _of_row(parameter.table.get(each), item, (*path, each), problems)
                for each, item in value.items()
            }
        )
    row: Component | None = None
    if key == "regularization":
        row = REGULARIZATION.get(name)
    elif isinstance(parameter, ComponentParameter):
        row = parameter.table.get(str(value.get("name")))
    return _of_row(row, value, path, problems)


def _of_row(row: Component | None, value: Any, path: Keys, problems: list[Problem]) -> Node:
    """The parameters of a row by name, or a bare value, which is the first one."""
    takes = row.parameters if row else {}
    if _is_value(value):
        return _value(value, path, next(iter(takes.values()), None), problems)
    return Group({k: _value(v, (*path, k), takes.get(k), problems) for k, v in value.items()})


def _parameters(key: str, value: Mapping[str, Any]) -> Mapping[str, Parameter]:
    """The parameters that the keys of this mapping name, as far as they are known."""
    if key == "trainer":
        return TRAINER
    if key == "regularization":
        return {name: next(iter(row.parameters.values())) for name, row in REGULARIZATION.items()}
    if key not in SECTIONS or not isinstance(value.get("name"), str):
        return {}
    row = SECTIONS[key].table.get(value["name"])
    return row.parameters if row else {}


def _value(value: Any, path: Keys, parameter: Parameter | None, problems: list[Problem]) -> Node:
    if isinstance(value, Mapping) and value.keys() != {"values"} and is_foreign_range(value):
        problems.append(Problem(path, f"is in another tool's words; {range_words(value)}"))
        known = parameter is not None and parameter.default is not None
        return Fixed(parameter.default if parameter and known else stand_in(value))
    if isinstance(value, Mapping) and "values" in value:
        return _choice(value, path, parameter, problems)
    if isinstance(value, Mapping) and is_range(value):
        if isinstance(parameter, Items):
            problems.append(Problem(path, RANGE_FOR_LIST))
            return Fixed(parameter.default)
        return _range(value, path, parameter, problems)
    if isinstance(value, Mapping) and is_growing(value, parameter):
        return growing_list(value, path, parameter, problems, _value)
    if not is_open(value):
        return Fixed(value)
    if isinstance(value, list):
        return item_list(value, path, parameter, problems, _value)
    return Group({key: _value(item, (*path, key), None, problems) for key, item in value.items()})


def is_range(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is meant as a range of numbers."""
    return "min" in value or "max" in value or ("name" not in value and is_foreign_range(value))


def is_open(value: Any) -> bool:
    """Whether a value is searched, or holds something that is."""
    if isinstance(value, list):
        return any(map(is_open, value))
    if not isinstance(value, Mapping):
        return False
    found = is_range(value) or "values" in value or is_growing(value, None)
    return found or any(map(is_open, value.values()))


def _is_value(value: Any) -> bool:
    """Whether a value is plain, a range or a choice, and no mapping of parameters."""
    return not isinstance(value, Mapping) or "values" in value or is_range(value)


def _choice(
    value: Mapping[str, Any], path: Keys, parameter: Parameter | None, problems: list[Problem]
) -> Node:
    values = value["values"]
    for key in value:
        if key != "values":
            problems.append(Problem((*path, key), "does not go with `values`"))
    if not isinstance(values, list) or not values:
        problems.append(
            Problem((*path, "values"), f"must be a list of values, got {shown(values)}")
        )
        return Fixed(None)
    if len(values) > MAX_VALUES:
        text = f"lists {len(values):,} values, and {MAX_VALUES:,} are the most; write min and max"
        problems.append(Problem((*path, "values"), text))
        return Fixed(None)
    seen: set[str] = set()
    for index, item in enumerate(values):
        if is_open(item):
            text = "holds a range inside `values`, which are taken as they are written"
            problems.append(Problem((*path, "values", index), text))
        if repr(item) in seen:
            problems.append(Problem((*path, "values", index), f"{shown(item)} stands twice"))
        seen.add(repr(item))
    return Choice(tuple(values), parameter.default if parameter else None)


def _range(
    value: Mapping[str, Any], path: Keys, parameter: Parameter | None, problems: list[Problem]
) -> Node:
    found = list(_range_problems(value))
    problems.extend(Problem((*path, *keys), message) for keys, message in found)
    if found:
        return Fixed(value.get("min", value.get("max")))
    low, high, step = value["min"], value["max"], value.get("step")
    whole = isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None)
    if isinstance(parameter, Number) and not parameter.integer:
        whole, low, high = False, float(low), float(high)
        step = None if step is None else float(step)
    if step is not None:  # the last value that a step reaches
        high = value_after(low, step, steps_between(low, high, step))
    start = parameter.default if parameter else None
    number = isinstance(start, int | float) and not isinstance(start, bool)
    return Range(
        low,
        high,
        log=value.get("log", False),
        step=step,
        num=value.get("num"),
        integer=whole,
        start=start if number else None,
    )


def _range_problems(value: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    for key in value:
        if key not in RANGE_KEYS:
            hint = suggestion(key, RANGE_KEYS) or "; a range takes " + ", ".join(RANGE_KEYS)
            yield (key,), f"is no key of a range{hint}"
    numeric = True
    for key in ("min", "max"):
        if key not in value:
            yield (), f"a range needs min and max; {key} is missing"
            numeric = False
        elif not _is_number(value[key]):
            text = "must be a finite number, up to 1e300, an integer up to 2^53, got "
            yield (key,), text + shown(value[key])
            numeric = False
    if not isinstance(value.get("log", False), bool):
        yield ("log",), f"must be true or false, got {shown(value['log'])}"
    step, num = value.get("step"), value.get("num")
    if step is not None and value.get("log"):
        yield ("step",), "does not go with log; use `num` for a logarithmic grid"
    if step is not None and (not _is_number(step) or step <= 0):
        yield ("step",), f"must be a number > 0, got {shown(step)}"
    elif step is not None and numeric and (value["max"] - value["min"]) / step > COUNTED:
        yield ("step",), f"is too small to be told apart from {value['min']}, got {step!r}"
    if num is not None and (not isinstance(num, int) or isinstance(num, bool) or num < 1):
        yield ("num",), f"must be an integer >= 1, got {shown(num)}"
    if num is not None and step is not None:
        yield ("num",), "does not go with step; keep one"
    if numeric and value["min"] >= value["max"]:
        yield (), f"min must be less than max, got min {value['min']} and max {value['max']}"
    if numeric and value.get("log") is True and value["min"] <= 0:
        yield ("min",), f"must be > 0 in a logarithmic range, got {value['min']}"


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= (LARGEST_INTEGER if isinstance(value, int) else LARGEST)
