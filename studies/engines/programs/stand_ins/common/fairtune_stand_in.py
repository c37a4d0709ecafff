"""What the stand-ins for wandb, mlflow and trackio share. Nothing of it needs another package: the
program that imports it may run in an environment of its own."""

import contextlib
import functools
import importlib.abc
import importlib.machinery
import json
import numbers
import os
import sys
import types


def write(metrics, step=None):
    """Hand over what is a number, of nested dictionaries by names with dots."""
    found = dict(_numbers("", metrics))
    if found:
        _say({"metrics": found, "step": _number(step), "read": []})


def tell_read(names):
    """Say which of the study's values the program has read."""
    _say({"metrics": {}, "step": None, "read": list(names)})


def _say(said):
    file = os.environ.get("FAIRTUNE_LOGGED")
    if file:
        with open(file, "ab", buffering=0) as opened:  # at once, whoever else writes
            opened.write((json.dumps(said) + "\n").encode())


@functools.cache
def given():
    """The values that the study gives this trial, the whole path of each name of one, and a folder
    for what the trial writes."""
    file = os.environ.get("FAIRTUNE_CONFIG")
    if not file:
        return {"values": {}, "paths": {}, "folder": ""}
    with open(file, encoding="utf-8") as opened:
        return json.load(opened)


def _numbers(prefix, metrics):
    for name, value in metrics.items():
        if isinstance(value, dict):
            yield from _numbers(f"{prefix}{name}.", value)
        elif (number := _number(value)) is not None:
            yield f"{prefix}{name}", number


def _number(value):
    """A number of Python, numpy or torch; None for everything else that is logged."""
    with contextlib.suppress(AttributeError, TypeError, ValueError, RuntimeError):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    return float(value)


def _is_decorator(args, named):
    """Whether a function is all that something is called with."""
    return len(args) == 1 and not named and isinstance(args[0], types.FunctionType)


class _AnyClass(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything


class Anything(metaclass=_AnyClass):
    """Takes whatever is done with it, and does nothing."""

    def __new__(cls, *args, **named):
        if cls is Anything and _is_decorator(args, named):
            return args[0]  # which stays as it is
        return super().__new__(cls)

    def __init__(self, *args, **named):
        pass

    def __call__(self, *args, **named):
        return args[0] if _is_decorator(args, named) else self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return None

    def __getitem__(self, key):
        return Anything()

    def __setitem__(self, key, value):
        pass

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __bool__(self):
        return True

    def __format__(self, form):
        return ""

    def __str__(self):
        return ""

    def __fspath__(self):
        return os.devnull


def any_attribute(name):
    """The `__getattr__` of a module that has everything."""
    if name.startswith("__"):
        raise AttributeError(name)
    return Anything


class Submodules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds every module below a package, which has what the package has: `from
    mlflow.tracking import MlflowClient`."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        if name.startswith(f"{self.package}."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        package = sys.modules[self.package]
        module.__getattr__ = lambda name: getattr(package, name)


def take_submodules(package):
    """Let every module below a package be found."""
    sys.meta_path.insert(0, Submodules(package))
