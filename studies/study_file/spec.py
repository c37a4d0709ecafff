"""A study file that was read and found right, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lightning_modules.configuration import Configuration, Objective
from studies.study_file.design import Design, LookPlan
from studies.study_file.document import Document
from studies.study_file.methods.samplers import STARTUP
from studies.study_file.metrics_source import MetricsSource
from studies.study_file.reading.yaml_text import yaml_of
from studies.study_file.sections import ConfirmSection
from studies.study_file.space.arms import Arm, alternatives
from studies.study_file.space.search_space import Space

SPLIT_PARAMETERS = ("path", "root", "validation_path", "test_path", "target", "targets", "task",
        "label_separator", "missing_targets", "rare_classes",
        "classes", "validation", "test", "split_seed", "stratify", "split_column", "group",
        "time")  # fmt: skip
"""Parameters of a data set that decide by which rows, or by what, a trial is judged."""


@dataclass(frozen=True)
class NamedComponent:
    """A sampler or pruner by name with its parameters."""

    name: str
    parameters: Mapping[str, Any]

    def __str__(self) -> str:
        given = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name} ({given})" if given else self.name


@dataclass(frozen=True)
class Spec:
    """A study file that was read and found right."""

    study: str
    description: str
    tree: Mapping[str, Any]
    """The file as written, overrides applied, with the claim of its comparison."""
    space: Space
    configurations: tuple[Configuration, ...]
    """The file with one value for every range, once for every alternative."""
    sampler: NamedComponent
    pruner: NamedComponent
    seed: int
    trials: int | None
    """Trials of every search; None where the grid or `epochs` decides."""
    epochs: int | None
    """Budget in epochs of every search, in place of `trials`."""
    timeout: float | None
    trial_timeout: float | None
    objective: Objective
    max_epochs: int
    """The longest training in the space, in epochs that are reported."""
    factors: tuple[str, ...]
    confirm: ConfirmSection | None
    design: Design
    claims: bool = False
    """Whether the file itself says what it claims."""
    split_given: bool = False
    """Whether the file itself says how repeats are split."""
    env: tuple[str, ...] | None = None
    """The variables that a program sees beside those that every program needs; None for all."""
    metrics: MetricsSource | None = None
    """Where the metrics of a program come from; None where it reports them itself."""
    source: Document | None = field(default=None, compare=False, repr=False)
    """What was read, which knows the line of every value."""

    @property
    def text(self) -> str:
        """The study file as YAML, with all overrides applied."""
        return yaml_of(dict(self.tree))

    @cached_property
    def arms(self) -> list[Arm]:
        """The arms, in the order of the file; two factors make the product."""
        return alternatives(self.space.root, self.factors)

    @property
    def repeats(self) -> int:
        """Independent searches of every arm, at most."""
        return self.design.repeats

    @property
    def trials_asked(self) -> int | None:
        """Trials of every search with the defaults, which are none of those that `compare.at`
        reads."""
        return None if self.trials is None else self.trials + (self.design.at is not None)

    def with_sequence(self, recorded: Mapping[str, Any] | None) -> Spec:
        """The same file with the looks that were planned when the study began."""
        if recorded is None or not self.design.sequential:
            return self
        known = {**recorded, "looks": tuple(recorded["looks"])}
        plan = LookPlan(**known)
        design = replace(self.design, plan=plan, repeats=plan.looks[-1])
        return replace(self, design=design)

    def with_startup(self, trials: int) -> Spec:
        """The same file with so many start-up trials of its sampler."""
        parameters = {**self.sampler.parameters, STARTUP: trials}
        return replace(self, sampler=NamedComponent(self.sampler.name, parameters))
