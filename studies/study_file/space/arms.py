"""Arms: the alternatives of the factor, each with its own search space and an equal budget."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studies.study_file.space.open_values import Choice, Fixed, Node
from studies.study_file.space.search_space import Alternatives, Group, Space
from studies.study_file.space.tree import find, placed

MAX_ARMS = 200
"""Every pair of which is compared."""
READS_LIKE_ANOTHER = re.compile(r"([-/]r\d+)?(-confirm|-cross)?")
"""What is added to the name of an arm to name its repeats and its fresh runs."""


@dataclass(frozen=True)
class Arm:
    """One alternative of the factor; `name` is empty where nothing is compared."""

    name: str
    space: Space
    levels: tuple[str, ...] = ()
    """The alternative of each factor."""


def alternatives(space: Group, factors: Sequence[str]) -> list[Arm]:
    """The arms of a space by the factors under comparison; one without a name where there are
    none."""
    options = [list(_options(space, factor)) for factor in factors]
    made = []
    for combination in itertools.product(*options):
        root: Node = space
        for factor, (_, node) in zip(factors, combination, strict=True):
            root = placed(root, factor.split("."), node)
        assert isinstance(root, Group)
        levels = tuple(label for label, _ in combination)
        made.append(Arm(" × ".join(levels), Space(root), levels))
    return made


def arm_count(space: Group, factors: Sequence[str]) -> int:
    """How many arms `alternatives` gives; none of them is made."""
    return math.prod(sum(1 for _ in _options(space, factor)) for factor in factors)


def confusable(names: Sequence[str]) -> tuple[str, str] | None:
    """Two arms of which one is called what a repeat or a fresh run of the other is called."""
    for name, other in itertools.permutations(names, 2):
        if name.startswith(other) and READS_LIKE_ANOTHER.fullmatch(name.removeprefix(other)):
            return name, other
    return None


def _options(root: Group, factor: str) -> Iterator[tuple[str, Node]]:
    node = find(root, factor)
    if isinstance(node, Alternatives):
        yield from node.options.items()
    elif isinstance(node, Choice):
        for value, label in zip(node.values, node.labels(), strict=True):
            yield str(label), Fixed(value)
