"""Augmentation: training rows are changed at random, anew in every epoch.

A study file maps names to parameters (`data.augment: {horizontal_flip: 0.5}`); a bare value is the
row's first parameter. `build(**parameters)` gives a function of a training batch and the
`DataStatistics` of its data to the changed batch: (inputs (n, ...), [lengths (n,),] targets).
Batches are copies of the data, so a function may change them in place. Random numbers come from
torch's global generator.
Rows are applied in the order of the table; of those that mix rows, one is drawn for every batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lightning_modules.components import (
    Component,
    ComponentsParameter,
    Items,
    Number,
    Parameter,
    switched_on,
)
from lightning_modules.components.reference import later
from lightning_modules.data.augmentation.data_statistics import DataStatistics

if TYPE_CHECKING:
    from torch import Tensor

    Batch = tuple[Tensor, ...]
    Change = Callable[[Batch], Batch]


@dataclass(frozen=True)
class Augmentation(Component):
    """A row of the augmentation table."""

    kinds: tuple[str, ...] = ()
    """The kinds of data that it can change."""
    mixes: bool = False
    """Whether it mixes rows, so that targets of classes become shares (n, classes)."""


_IMAGES = "lightning_modules.data.augmentation.image_changes"
_SEQUENCES = "lightning_modules.data.augmentation.sequence_changes"


def _chance(default: float) -> Number:
    return Number(default, "probability of each image", low=0, high=1, tune=(0.0, 1.0))


def _strength(default: float, what: str) -> Number:
    return Number(default, f"{what} times 1 minus to 1 plus this", low=0, high=1, tune=(0.0, 0.5))


def _alpha(default: float) -> Number:
    return Number(
        default, "both parameters of the Beta distribution of the share", low=0, open="low",
        tune=(0.1, 1.0),
    )  # fmt: skip


def _pair(default: tuple[float, float], summary: str, high: float) -> Items:
    item = Number(1.0, summary, low=0, high=high, open="low")
    return Items(list(default), summary, item=item, length=2, increasing=True)


_OVER_TIME = ("signal", "sequence")

AUGMENTATIONS: dict[str, Augmentation] = {
    "horizontal_flip": Augmentation(
        "left becomes right",
        later(f"{_IMAGES}:flip", axis=3),
        {"p": _chance(0.5)},
        kinds=("image",),
    ),
    "vertical_flip": Augmentation(
        "top becomes bottom",
        later(f"{_IMAGES}:flip", axis=2),
        {"p": _chance(0.5)},
        kinds=("image",),
    ),
    "crop": Augmentation(
        "a piece of the old size, at a random place of the image with a black border",
        later(f"{_IMAGES}:crop"),
        {"padding": Number(4, "pixels of the border", low=0, high=1000, integer=True, tune=(1, 8))},
        source="He 2016, arXiv:1512.03385",
        kinds=("image",),
    ),
    "rotation": Augmentation(
        "turned about its centre, black where nothing is known",
        later(f"{_IMAGES}:rotation"),
        {"degrees": Number(15.0, "at most, either way", low=0, high=180, tune=(0.0, 45.0))},
        kinds=("image",),
    ),
    "color_jitter": Augmentation(
        "other brightness, contrast, saturation and hue",
        later(f"{_IMAGES}:color_jitter"),
        {
            "brightness": _strength(0.2, "brightness"),
            "contrast": _strength(0.2, "contrast"),
            "saturation": _strength(0.0, "saturation (of colour images)"),
            "hue": Number(
                0.0, "shift at most (of colour images)", low=0, high=0.5, tune=(0.0, 0.1)
            ),
        },
        kinds=("image",),
    ),
    "rand_augment": Augmentation(
        "`num_ops` of 14 random changes in a row, all of one magnitude",
        later(f"{_IMAGES}:in_bytes", "RandAugment"),
        {
            "num_ops": Number(
                2, "changes of each image", low=1, high=100, integer=True, tune=(1, 3)
            ),
            "magnitude": Number(9, "of 0 to 30", low=0, high=30, integer=True, tune=(3, 15)),
        },
        source="Cubuk 2020, arXiv:1909.13719",
        kinds=("image",),
    ),
    "trivial_augment": Augmentation(
        "one random change of random magnitude",
        later(f"{_IMAGES}:in_bytes", "TrivialAugmentWide"),
        {
            "num_magnitude_bins": Number(
                31, "magnitudes to draw from", low=2, high=1000, integer=True
            )
        },
        source="Mueller and Hutter 2021, arXiv:2103.10158",
        kinds=("image",),
    ),
    "random_erasing": Augmentation(
        "a random rectangle becomes the mean colour (black where inputs are not standardized)",
        later(f"{_IMAGES}:erasing"),
        {
            "p": _chance(0.25),
            "scale": _pair((0.02, 0.33), "share of the image, from and to", 1.0),
            "ratio": _pair((0.3, 3.3), "width by height, from and to", 100.0),
        },
        source="Zhong 2020, arXiv:1708.04896",
        kinds=("image",),
    ),
    "mixup": Augmentation(
        "every image becomes the weighted sum of two, and its target too",
        later(f"{_IMAGES}:mixing", "MixUp"),
        {"alpha": _alpha(0.2)},
        source="Zhang 2018, arXiv:1710.09412",
        kinds=("image",),
        mixes=True,
    ),
    "cutmix": Augmentation(
        "a rectangle comes from another image, and that share of the target too",
        later(f"{_IMAGES}:mixing", "CutMix"),
        {"alpha": _alpha(1.0)},
        source="Yun 2019, arXiv:1905.04899",
        kinds=("image",),
        mixes=True,
    ),
    "window": Augmentation(
        "a window of the steps at a random place; of a signal stretched to the old length",
        later(f"{_SEQUENCES}:window"),
        {"share": Number(0.9, "of the steps, kept", low=0, high=1, open="low", tune=(0.5, 1.0))},
        source="Le Guennec 2016, hal-01357973",
        kinds=_OVER_TIME,
    ),
    "time_mask": Augmentation(
        "a stretch of steps becomes 0, the mean of standardized channels",
        later(f"{_SEQUENCES}:time_mask"),
        {"share": Number(0.1, "of the steps, at most", low=0, high=1, tune=(0.0, 0.3))},
        source="Park 2019, arXiv:1904.08779",
        kinds=_OVER_TIME,
    ),
    "scaling": Augmentation(
        "every channel times a factor about 1",
        later(f"{_SEQUENCES}:scaling"),
        {"sigma": Number(0.1, "deviation of the factor", low=0, tune=(0.0, 0.5))},
        source="Um 2017, arXiv:1706.00527",
        kinds=_OVER_TIME,
    ),
    "jitter": Augmentation(
        "noise on every value",
        later(f"{_SEQUENCES}:jitter"),
        {"sigma": Number(0.05, "deviation of the noise", low=0, tune=(0.0, 0.3))},
        source="Um 2017, arXiv:1706.00527",
        kinds=_OVER_TIME,
    ),
}

RECOLOURING = ("color_jitter", "rand_augment", "trivial_augment")
"""Those that change colours: of images with one channel or three, and no value below 0."""


def build_augmentation(given: Mapping[str, Any], facts: DataStatistics) -> Change | None:
    """One change of all that are given, or None where nothing is."""
    on = switched_on(AUGMENTATIONS, given)
    each: list[Callable[[Batch, DataStatistics], Batch]] = []
    mixing: list[Callable[[Batch, DataStatistics], Batch]] = []
    for name, row in AUGMENTATIONS.items():
        if name in on:
            built = row.build(**{**row.defaults(), **on[name]})
            (mixing if row.mixes else each).append(built)
    if not each and not mixing:
        return None

    def change(batch: Batch) -> Batch:
        import torch

        for one in each:
            batch = one(batch, facts)
        if mixing:
            drawn = int(torch.randint(len(mixing), ())) if len(mixing) > 1 else 0
            batch = mixing[drawn](batch, facts)
        return batch

    return change


AUGMENT: dict[str, Parameter] = {
    "augment": ComponentsParameter(
        None,
        "random changes of the training part, {name: {parameters}, ...}",
        table=AUGMENTATIONS,
        what="augmentation",
    )
}
"""The parameter of a data set whose rows can be changed."""
