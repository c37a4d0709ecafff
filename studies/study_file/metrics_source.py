"""`metrics:` where the metrics of a program come from that says nothing to fairtune."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lightning_modules.components import suggestion
from lightning_modules.configuration import COMMAND, flatten
from lightning_modules.configuration.sections import FUNCTION
from lightning_modules.errors import Problem, shown
from studies.study_file.sections import MetricsSection, Way
from studies.study_file.space.search_space import Group
from studies.study_file.space.variants import variants

CAPTURED: tuple[Way, ...] = ("wandb", "mlflow", "trackio")
"""Packages of which a program gets a stand-in."""
WITH_CONFIG: tuple[Way, ...] = ("wandb", "trackio")
"""Those that tell the program its values: `wandb.config`."""
EPOCH = "epoch"
"""The pattern that counts, and the usual name of a column that does."""
TEST = "test/"
"""What metrics of the test part begin with: they choose nothing."""
OWN_PLACES = ("{folder}", "{checkpoint}")
"""What makes a path the trial's own: trials run side by side."""
KEYS: Mapping[Way, tuple[str, ...]] = {
    "log": ("patterns",),
    "csv": ("path", "epoch", "names"),
    "tensorboard": ("path", "names"),
    **{way: ("names",) for way in CAPTURED},
}
"""The keys that go with each way; the first one of those that read something is needed."""


@dataclass(frozen=True)
class MetricsSource:
    """Where the metrics of a program come from, found right."""

    way: Way
    patterns: Mapping[str, str]
    path: str
    epoch: str
    names: Mapping[str, str]
    """Names as they are written, by the names of the metrics."""
    given: tuple[str, ...]
    """Dotted names of the values that the study file itself gives."""


def metrics_source(section: MetricsSection | None, root: Group) -> MetricsSource | None:
    """What a section that was found right means."""
    if section is None:
        return None
    given = {name: None for each in variants(root) for name, _ in flatten(each.value)}
    return MetricsSource(
        section.way,
        section.patterns or {},
        section.path or "",
        section.epoch or "",
        section.names or {},
        tuple(given),
    )


def metrics_problems(
    section: MetricsSection | None, models: Any, objective: Any
) -> Iterator[Problem]:
    """What is wrong with a section whose keys are right, in a file with such a model, or models,
    and objective."""
    if section is None:
        return
    programs = [
        each
        for each in (models if isinstance(models, list) else [models])
        if isinstance(each, Mapping) and isinstance(each.get(COMMAND), list)
        if each[COMMAND][:1] != [FUNCTION]
    ]
    if not programs:
        text = f"only a program's are read: give model a {COMMAND}, or leave it out"
        yield Problem(("metrics",), text)
    takes = KEYS[section.way]
    for key in ("patterns", "path", "epoch", "names"):
        if getattr(section, key) is not None and key not in takes:
            text = f"does not go with from: {section.way}, which takes {' and '.join(takes)}"
            yield Problem(("metrics", key), text)
    if takes[0] != "names" and getattr(section, takes[0]) is None:
        yield Problem(("metrics", takes[0]), f"is missing: from: {section.way} reads it")
    metric = objective.get("metric") if isinstance(objective, Mapping) else None
    if isinstance(metric, str) and metric.startswith(TEST):
        text = (
            f"{metric} is of the test part, which chooses nothing; call it "
            f"val/{metric.removeprefix(TEST)} here and in metrics"
        )
        yield Problem(("objective", "metric"), text)
    elif section.way == "log" and section.patterns is not None:
        yield from _objective_problems(section.patterns, metric)
    for name, pattern in (section.patterns or {}).items():
        if text := pattern_problem(pattern):
            yield Problem(("metrics", "patterns", name), text)
    if section.path is not None and "path" in takes:
        yield from _path_problems(section.path, programs)


def _objective_problems(patterns: Mapping[str, str], metric: Any) -> Iterator[Problem]:
    if isinstance(metric, str) and metric not in patterns:
        hint = suggestion(metric, list(patterns)) or ""
        yield Problem(("metrics", "patterns"), f"has none for the objective, {metric}{hint}")


def pattern_problem(pattern: str) -> str:
    """What is wrong with a regular expression; empty where nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    if groups == 1:
        return ""
    has = f"has {groups} groups" if groups else "has no group"
    return f"{has}: put one pair of parentheses around the number; others are written (?:...)"


def _path_problems(path: str, programs: list[Mapping[str, Any]]) -> Iterator[Problem]:
    here = ("metrics", "path")
    places = re.findall(r"\{[^{}]*\}", path)
    for place in places:
        if place not in OWN_PLACES:
            yield Problem(here, f"knows {' and '.join(OWN_PLACES)}, not {place}")
    own = [place for place in places if place in OWN_PLACES]
    if not path.startswith(OWN_PLACES):
        yield Problem(
            here,
            f"must begin with {' or '.join(OWN_PLACES)}: trials run side by side, and each needs "
            f"its own; got {shown(path)}",
        )
    if ".." in path.replace("\\", "/").split("/"):
        yield Problem(here, f"must not lead out of its folder; got {shown(path)}")
    for place in own:
        for program in programs:
            told = json.dumps(program)
            if place not in told and "{configuration}" not in told:
                text = f"metrics.path has {place} and the program is not told: add it"
                yield Problem(("model", COMMAND), f"{text} to its arguments")
