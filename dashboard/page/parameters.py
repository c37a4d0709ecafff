"""Inputs for the parameters of a component, and what was put in as part of a study file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lightning_modules.components import Component, Flag, Items, Number, Option, Parameter
from studies.study_file.reading.yaml_text import yaml_of


def component_inputs(component: Component, name: str) -> dict[str, Any]:
    """The component as a study file has it, with the parameters that differ from the default."""
    node: dict[str, Any] = {"name": name}
    with st.expander(name, expanded=False):
        st.caption(component.summary)
        for key, parameter in component.parameters.items():
            value = _input(parameter, key, f"{name}.{key}")
            if value != parameter.default:
                node[key] = value
    return node


def _input(parameter: Parameter, label: str, key: str) -> Any:
    about = parameter.summary
    if isinstance(parameter, Number) and parameter.integer:
        return st.number_input(label, value=int(parameter.default), step=1, key=key, help=about)
    if isinstance(parameter, Number):
        value = float(parameter.default)
        return st.number_input(label, value=value, step=0.05, format="%.4g", key=key, help=about)
    if isinstance(parameter, Flag):
        return st.checkbox(label, value=bool(parameter.default), key=key, help=about)
    if isinstance(parameter, Option):
        return st.selectbox(label, parameter.options, key=key, help=about)
    if isinstance(parameter, Items):
        text = st.text_input(label, key=key, help=about, placeholder="such as 5, 10")
        return [_number(word) for word in text.replace(",", " ").split()] or parameter.default
    return parameter.default


def _number(word: str) -> int | str:
    return int(word) if word.isdecimal() else word


def as_yaml(part: str, nodes: Sequence[Mapping[str, Any]]) -> str:
    """The part of a study file that compares these components, or has the only one."""
    return yaml_of({part: dict(nodes[0]) if len(nodes) == 1 else [dict(n) for n in nodes]})
