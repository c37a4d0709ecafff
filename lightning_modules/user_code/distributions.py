"""Lightning under its two names, `pytorch_lightning` and `lightning.pytorch`: the same code twice,
and a Trainer takes modules, data and callbacks of its own name only."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from types import ModuleType
from typing import TypeVar

import pytorch_lightning

NAMES = ("pytorch_lightning", "lightning.pytorch")
MODULE, DATA = "LightningModule", "LightningDataModule"

T = TypeVar("T")


def lightning_of(made: type, base: str) -> ModuleType | None:
    """The Lightning whose class `base` (MODULE or DATA) a class derives from; None where it derives
    from neither."""
    for each in made.__mro__:
        for name in NAMES:
            if each.__name__ == base and each.__module__.startswith(f"{name}."):
                return import_module(name)
    return None


def is_module(made: type) -> bool:
    """Whether a class is a LightningModule, of whichever name."""
    return lightning_of(made, MODULE) is not None


def is_data(made: type) -> bool:
    """Whether a class is a LightningDataModule, of whichever name."""
    return lightning_of(made, DATA) is not None


def trained_by(module: object) -> ModuleType:
    """The Lightning whose Trainer trains a module."""
    return lightning_of(type(module), MODULE) or pytorch_lightning


def taken_by(package: ModuleType, thing: T, base: str) -> T:
    """The same object, so that a Trainer of `package` takes it.

    Its class derives from the package's `base` as well, such as `callbacks.Checkpoint`. What
    the package's class does by itself is what the object's own one does already.
    """
    kind, right = type(thing), attrgetter(base)(package)
    if not issubclass(kind, right):
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        thing.__class__ = type(kind.__name__, (kind, right), names)
    return thing
