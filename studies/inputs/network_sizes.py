"""Networks that no memory holds: their weights are counted before any of them is made."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lightning_modules.configuration import Configuration
from lightning_modules.data.readers.memory import SHARE, free_memory, spelled
from lightning_modules.errors import DataError, Problem
from lightning_modules.networks import NETWORKS
from studies.study_file import Spec
from studies.study_file.space.variants import Keys, largest, variants

BYTES = 16
"""Of memory for a weight: itself, its gradient, and the two moments of Adam."""
ACTIVATIONS = 3 * 4 * 8
"""Bytes of memory for a pixel: three float32, and what the first layers make of them."""
FEW = 100
"""Rows that any data set has; a batch may be larger than the data."""
SURELY_SMALL = 10**8
"""Weights up to which torch, which takes seconds to import, is not asked for the number."""


def network_problems(spec: Spec) -> Iterator[Problem]:
    """The networks of the space, each at its largest, whose training does not fit in memory.

    Networks of the user's and pretrained ones have the size that their code or file says.
    """
    free = free_memory()
    for variant in variants(largest(spec.space.root)):
        configuration = Configuration.of(variant.value)
        row = NETWORKS.get(configuration.model.name)
        side = configuration.model.parameters.get("image_size")
        if row is not None and isinstance(side, int):
            needed = _rows_of_a_step(configuration) * ACTIVATIONS * side**2
            if needed > SHARE * free:
                text = f"with {_rows_of_a_step(configuration):,} images a step would take about "
                text += f"{spelled(needed)} of memory, and {spelled(free)} are free here; write a "
                text += "smaller image_size or data.batch_size"
                yield Problem(variant.origin(("model", "image_size")), text)
        if row is None or "weights" in row.parameters or _most(configuration) <= SURELY_SMALL:
            continue
        count = _count(configuration)
        if count * BYTES > SHARE * free:
            weights = f"{count:,.0f}" if count < math.inf else "more than 2^63"
            yield Problem(
                variant.origin(_where(configuration)),
                f"makes {configuration.model.name} a network of {weights} weights, and half of the "
                f"{spelled(free)} that are free here hold {SHARE * free / BYTES:,.0f} with what "
                "their training needs; write smaller numbers",
            )


def _rows_of_a_step(configuration: Configuration) -> int:
    """The images of a step; of a part that is learned as a whole, a few."""
    size = configuration.data.parameters.get("batch_size")
    return min(size, FEW) if isinstance(size, int) else FEW


def _numbers(configuration: Configuration) -> dict[Keys, list[int]]:
    """The integers of every parameter that may make a network large, by its path."""
    sections = {"model": configuration.model, "data": configuration.data}
    paths = {
        (section, name): value
        for section, part in sections.items()
        for name, value in part.parameters.items()
        if section == "model" or name == "embedding_size"
    }
    lists = {path: value if isinstance(value, list) else [value] for path, value in paths.items()}
    return {
        path: [each for each in values if isinstance(each, int) and not isinstance(each, bool)]
        for path, values in lists.items()
    }


def _most(configuration: Configuration) -> float:
    """More weights than there are between the layers, by the parameters alone."""
    found = _numbers(configuration).values()
    widths = sum(each**2 for values in found if len(values) > 1 for each in values)
    return max(1, widths) * math.prod(
        max(1, values[0]) ** 2 for values in found if len(values) == 1
    )


def _where(configuration: Configuration) -> Keys:
    """The parameter with the largest number."""
    found = {path: max(values) for path, values in _numbers(configuration).items() if values}
    return max(found, key=lambda path: found[path])


def _count(configuration: Configuration) -> float:
    """The weights of the network, none of which is made; infinite where torch cannot count them."""
    import torch

    from lightning_modules.training.building import build_data, build_network
    from lightning_modules.training.data_description import describe

    described = describe(build_data(configuration), configuration)
    try:
        with torch.device("meta"):
            module = build_network(configuration, described, None)
    except DataError:
        raise
    except (RuntimeError, TypeError, OverflowError):  # what torch says of sizes beyond 2^63
        return math.inf
    return sum(each.numel() for each in module.parameters())
