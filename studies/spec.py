"""The study file: its shape, its meaning, and every mistake in it with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from lightning_modules.checking import problems as configuration_problems
from lightning_modules.components import Component, complaints, suggestion, unknown
from lightning_modules.configuration import Configuration, Objective, Part
from lightning_modules.errors import Problem, UserError
from studies import document
from studies.arms import alternatives, confusable
from studies.design import (
    SCALES,
    SPLITS,
    Design,
    LookPlan,
    Scale,
    Split,
    default_trials,
    design,
    design_problems,
    take_choice,
)
from studies.document import Document
from studies.placeholders import command_problems
from studies.ranges import Keys, read_space, variants
from studies.search import PRUNERS, SAMPLERS, STARTUP, startup_for
from studies.space import Alternatives, Choice, Group, Node, Space, find
from studies.study_file import (
    Claim,
    CompareSection,
    ConfirmSection,
    SearchSection,
    as_far_as_right,
    read_shape,
)

CONFIGURATION_KEYS = (
    "data", "model", "loss", "optimizer", "schedule", "regularization", "trainer", "objective",
)  # fmt: skip
SPLIT_PARAMETERS = ("path", "root", "validation_path", "test_path", "target", "targets", "task",
        "classes", "validation", "test", "split_seed", "stratify", "split_column", "group",
        "time")  # fmt: skip
"""Parameters of a data set that decide by which rows, or by what, a trial is judged."""


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
    """The file as written, overrides applied, with the claim of its comparison."""
    space: Space
    sampler: Choosing
    pruner: Choosing
    seed: int
    trials: int | None
    """Trials of every search; None where the grid or `epochs` decides."""
    epochs: int | None
    """Budget in epochs of every search, in place of `trials`."""
    timeout: float | None
    trial_timeout: float | None
    objective: Objective
    max_epochs: int
    """The longest training in the space, epochs."""
    factors: tuple[str, ...]
    confirm: ConfirmSection | None
    design: Design
    claims: bool = False
    """Whether the file itself says what it claims."""
    split_given: bool = False
    """Whether the file itself says how repeats are split."""

    @property
    def text(self) -> str:
        """The resolved study file."""
        return document.dump(dict(self.tree))

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
        return replace(self, sampler=Choosing(self.sampler.name, parameters))

    def with_trials(self, trials: int) -> Spec:
        """The same file with so many trials of every search."""
        tree = {**self.tree, "search": {**(self.tree.get("search") or {}), "trials": trials}}
        made = resolve(Document("the study file", tree), recorded=True)
        return replace(made, claims=self.claims)

    def as_before_claims(self) -> Spec:
        """The same file as it was meant before files made claims: one search for each arm."""
        tree = {**self.tree}
        tree["compare"] = {k: v for k, v in tree["compare"].items() if k != "claim"}
        return resolve(Document("the study file", tree), recorded=True)


def load(path: Path, overrides: Sequence[str] = ()) -> Spec:
    """Read a study file; raises UserError or StudyFileError with every mistake at once."""
    return resolve(document.read(path), overrides)


def resolve(source: Document, overrides: Sequence[str] = (), *, recorded: bool = False) -> Spec:
    """The study that a parsed file describes; `recorded` is a file as a home has kept it.

    A recorded comparison without a claim is of a time in which all were of configurations.
    """
    for assignment in overrides:
        source.override(assignment)
    problems = list(source.problems)
    # `confirm: null` is kept: without it, a comparison confirms its winners
    tree = {k: v for k, v in source.tree.items() if v is not None or k == "confirm"}
    file = read_shape(tree, problems)
    configuration = {key: tree[key] for key in CONFIGURATION_KEYS if key in tree}
    trial_timeout = _take_trial_timeout(configuration, problems)
    split, complaints_ = take_choice(configuration, "data", "split", SPLITS)
    scale, more = take_choice(configuration, "objective", "scale", SCALES)
    problems += complaints_ + more
    root = read_space(configuration, problems)
    for variant in variants(root):
        problems.extend(
            Problem(variant.origin(problem.path), problem.message)
            for problem in configuration_problems(variant.value)
        )
    search = file.search if file else as_far_as_right(SearchSection, tree.get("search", {}))
    search = search or SearchSection()
    sampler = _choose("search", "method", SAMPLERS, "search method", search.method, problems)
    pruner = _choose("search", "pruner", PRUNERS, "pruner", search.pruner, problems)
    space = Space(root)
    compare = file.compare if file else as_far_as_right(CompareSection, tree.get("compare", {}))
    confirm = file.confirm if file else as_far_as_right(ConfirmSection, tree.get("confirm", {}))
    if compare is not None and "confirm" not in tree:
        confirm = ConfirmSection()
    claim = _claim(compare, recorded)
    factors = _factors(compare, root, problems)
    problems.extend(_budget_problems(search, sampler, space, factors))
    problems.extend(_fixed_problems(root))
    problems.extend([] if problems else command_problems(root))
    names = [] if problems else [arm.name for arm in alternatives(root, factors)]
    problems.extend(
        design_problems(search, compare, confirm, claim, names, sampler.name, pruner.name)
    )
    problems.extend([] if recorded else _name_problems(names))
    source.refuse(problems)
    assert file is not None
    plain = [Configuration.resolve(variant.value) for variant in variants(root)]
    source.refuse(list(_split_problems([each.data for each in plain])))
    made = design(
        search, compare, confirm, claim, split=cast(Split, split), scale=cast(Scale, scale)
    )
    max_epochs = max(int(each.trainer["epochs"]) for each in plain)
    trials = None
    if search.epochs is None and sampler.name != "grid":
        trials = default_trials(search, made)
    before_claims = recorded and compare is not None and compare.claim is None
    if not before_claims:
        sampler = _with_startup(sampler, search, trials or (search.epochs or 0) // max_epochs)
    if compare is not None and not before_claims:
        tree["compare"] = {**tree["compare"], "claim": claim}
    return Spec(
        study=file.study,
        description=file.description,
        tree=tree,
        space=space,
        sampler=sampler,
        pruner=pruner,
        seed=search.seed,
        trials=trials,
        epochs=search.epochs,
        timeout=search.timeout,
        trial_timeout=trial_timeout,
        objective=plain[0].objective,
        max_epochs=max_epochs,
        factors=factors,
        confirm=confirm,
        design=made,
        claims=compare is not None and compare.claim is not None,
        split_given=split is not None,
    )


def _claim(compare: CompareSection | None, recorded: bool) -> Claim | None:
    if compare is None:
        return None
    return compare.claim or ("configurations" if recorded else "arms")


def _with_startup(sampler: Choosing, search: SearchSection, trials: int) -> Choosing:
    """A sampler whose model chooses most of its trials, however few they are."""
    given = search.method if isinstance(search.method, Mapping) else {}
    startup = startup_for(sampler.name, trials, given)
    if startup is None:
        return sampler
    return Choosing(sampler.name, {**sampler.parameters, "n_startup_trials": startup})


def _name_problems(names: Sequence[str]) -> Iterator[Problem]:
    """Arms that would be mistaken for each other's repeats."""
    if found := confusable(names):
        name, other = found
        yield Problem(
            ("compare", "factor"),
            f"the arm {name!r} is called as a repeat or a fresh run of {other!r} is; give it "
            "another `label:`",
        )


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


def _split_problems(chosen: Sequence[Part]) -> Iterator[Problem]:
    """Whatever decides by which rows a trial is judged must be the same for every trial."""
    first = chosen[0]
    why = "decides which rows judge a trial: it must be the same for every trial"
    names = list(dict.fromkeys(part.name for part in chosen))
    if len(names) > 1:
        yield Problem(("data",), f"{why}, and here are {' and '.join(names)}")
        return
    for key in SPLIT_PARAMETERS:
        if any(part.parameters.get(key) != first.parameters.get(key) for part in chosen):
            yield Problem(("data", key), why)


def _fixed_problems(root: Group) -> Iterator[Problem]:
    """What every trial must share so that trials can be compared."""
    for key in ("objective", "trainer.threads", "trainer.accelerator"):
        node = find(root, key)
        if node is not None and Space(Group({key: node})).parameters():
            yield Problem(tuple(key.split(".")), "must be the same for every trial")
