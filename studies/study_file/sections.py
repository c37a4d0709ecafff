"""The outermost shape of a study file: its sections, their keys, and mistakes in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lightning_modules.components import suggestion
from lightning_modules.configuration.validation import VARIABLE
from lightning_modules.errors import Problem, shown
from studies.study_file.foreign_words import key_words

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NAME_WORDS = (
    "letters, digits, dots, dashes and underscores, starting with a letter or a digit, 100 at most"
)
Keys = tuple[str | int, ...]
Claim = Literal["arms", "configurations"]
Way = Literal["log", "csv", "tensorboard", "wandb", "mlflow", "trackio"]
"""How the metrics of a program that says nothing to fairtune are read."""


class Section(BaseModel):
    """Unknown keys are errors; nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SearchSection(Section):
    """`search:` how the space is searched, and with what budget per arm."""

    method: str | dict[str, Any] = Field("tpe", description="the sampler, or {name: ...}")
    trials: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="trials of each search: 8 where there are repeats, else 20",
    )
    epochs: int | None = Field(
        None, ge=1, le=10**9, description="a budget in epochs in place of trials"
    )
    repeats: Annotated[int, Field(ge=1, le=1_000)] | Literal["auto"] | None = Field(
        None,
        description="independent searches of each arm; auto looks after 6 and 8. 6 where arms "
        "are compared and confirmed, else 1",
    )
    timeout: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="seconds after which no trial starts"
    )
    pruner: str | dict[str, Any] = Field("none", description="the pruner, or {name: ...}")
    seed: int = Field(0, ge=0, lt=2**32, description="the seed of everything")


class CompareSection(Section):
    """`compare:` the part of the configuration whose alternatives become arms."""

    factor: str | list[str] = Field(description="one or two paths, such as optimizer")
    claim: Claim | None = Field(
        None,
        description="arms: which alternative is better when each is tuned (the default); "
        "configurations: which of the two configurations that one search found is better",
    )
    against: str | None = Field(
        None, description="the arm that all others are compared with; every pair unless given"
    )
    at: int | None = Field(
        None,
        ge=1,
        le=250_000,
        description="read a random search of at least four times as many trials as what so many "
        "would have found",
    )


class ConfirmSection(Section):
    """`confirm:` how many of the best configurations train again on fresh seeds."""

    top: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="configurations of each search; 1 unless compare.at asks for more"
    )
    seeds: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = Field(
        "auto",
        description="fresh seeds for each of them; auto is 1 where arms are compared by repeats",
    )
    cross: bool = Field(
        True, description="train the best winners of the leading arm on the other splits too"
    )


class MetricsSection(Section):
    """`metrics:` where a program's metrics are read, which says nothing to fairtune itself."""

    way: Way = Field(
        alias="from",
        description="what the program writes: its log, a CSV file, TensorBoard's files, or what "
        "it says to wandb, mlflow or trackio",
    )
    patterns: dict[str, str] | None = Field(
        None,
        description="log: a regular expression for each metric, whose one group is the number; "
        "`epoch` counts",
    )
    path: str | None = Field(
        None, description="csv, tensorboard: the file or folder, with {folder} or {checkpoint}"
    )
    epoch: str | None = Field(None, description="csv: the column that counts, `epoch` unless given")
    names: dict[str, str] | None = Field(
        None, description="how a metric is called in what is written, where that differs"
    )


CONFIGURATION = (
    "data", "model", "loss", "optimizer", "schedule", "regularization", "trainer", "objective",
)  # fmt: skip
"""The outermost keys of a configuration, which is checked against the tables."""
Variable = Annotated[str, Field(pattern=f"^{VARIABLE.pattern}$")]
"""The name of an environment variable."""


class StudyFile(Section):
    """The outermost keys beside those of the configuration."""

    study: str = Field(description="the study's name in its home")
    description: str = Field("", description="the question that the study answers")
    env: list[Variable] | None = Field(
        None,
        description="the variables that a program sees, beside PATH, HOME, LANG and the like; "
        "all of them unless given",
    )
    metrics: MetricsSection | None = None
    search: SearchSection = SearchSection()
    compare: CompareSection | None = None
    confirm: ConfirmSection | None = None


def read_shape(tree: Mapping[str, Any], problems: list[Problem]) -> StudyFile | None:
    """The sections of a file beside its configuration; None, with the problems appended, where
    their shape is wrong."""
    try:
        file = StudyFile.model_validate(tree)
    except ValidationError as error:
        problems.extend(_joined(error))
        return None
    if not NAME.fullmatch(file.study):
        message = f"{shown(file.study)} is no study name; use {NAME_WORDS}"
        problems.append(Problem(("study",), message))
    return file


Shape = TypeVar("Shape", bound=Section)


def as_far_as_right(shape: type[Shape], node: Any) -> Shape | None:
    """A section of a file that is wrong, without its wrong keys: all mistakes are told at once."""
    try:
        return shape.model_validate(node)
    except ValidationError as error:
        wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
        if not wrong or not isinstance(node, Mapping):
            return None
        rest = {key: value for key, value in node.items() if key not in wrong}
        return as_far_as_right(shape, rest) if len(rest) < len(node) else None


SECTIONS: dict[str, type[Section]] = {
    "search": SearchSection,
    "compare": CompareSection,
    "confirm": ConfirmSection,
    "metrics": MetricsSection,
}


def _joined(error: ValidationError) -> list[Problem]:
    """The problems of a file; a value that fits no branch of a union is one problem."""
    branches: dict[Keys, list[str]] = {}
    for detail in error.errors():
        problem = _shape_problem(detail)
        branches.setdefault(problem.path, []).append(problem.message)
    return [Problem(path, _any_of(messages)) for path, messages in branches.items()]


def _any_of(messages: list[str]) -> str:
    """What one of several forms must be, in one message."""
    *others, last = messages
    wanted = [text.partition(", got ")[0] for text in others]
    return " or ".join([*wanted, last.removeprefix("must be ") if wanted else last])


def _shape_problem(detail: Any) -> Problem:
    path: Keys = tuple(key for key in detail["loc"] if key in SECTIONS or not _is_branch(key))
    if detail["type"] == "extra_forbidden":
        section = SECTIONS.get(str(path[0]), StudyFile) if len(path) > 1 else StudyFile
        known = [field.alias or name for name, field in section.model_fields.items()]
        if section is StudyFile:
            known[2:2] = CONFIGURATION
        if words := key_words(str(path[-1]), detail["input"]) if len(path) < 3 else "":
            return Problem(path, f"is no key of a study file; {words}")
        hint = suggestion(path[-1], known) or "; known are " + ", ".join(known)
        return Problem(path, f"is no key of a study file{hint}")
    if path == ("env",) and isinstance(detail["input"], Mapping):
        text = (
            "lists the variables that a program may see; those with values stand beside the "
            'command, as in model: {command: [...], env: {LR: "{optimizer.lr}"}}'
        )
        return Problem(path, text)
    if detail["type"] == "missing":
        return Problem(path, "is missing")
    message = detail["msg"].replace("Input should be", "must be")
    return Problem(path, f"{message}, got {shown(detail['input'])}")


def _is_branch(key: str | int) -> bool:
    """Pydantic names the branch of a union in the path; a study file knows no such key."""
    names = ("str", "int", "list[str]", "literal['auto']", "constrained-int")
    return key in names or str(key).startswith("dict[")
