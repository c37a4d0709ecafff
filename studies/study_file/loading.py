"""From the text of a study file to its meaning, with every mistake in it at once and its line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lightning_modules.components import Component, unknown, validation_errors
from lightning_modules.configuration import Configuration
from lightning_modules.configuration.validation import problems as configuration_problems
from lightning_modules.errors import Problem, shown
from studies.study_file import document
from studies.study_file.command_template import command_problems, env_problems
from studies.study_file.design import (
    SCALES,
    SPLITS,
    Scale,
    Split,
    default_trials,
    design,
    design_problems,
    take_choice,
)
from studies.study_file.document import Document
from studies.study_file.foreign_words import method_words, pruner_words, training_words
from studies.study_file.methods.pruners import PRUNERS
from studies.study_file.methods.samplers import SAMPLERS, startup_for
from studies.study_file.metrics_source import WITH_CONFIG, metrics_problems, metrics_source
from studies.study_file.mistakes import (
    MAX_VARIANTS,
    budget_problems,
    factors_of,
    fixed_problems,
    model_problems,
    name_problems,
    num_problems,
    size_problems,
    split_problems,
    training_problems,
    validation_problems,
)
from studies.study_file.reading.limits import ENOUGH
from studies.study_file.sections import (
    CONFIGURATION,
    Claim,
    CompareSection,
    ConfirmSection,
    MetricsSection,
    SearchSection,
    as_far_as_right,
    read_shape,
)
from studies.study_file.space.arms import alternatives
from studies.study_file.space.open_values import Node, Range
from studies.study_file.space.ranges import read_space
from studies.study_file.space.search_space import Group, Space
from studies.study_file.space.tree import changed_group
from studies.study_file.space.variants import variant_count, variants
from studies.study_file.spec import NamedComponent, Spec


def load_study_file(path: Path, overrides: Sequence[str] = ()) -> Spec:
    """Read a study file and check all of it.

    Args:
        path: The YAML file, or a preset's (`find_preset`).
        overrides: Assignments such as `search.trials=5`, the later ones over the earlier.

    Returns:
        The study: its search space, its arms and the design of its comparison.

    Raises:
        UserError: There is no such file, or it is no YAML.
        StudyFileError: It has mistakes; the error lists all of them.
    """
    return resolve(document.read(path), overrides)


def resolve(
    source: Document,
    overrides: Sequence[str] = (),
    *,
    recorded: bool = False,
    prepare: Callable[[dict[str, Any]], None] = lambda tree: None,
) -> Spec:
    """The study that a parsed file describes; `recorded` is a file as a home has kept it, whose
    configurations were found right when it was begun. `prepare` may change the values that the
    file has with its overrides.

    A recorded comparison without a claim is of a time in which all were of configurations.
    """
    for assignment in overrides:
        source.override(assignment)
    prepare(source.tree)
    problems = list(source.problems)
    # `confirm: null` is kept: without it, a comparison confirms its winners
    tree = {k: v for k, v in source.tree.items() if v is not None or k == "confirm"}
    configuration = {key: tree[key] for key in CONFIGURATION if key in tree}
    file = read_shape({k: v for k, v in tree.items() if k not in CONFIGURATION}, problems)
    trial_timeout = _take_trial_timeout(configuration, problems)
    _take_foreign_words(configuration, problems)
    choices = {}
    for section, key, known in (("data", "split", SPLITS), ("objective", "scale", SCALES)):
        if section in configuration:
            rest, choices[key], wrong = take_choice(configuration[section], section, key, known)
            configuration[section] = rest
            problems += wrong
    split, scale = choices.get("split"), choices.get("scale")
    found_before = len(problems)
    root = read_space(configuration, problems)
    is_read = len(problems) == found_before and variant_count(root) <= MAX_VARIANTS
    misread = [problem.path for problem in problems[found_before:]]
    if overrides or not recorded:
        problems += [
            problem for problem in _variant_problems(root)
            if not _follows(problem.path, misread)
        ]  # fmt: skip
    is_right = is_read and len(problems) == found_before
    metrics = file.metrics if file else as_far_as_right(MetricsSection, tree.get("metrics"))
    told = metrics is not None and metrics.way in WITH_CONFIG
    problems.extend(command_problems(root, told) if is_right else [])
    problems.extend(metrics_problems(metrics, tree.get("model"), tree.get("objective")))
    search = file.search if file else as_far_as_right(SearchSection, tree.get("search", {}))
    search = search or SearchSection()
    sampler = _named_component(
        "search", "method", SAMPLERS, "search method", search.method, problems
    )
    pruner = _named_component("search", "pruner", PRUNERS, "pruner", search.pruner, problems)
    problems.extend(num_problems(sampler.name, Space(root)))
    if sampler.name != "grid" and not problems:
        root = changed_group(root, _as_choice)
    space = Space(root)
    compare = file.compare if file else as_far_as_right(CompareSection, tree.get("compare", {}))
    confirm = file.confirm if file else as_far_as_right(ConfirmSection, tree.get("confirm", {}))
    if compare is not None and "confirm" not in tree:
        confirm = ConfirmSection()
    claim = _claim(compare, recorded)
    found_before = len(problems)
    factors = factors_of(compare, root, problems)
    problems.extend(size_problems(root, factors))
    has_arms = is_read and len(problems) == found_before
    problems.extend(budget_problems(search, sampler, space, factors))
    problems.extend(fixed_problems(root, factors))
    if not any(problem.path[:2] == ("trainer", "epochs") for problem in problems):
        problems.extend(validation_problems(root))
    names = [] if problems else [arm.name for arm in alternatives(root, factors)]
    problems.extend(
        design_problems(search, compare, confirm, claim, names, sampler.name, pruner.name)
    )
    problems.extend([] if recorded else name_problems(names))
    if has_arms and not recorded and sampler.name in SAMPLERS:
        problems.extend(model_problems(sampler.name, alternatives(root, factors)))
    source.refuse(problems)
    assert file is not None
    plain = [Configuration.of(variant.value) for variant in variants(root)]
    wrong = [*env_problems(file.env, plain), *split_problems([each.data for each in plain])]
    made = design(
        search, compare, confirm, claim, split=cast(Split, split), scale=cast(Scale, scale)
    )
    max_epochs = max(each.reports for each in plain)
    trials = None
    if search.epochs is None and sampler.name != "grid":
        trials = default_trials(search, made)
    before_claims = recorded and compare is not None and compare.claim is None
    if not before_claims:
        sampler = _with_startup(sampler, search, trials or (search.epochs or 0) // max_epochs)
    if compare is not None and not before_claims:
        tree["compare"] = {**tree["compare"], "claim": claim}
    spec = Spec(
        study=file.study,
        description=file.description,
        tree=tree,
        space=space,
        configurations=tuple(plain),
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
        env=None if file.env is None else tuple(file.env),
        metrics=metrics_source(metrics, root),
        source=source,
    )
    source.refuse([*wrong, *training_problems(spec)])
    return spec


def _variant_problems(root: Group) -> list[Problem]:
    """What is wrong with the configurations of a space, until there is enough to mend."""
    found: dict[Problem, None] = {}
    if variant_count(root) > MAX_VARIANTS:
        return []  # which is told by itself
    for variant in variants(root):
        for problem in configuration_problems(variant.value):
            found[Problem(variant.origin(problem.path), problem.message)] = None
        if len(found) > ENOUGH:
            break
    return list(found)


def _follows(path: Sequence[str | int], misread: Sequence[Sequence[str | int]]) -> bool:
    """Whether what stands at a path could not be read, so that a second sentence says no more."""
    return len(path) > 1 and any(tuple(each[: len(path)]) == tuple(path) for each in misread)


def _as_choice(node: Node) -> Node:
    """A range of so many values is a choice to methods that are no grid."""
    return node.listed() if isinstance(node, Range) else node


def with_trials(spec: Spec, trials: int) -> Spec:
    """The same file with so many trials of every search."""
    tree = {**spec.tree, "search": {**(spec.tree.get("search") or {}), "trials": trials}}
    made = resolve(Document("the study file", tree), recorded=True)
    return replace(made, claims=spec.claims)


def as_before_claims(spec: Spec) -> Spec:
    """The same file as it was meant before files made claims: one search for each arm."""
    tree = {**spec.tree}
    tree["compare"] = {k: v for k, v in tree["compare"].items() if k != "claim"}
    return resolve(Document("the study file", tree), recorded=True)


def _claim(compare: CompareSection | None, recorded: bool) -> Claim | None:
    if compare is None:
        return None
    return compare.claim or ("configurations" if recorded else "arms")


def _with_startup(sampler: NamedComponent, search: SearchSection, trials: int) -> NamedComponent:
    """A sampler whose model chooses most of its trials, however few they are."""
    given = search.method if isinstance(search.method, Mapping) else {}
    startup = startup_for(sampler.name, trials, given)
    if startup is None:
        return sampler
    return NamedComponent(sampler.name, {**sampler.parameters, "n_startup_trials": startup})


def _take_trial_timeout(configuration: dict[str, Any], problems: list[Problem]) -> float | None:
    """The one key of `trainer` that the driver keeps: it bounds the clock, not the training."""
    trainer = configuration.get("trainer")
    if not isinstance(trainer, dict) or trainer.get("trial_timeout") is None:
        return None
    value = trainer["trial_timeout"]
    configuration["trainer"] = {k: v for k, v in trainer.items() if k != "trial_timeout"}
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        message = f"must be seconds > 0, got {shown(value)}"
        problems.append(Problem(("trainer", "trial_timeout"), message))
        return None
    return float(value)


def _take_foreign_words(configuration: dict[str, Any], problems: list[Problem]) -> None:
    """Answer keys of `trainer` that other tools have."""
    trainer = configuration.get("trainer")
    if not isinstance(trainer, dict):
        return
    found = {key: words for key in trainer if (words := training_words(key, trainer[key]))}
    problems += [
        Problem(("trainer", key), f"is no key of trainer; {words}") for key, words in found.items()
    ]
    configuration["trainer"] = {k: v for k, v in trainer.items() if k not in found}


def _named_component(
    section: str,
    key: str,
    table: Mapping[str, Component],
    what: str,
    node: str | dict[str, Any],
    problems: list[Problem],
) -> NamedComponent:
    name = node if isinstance(node, str) else node.get("name")
    given = {} if isinstance(node, str) else {k: v for k, v in node.items() if k != "name"}
    if not isinstance(name, str) or name not in table:
        words = (method_words if key == "method" else pruner_words)(str(name))
        said = f"there is no {what} {shown(str(name))}; {words}"
        problems.append(Problem((section, key), said if words else unknown(what, str(name), table)))
        return NamedComponent("none", {})
    row = table[name]
    problems.extend(
        Problem((section, key, found), text) for found, text in validation_errors(row, name, given)
    )
    return NamedComponent(name, {**row.defaults(), **given})
