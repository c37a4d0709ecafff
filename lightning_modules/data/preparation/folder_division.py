"""How images are divided whose folders may say the part that they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lightning_modules.data.preparation.splitting import Division, divide_rows, held_out
from lightning_modules.errors import DataError


def divide_folders(
    root: Path,
    said: Sequence[str],
    classes: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
    stratify: bool,
) -> Division:
    """The rows of the parts: those with a folder of their own, as `said`, the others divided by
    `shares`. Raises DataError where a class has too few images."""
    there = set(said)
    needed = 4 - len(there)
    if stratify:
        counts = Counter(name for name, part in zip(classes, said, strict=True) if part == "train")
        rare = min(counts, key=lambda name: counts[name])
        if counts[rare] < needed:
            images = "1 image" if counts[rare] == 1 else f"{counts[rare]} images"
            parts = {2: "two", 3: "three"}[needed]
            raise DataError(
                f"{root}: class {rare!r} has {images}, and {parts} parts need one each; add "
                "images, leave the class out with rare_classes: drop, or write stratify: false"
            )
    if len(there) == 1:
        strata = classes if stratify else None
        return divide_rows(
            len(said),
            validation=shares["validation"],
            test=shares["test"],
            split_seed=seed,
            where=str(root),
            classes=strata,
        )
    if len(there) == 2:
        [missing] = {"validation", "test"} - there
        rows = np.array([row for row, part in enumerate(said) if part == "train"])
        strata = np.array(classes)[rows] if stratify else None
        said = list(said)
        for row in held_out(rows, shares[missing], seed, strata, f"{root}: data.{missing}"):
            said[row] = missing
    return divide_rows(
        len(said),
        validation=shares["validation"],
        test=shares["test"],
        split_seed=seed,
        where=str(root),
        said=said,
    )
