"""What a study file says that cannot be meant, one check for each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from lightning_modules.components import suggestion
from lightning_modules.configuration import Part
from lightning_modules.configuration.trainer import LATER, not_a_multiple
from lightning_modules.data.parameters import LOADER_WORKERS
from lightning_modules.errors import Problem, UserError, shown
from studies.study_file.fresh_seeds import confirm_seeds
from studies.study_file.methods.samplers import SAMPLERS, not_modelled
from studies.study_file.sections import CompareSection, SearchSection
from studies.study_file.space.arms import MAX_ARMS, Arm, arm_count, confusable
from studies.study_file.space.open_values import COUNTED, MANY, Choice, Fixed, Node, Range
from studies.study_file.space.ranges import MAX_VALUES
from studies.study_file.space.search_space import Alternatives, Group, Space
from studies.study_file.space.tree import children, find
from studies.study_file.space.variants import Keys, variant_count
from studies.study_file.spec import SPLIT_PARAMETERS, NamedComponent, Spec

SAME = "must be the same for every trial"
MAX_VARIANTS = 5000
"""Configurations of a file that are checked, within seconds."""


def name_problems(names: Sequence[str]) -> Iterator[Problem]:
    """Arms that would be mistaken for each other's repeats."""
    if found := confusable(names):
        name, other = found
        yield Problem(
            ("compare", "factor"),
            f"the arm {shown(name)} is called as a repeat or a fresh run of {shown(other)} is; "
            "give it another `label:`",
        )


def factors_of(
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
            problems.append(Problem(here, f"there is nothing at {shown(factor)}{hint}"))
        elif not isinstance(node, Alternatives | Choice):
            message = f"{factor} holds no alternatives; list them, or write {{values: [...]}}"
            problems.append(Problem(here, message))
    return factors


def _factor_paths(prefix: str, node: Node) -> Iterator[str]:
    if isinstance(node, Alternatives | Choice):
        yield prefix
    else:
        for key, child in children(node).items():
            yield from _factor_paths(f"{prefix}.{key}" if prefix else key, child)


def budget_problems(
    search: SearchSection, sampler: NamedComponent, space: Space, factors: Sequence[str]
) -> Iterator[Problem]:
    if search.trials is not None and search.epochs is not None:
        yield Problem(("search", "epochs"), "does not go with trials; keep one budget")
    if sampler.name != "grid":
        return
    for key in ("trials", "epochs"):
        if getattr(search, key) is not None:
            message = f"does not go with a grid, which trains every point once; drop {key}"
            yield Problem(("search", key), message)
    if (count := space.grid_size()) > MANY:
        yield Problem(
            ("search", "method"),
            f"the grid has {_counted(count)} points, and {MANY:,} are the most; write a smaller "
            "`num:` or a larger `step:`, or another method, which takes a number of trials",
        )
        return
    for name, node in space.parameters():
        try:
            next(iter(node.points(name)))
        except UserError as error:
            yield Problem(("search", "method"), str(error))


def _counted(count: int) -> str:
    return f"{count:,}" if count < COUNTED else f"more than {COUNTED:g}"


def num_problems(method: str, space: Space) -> Iterator[Problem]:
    """Ranges of more points than a method that is no grid can choose from."""
    for name, node in space.parameters():
        if isinstance(node, Range) and (node.num or 0) > MAX_VALUES and method != "grid":
            text = (
                f"{name}: num: {node.num:,} is more than the {MAX_VALUES:,} values that {method} "
            )
            text += "can choose from; leave it out to search the whole range"
            yield Problem(("search", "method"), text)


def model_problems(method: str, arms: Sequence[Arm]) -> Iterator[Problem]:
    """An arm of whose open values the method's model can choose none."""
    for arm in arms:
        left = not_modelled(method, arm.space)
        several = [name for name, node in arm.space.parameters() if node.size() > 1]
        if left and left == several:
            of = f" of {arm.name}" if arm.name else ""
            yield Problem(
                ("search", "method"),
                f"{method} has nothing to choose{of}: its model is of {SAMPLERS[method].models}, "
                f"and searched is {', '.join(left)}; write tpe, or random",
            )


def size_problems(root: Group, factors: Sequence[str]) -> Iterator[Problem]:
    """Spaces that are too large to be looked through."""
    if (count := variant_count(root)) > MAX_VARIANTS:
        yield Problem(
            (),
            f"its alternatives and values make {count:,} configurations to check, and "
            f"{MAX_VARIANTS:,} are the most; list fewer",
        )
    if (arms := arm_count(root, factors)) > MAX_ARMS:
        text = f"makes {arms:,} arms, and {MAX_ARMS} are the most; list fewer alternatives"
        yield Problem(("compare", "factor"), text)


def training_problems(spec: Spec) -> Iterator[Problem]:
    """Studies of more trainings than anybody waits for."""
    searches = spec.repeats * len(spec.arms)
    grid = spec.space.grid_size() * spec.repeats if spec.sampler.name == "grid" else 0
    trials = (spec.trials or 0) * searches + grid
    fresh = searches * spec.design.top * confirm_seeds(spec) if spec.confirm is not None else 0
    for key, count in (("search", trials), ("confirm", fresh)):
        if count > MANY:
            text = f"asks for {count:,} trainings, and {MANY:,} are the most; ask for fewer"
            yield Problem((key,), text)


def split_problems(chosen: Sequence[Part]) -> Iterator[Problem]:
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
    if len({part.parameters.get(LOADER_WORKERS) for part in chosen}) > 1:
        yield Problem(("data", LOADER_WORKERS), SAME)


def fixed_problems(root: Group, factors: Sequence[str] = ()) -> Iterator[Problem]:
    """What every trial must share so that trials can be compared; how they are trained may be what
    is compared."""
    fixed = ("objective", "trainer.threads", "trainer.accelerator", f"data.{LOADER_WORKERS}")
    for key in (*fixed, *(f"trainer.{name}" for name in LATER)):
        node = find(root, key)
        if node is None or not Space(Group({key: node})).parameters():
            continue
        text = SAME
        if key not in fixed:
            if key in factors:
                continue
            text += f", unless it is compared: write compare: {{factor: {key}}}"
        yield Problem(tuple(key.split(".")), text)


def validation_problems(root: Group) -> Iterator[Problem]:
    """Numbers of epochs, among those that are searched, after which there would be no
    validation."""
    epochs, every = find(root, "trainer.epochs"), find(root, "trainer.val_every")
    if not isinstance(every, Fixed | Choice):
        return
    if isinstance(epochs, Range):
        epochs = epochs.listed()
    if isinstance(epochs, Choice):
        pairs = product(_integers(epochs), _integers(every))
        wrong = [not_a_multiple(number, stretch) for number, stretch in pairs if number % stretch]
        yield from (Problem(("trainer", "epochs"), text) for text in wrong[:1])
    elif isinstance(epochs, Range):
        step = math.lcm(*_integers(every))
        if epochs.low % step or (epochs.step or 1) % step:
            text = (
                f"every value must be a multiple of trainer.val_every ({step}); write {{min: "
                f"{step}, max: {max(2, int(epochs.high) // step) * step}, step: {step}}}"
            )
            yield Problem(("trainer", "epochs"), text)


def _integers(node: Fixed | Choice) -> Sequence[int]:
    values = [node.value] if isinstance(node, Fixed) else node.values
    return [each for each in values if isinstance(each, int) and each > 0]
