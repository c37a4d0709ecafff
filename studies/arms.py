"""Arms: the alternatives of the factor, each with its own search space and an equal budget."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from studies.space import Alternatives, Choice, Fixed, Group, Node, Space
from studies.spec import Spec, find


@dataclass(frozen=True)
class Arm:
    """One alternative of the factor; `name` is empty where nothing is compared."""

    name: str
    space: Space
    levels: tuple[str, ...] = ()
    """The alternative of each factor."""


def arms(spec: Spec) -> list[Arm]:
    """The arms of a study, in the order of the file; two factors make the product."""
    options = [list(_options(spec.space.root, factor)) for factor in spec.factors]
    made = []
    for combination in itertools.product(*options):
        root = spec.space.root
        for factor, (_, node) in zip(spec.factors, combination, strict=True):
            root = _placed(root, factor.split("."), node)
        levels = tuple(label for label, _ in combination)
        made.append(Arm(" × ".join(levels), Space(root), levels))
    return made


def _options(root: Group, factor: str) -> Iterator[tuple[str, Node]]:
    node = find(root, factor)
    if isinstance(node, Alternatives):
        yield from node.options.items()
    elif isinstance(node, Choice):
        for value, label in zip(node.values, node.labels(), strict=True):
            yield str(label), Fixed(value)


def _placed(group: Group, path: list[str], node: Node) -> Group:
    """The group with `node` at `path`."""
    key, *rest = path
    if rest:
        child = group.children[key]
        assert isinstance(child, Group)
        node = _placed(child, rest, node)
    return replace(group, children={**group.children, key: node})
