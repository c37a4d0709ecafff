"""The study file: its shape, its meaning, and every mistake in it with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lightning_modules.checking import problems as configuration_problems
from lightning_modules.components import Component, complaints, suggestion, unknown
from lightning_modules.configuration import Configuration, Objective, Part
from lightning_modules.errors import Problem, UserError
from studies import document
from studies.document import Document
from studies.placeholders import command_problems
from studies.ranges import Keys, read_space, variants
from studies.search import PRUNERS, SAMPLERS
from studies.space import Alternatives, Choice, Group, Node, Space

CONFIGURATION_KEYS = (
    "data", "model", "loss", "optimizer", "schedule", "regularization", "trainer", "objective",
)  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
DEFAULT_TRIALS = 20
EXAM = ("path", "root", "validation_path", "test_path", "target", "targets", "task",
        "classes", "validation", "test", "split_seed", "stratify", "split_column", "group",
        "time")  # fmt: skip
"""Parameters of a data set that decide by which rows, or by what, a trial is judged."""


class Section(BaseModel):
    """Unknown keys are errors; nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SearchSection(Section):
    """`search:` how the space is searched, and with what budget per arm."""

    method: str | dict[str, Any] = Field("tpe", description="the sampler, or {name: ...}")
    trials: int | None = Field(None, ge=1, description="trials, per arm where arms are compared")
    epochs: int | None = Field(None, ge=1, description="a budget in epochs in place of trials")
    timeout: float | None = Field(None, gt=0, description="seconds after which no trial starts")
    pruner: str | dict[str, Any] = Field("none", description="the pruner, or {name: ...}")
    seed: int = Field(0, ge=0, lt=2**32, description="the seed of everything")


class CompareSection(Section):
    """`compare:` the part of the configuration whose alternatives become arms."""

    factor: str | list[str] = Field(description="one or two paths, such as optimizer")


class ConfirmSection(Section):
    """`confirm:` how many of the best configurations train again on fresh seeds."""

    top: int = Field(1, ge=1, description="configurations of each arm")
    seeds: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = Field(
        "auto", description="fresh seeds for each of them"
    )


class StudyFile(Section):
    """The outermost keys; what the configuration holds is checked against the tables."""

    study: str = Field(description="the study's name in its home")
    description: str = Field("", description="the question that the study answers")
    data: Any = None
    model: Any = None
    loss: Any = None
    optimizer: Any = None
    schedule: Any = None
    regularization: Any = None
    trainer: Any = None
    objective: Any = None
    search: SearchSection = SearchSection()
    compare: CompareSection | None = None
    confirm: ConfirmSection | None = None


@dataclass(frozen=True)
class Choosing:
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
    """The file as written, overrides applied."""
    space: Space
    sampler: Choosing
    pruner: Choosing
    seed: int
    trials: int | None
    """Trials per arm; None where the grid or `epochs` decides."""
    epochs: int | None
    """Budget in epochs per arm, in place of `trials`."""
    timeout: float | None
    trial_timeout: float | None
    objective: Objective
    max_epochs: int
    """The longest training in the space, epochs."""
    factors: tuple[str, ...]
    confirm: ConfirmSection | None

    @property
    def text(self) -> str:
        """The resolved study file."""
        return document.dump(dict(self.tree))


def load(path: Path, overrides: Sequence[str] = ()) -> Spec:
    """Read a study file; raises UserError or StudyFileError with every mistake at once."""
    return resolve(document.read(path), overrides)


def resolve(source: Document, overrides: Sequence[str] = ()) -> Spec:
    """The study that a parsed file describes."""
    for assignment in overrides:
        source.override(assignment)
    problems = list(source.problems)
    # `confirm: null` is kept: without it, a comparison confirms its winners
    tree = {k: v for k, v in source.tree.items() if v is not None or k == "confirm"}
    file = _shape(tree, problems)
    configuration = {key: tree[key] for key in CONFIGURATION_KEYS if key in tree}
    trial_timeout = _take_trial_timeout(configuration, problems)
    root = read_space(configuration, problems)
    for variant in variants(root):
        problems.extend(
            Problem(variant.origin(problem.path), problem.message)
            for problem in configuration_problems(variant.value)
        )
    search = file.search if file else _as_far_as_right(SearchSection, tree.get("search", {}))
    search = search or SearchSection()
    sampler = _choose("search", "method", SAMPLERS, "search method", search.method, problems)
    pruner = _choose("search", "pruner", PRUNERS, "pruner", search.pruner, problems)
    space = Space(root)
    compare = file.compare if file else _as_far_as_right(CompareSection, tree.get("compare", {}))
    factors = _factors(compare, root, problems)
    problems.extend(_budget_problems(search, sampler, space, factors))
    problems.extend(_fixed_problems(root))
    problems.extend([] if problems else command_problems(root))
    source.refuse(problems)
    assert file is not None
    plain = [Configuration.resolve(variant.value) for variant in variants(root)]
    source.refuse(list(_exam_problems([each.data for each in plain])))
    return Spec(
        study=file.study,
        description=file.description,
        tree=tree,
        space=space,
        sampler=sampler,
        pruner=pruner,
        seed=search.seed,
        trials=None if search.epochs or sampler.name == "grid" else search.trials or DEFAULT_TRIALS,
        epochs=search.epochs,
        timeout=search.timeout,
        trial_timeout=trial_timeout,
        objective=plain[0].objective,
        max_epochs=max(int(each.trainer["epochs"]) for each in plain),
        factors=factors,
        confirm=ConfirmSection() if factors and "confirm" not in tree else file.confirm,
    )


def _shape(tree: Mapping[str, Any], problems: list[Problem]) -> StudyFile | None:
    try:
        file = StudyFile.model_validate(tree)
    except ValidationError as error:
        problems.extend(_shape_problem(detail) for detail in error.errors())
        return None
    if not NAME.fullmatch(file.study):
        message = (
            f"{file.study!r} is no study name; use letters, digits, dots, dashes and underscores, "
            "starting with a letter or a digit, 100 at most"
        )
        problems.append(Problem(("study",), message))
    return file


Shape = TypeVar("Shape", bound=Section)


def _as_far_as_right(shape: type[Shape], node: Any) -> Shape | None:
    """A section of a file that is wrong, without its wrong keys: all mistakes are told at once."""
    try:
        return shape.model_validate(node)
    except ValidationError as error:
        wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
        if not wrong or not isinstance(node, Mapping):
            return None
        rest = {key: value for key, value in node.items() if key not in wrong}
        return _as_far_as_right(shape, rest) if len(rest) < len(node) else None


SECTIONS: dict[str, type[Section]] = {
    "search": SearchSection,
    "compare": CompareSection,
    "confirm": ConfirmSection,
}


def _shape_problem(detail: Any) -> Problem:
    path: Keys = tuple(key for key in detail["loc"] if key in SECTIONS or not _is_branch(key))
    if detail["type"] == "extra_forbidden":
        section = SECTIONS.get(str(path[0]), StudyFile) if len(path) > 1 else StudyFile
        known = list(section.model_fields)
        hint = suggestion(path[-1], known) or "; known are " + ", ".join(known)
        return Problem(path, f"is no key of a study file{hint}")
    if detail["type"] == "missing":
        return Problem(path, "is missing")
    message = detail["msg"].replace("Input should be", "must be")
    return Problem(path, f"{message}, got {detail['input']!r}")


def _is_branch(key: str | int) -> bool:
    """Pydantic names the branch of a union in the path; a study file knows no such key."""
    return key in ("str", "int", "list[str]", "literal['auto']") or str(key).startswith("dict[")


def _take_trial_timeout(configuration: dict[str, Any], problems: list[Problem]) -> float | None:
    """The one key of `trainer` that the driver keeps: it bounds the clock, not the training."""
    trainer = configuration.get("trainer")
    if not isinstance(trainer, dict) or trainer.get("trial_timeout") is None:
        return None
    value = trainer["trial_timeout"]
    configuration["trainer"] = {k: v for k, v in trainer.items() if k != "trial_timeout"}
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        message = f"must be seconds > 0, got {value!r}"
        problems.append(Problem(("trainer", "trial_timeout"), message))
        return None
    return float(value)


def _choose(
    section: str,
    key: str,
    table: Mapping[str, Component],
    what: str,
    node: str | dict[str, Any],
    problems: list[Problem],
) -> Choosing:
    name = node if isinstance(node, str) else node.get("name")
    given = {} if isinstance(node, str) else {k: v for k, v in node.items() if k != "name"}
    if not isinstance(name, str) or name not in table:
        problems.append(Problem((section, key), unknown(what, str(name), table)))
        return Choosing("none", {})
    row = table[name]
    problems.extend(
        Problem((section, key, found), text) for found, text in complaints(row, name, given)
    )
    return Choosing(name, {**row.defaults(), **given})


def _factors(
    compare: CompareSection | None, root: Group, problems: list[Problem]
) -> tuple[str, ...]:
    if compare is None:
        return ()
    factors = (compare.factor,) if isinstance(compare.factor, str) else tuple(compare.factor)
    here: Keys = ("compare", "factor")
    if not 1 <= len(factors) <= 2 or len(set(factors)) != len(factors):
        problems.append(Problem(here, "must be one factor, or a list of two different ones"))
    for factor in factors:
        node = find(root, factor)
        if node is None:
            known = list(_factor_paths("", root))
            hint = suggestion(factor, known) or "; this file holds alternatives at " + (
                ", ".join(known) or "no place"
            )
            problems.append(Problem(here, f"there is nothing at {factor!r}{hint}"))
        elif not isinstance(node, Alternatives | Choice):
            message = f"{factor} holds no alternatives; list them, or write {{values: [...]}}"
            problems.append(Problem(here, message))
    return factors


def find(root: Group, path: str) -> Node | None:
    """The node at a dotted path, or None."""
    node: Node = root
    for key in path.split("."):
        if not isinstance(node, Group) or key not in node.children:
            return None
        node = node.children[key]
    return node


def _factor_paths(prefix: str, node: Node) -> Iterator[str]:
    if isinstance(node, Alternatives | Choice):
        yield prefix
    elif isinstance(node, Group):
        for key, child in node.children.items():
            yield from _factor_paths(f"{prefix}.{key}" if prefix else key, child)


def _budget_problems(
    search: SearchSection, sampler: Choosing, space: Space, factors: Sequence[str]
) -> Iterator[Problem]:
    if search.trials is not None and search.epochs is not None:
        yield Problem(("search", "epochs"), "does not go with trials; keep one budget")
    if sampler.name != "grid":
        return
    for key in ("trials", "epochs"):
        if getattr(search, key) is not None:
            message = f"does not go with a grid, which trains every point once; drop {key}"
            yield Problem(("search", key), message)
    for name, node in space.parameters():
        try:
            next(iter(node.points(name)))
        except UserError as error:
            yield Problem(("search", "method"), str(error))


def _exam_problems(chosen: Sequence[Part]) -> Iterator[Problem]:
    """Whatever decides by which rows a trial is judged must be the same for every trial."""
    first = chosen[0]
    why = "decides which rows judge a trial: it must be the same for every trial"
    names = list(dict.fromkeys(part.name for part in chosen))
    if len(names) > 1:
        yield Problem(("data",), f"{why}, and here are {' and '.join(names)}")
        return
    for key in EXAM:
        if any(part.parameters.get(key) != first.parameters.get(key) for part in chosen):
            yield Problem(("data", key), why)


def _fixed_problems(root: Group) -> Iterator[Problem]:
    """What every trial must share so that trials can be compared."""
    for key in ("objective", "trainer.threads", "trainer.accelerator"):
        node = find(root, key)
        if node is not None and Space(Group({key: node})).parameters():
            yield Problem(tuple(key.split(".")), "must be the same for every trial")
