"""What a comparison shows beside its answer, by the factor that it compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from dashboard.page import rates, strength
from dashboard.page.effects import effect
from dashboard.page.live import Section, with_winners
from dashboard.page.selection import Selection

MOST_BESIDE = 3
"""Sections that may stand first; a design crosses no more factors."""


@dataclass(frozen=True)
class Factor:
    """A factor of comparisons that has sections of its own."""

    first: Callable[[Selection], Section]
    """What stands beside the ranking."""
    more: Callable[[Selection], Sequence[Section]] = lambda _: ()
    """What comes further below."""
    below: Callable[[], None] | None = None
    """What needs no study, at the end of the page."""


def _map(selection: Selection, prefix: str, title: str, name: str) -> Section:
    return Section(name, title, partial(effect, prefix=prefix, name=name))


def _rate(selection: Selection) -> Section:
    return _map(selection, "optimizer", "Learning rate", "learning-rate")


FACTORS = {
    "optimizer": Factor(
        partial(_map, prefix="optimizer", title="Learning rate", name="learning-rate")
    ),
    "schedule": Factor(
        lambda _: Section("plans", "Learning rate, planned and logged", rates.plans, with_winners),
        lambda selection: [
            _map(selection, "schedule", "Parameters of the schedules", "schedules"),
            _rate(selection),
        ],
        rates.preview,
    ),
    "regularization": Factor(
        lambda _: Section("strength", "Strength, in rank order", strength.strengths),
        lambda _: [
            Section("gap", "Overfitting gap", strength.gap, help=strength.ABOUT_GAP),
            Section("overfitting", "Training against validation", strength.overfitting),
        ],
    ),
}
"""By the first part of a factor's path in the study file."""
ANY = Factor(partial(_map, prefix="", title="The best by one parameter", name="effect"))
"""Any other factor, and a study without one."""


def factors_of(selection: Selection, wanted: str) -> list[Factor]:
    """The factors of a study that have sections, the wanted one first."""
    names = dict.fromkeys(path.partition(".")[0] for path in selection.entry.factors)
    order = sorted(names, key=lambda name: name != wanted)
    return [FACTORS[name] for name in order if name in FACTORS][:MOST_BESIDE] or [ANY]


def below(factor: str) -> None:
    """What a page of a factor shows at its end, with a study or without."""
    found = FACTORS.get(factor)
    if found is not None and found.below is not None:
        st.fragment(found.below)()
