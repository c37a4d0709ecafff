"""Classes and functions of the user's: imported only where the operator allows their module.

Importing a module runs its code, and a path to one may stand in a file or a database that others
can write. So nothing is imported but what was allowed on the command line or in the environment.
This file does not import torch; the user's modules may.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from lightning_modules.components import suggestion
from lightning_modules.configuration.user_classes import user_class
from lightning_modules.errors import UserCodeError, UserError

ALLOW = "FAIRTUNE_ALLOW"
"""The environment variable that names allowed modules, separated by commas."""
NOTHING: Mapping[str, Any] = {}
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

Target = Callable[..., Any]
"""A class, or a function that makes an object."""


def allowed() -> tuple[str, ...]:
    """The modules that may be imported, each with everything below it."""
    names = os.environ.get(ALLOW, "").split(",")
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def allow(modules: Iterable[str]) -> None:
    """Allow more modules to this process and to those that it starts; UserError for no name."""
    new = tuple(modules)
    for name in new:
        if not MODULE.fullmatch(name):
            text = "is no module; write --allow package or --allow package.module"
            raise UserError(f"--allow {name}: {text}")
    if new:
        os.environ[ALLOW] = ",".join(dict.fromkeys([*allowed(), *new]))


def is_allowed(module: str) -> bool:
    """Whether that module, or a package that it belongs to, is allowed."""
    return any(module == name or module.startswith(f"{name}.") for name in allowed())


def require_allowed(path: str) -> None:
    """Raise UserCodeError where the module of `package.module:Class` is not allowed."""
    module = path.partition(":")[0]
    top = module.partition(".")[0]
    if not is_allowed(module):
        raise UserCodeError(
            f"{path}: importing {module} runs its code, which nobody has allowed; "
            f"add --allow {top}, or set {ALLOW}={top}"
        )


def load(path: str) -> Target:
    """The class or function called `package.module:Name`.

    Raises UserCodeError where it is not allowed, does not exist, or where its module cannot be
    imported.
    """
    require_allowed(path)
    name = path.partition(":")[2]
    module = _module(path)
    if not hasattr(module, name):
        near = suggestion(name, [each for each in vars(module) if not each.startswith("_")])
        raise UserCodeError(f"{path}: {module.__name__} has no {name}{near}")
    target = getattr(module, name)
    if not callable(target):
        raise UserCodeError(f"{path}: is neither a class nor a function")
    return target  # type: ignore[no-any-return]


def sources(path: str, folder: Path = Path()) -> list[Path]:
    """What a folder has of the package, or the one module, of `package.module:Name`."""
    top = path.partition(":")[0].partition(".")[0]
    here = folder.absolute()
    spec = PathFinder.find_spec(top, [str(here)])  # of a top-level name, which imports nothing
    if spec is None:
        return []
    found = [Path(place) for place in spec.submodule_search_locations or ()]
    files = [file for folder in found for file in sorted(folder.rglob("*.py"))]
    if not found and spec.origin is not None:
        files = [Path(spec.origin)]
    return [folder / file.relative_to(here) for file in files]


def make(
    path: str,
    parameters: Mapping[str, Any],
    offered: Mapping[str, Any] = NOTHING,
    first: Sequence[Any] = (),
) -> Any:
    """What the class or function at `path` gives, called with the `first` values and what `built`
    makes of its parameters.

    Raises UserCodeError where it raises.
    """
    target = load(path)
    given = {name: built(value, offered) for name, value in parameters.items()}
    try:
        return target(*first, **given)
    except (MemoryError, RuntimeError):  # it may be the machine's fault: torch raises the latter
        raise
    except Exception as error:
        raise UserCodeError(f"{path}: making it raised {error_summary(error)}") from error


def built(value: Any, offered: Mapping[str, Any] = NOTHING) -> Any:
    """A value in which every `{class: package.module:Name, parameters}`, however deep it stands, is
    the object that it makes.

    A class that needs a parameter among the `offered`, and is not given it, gets it. Raises
    UserCodeError where a class is not allowed, cannot be imported, or raises.
    """
    if (found := user_class(value)) is not None:
        target = load(found.path)
        more = {
            name: each
            for name, each in offered.items()
            if name not in found.parameters and needs(target, name)
        }
        return make(found.path, {**found.parameters, **more}, offered)
    if isinstance(value, Mapping):
        return {name: built(each, offered) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(built(each, offered) for each in value)
    return value


def _module(path: str) -> ModuleType:
    name = path.partition(":")[0]
    if not any(isinstance(finder, _CurrentFolder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _CurrentFolder())
    os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras reads it when it is imported
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if name == missing or name.startswith(f"{missing}."):
            where = "in the current folder or among the installed packages"
            raise UserCodeError(f"{path}: there is no module {missing} {where}") from None
        here = PathFinder.find_spec(missing.partition(".")[0], [os.getcwd()]) is not None
        hint = f"; it is in the current folder: add --allow {missing}" if here else ""
        text = f"{path}: {name} needs a module {missing} that is missing{hint}"
        raise UserCodeError(text) from error
    except (Exception, SystemExit) as error:
        raise UserCodeError(f"{path}: importing {name} raised {error_summary(error)}") from error


def error_summary(error: BaseException) -> str:
    """An exception by its name and the first line of its text."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}".rstrip(": ")


def place_of(error: BaseException) -> str:
    """The last line of the user's own code that an exception came through, as ` (file, line 3)`;
    empty where it came through none."""
    tops = {name.partition(".")[0] for name in allowed()}
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__")).partition(".")[0] in tops:
            found = f" ({Path(frame.f_code.co_filename).name}, line {line})"
    return found


class _CurrentFolder(MetaPathFinder):
    """Finds allowed modules in the current folder, and no others there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        tops = {name.partition(".")[0] for name in allowed()}
        if path is not None or fullname not in tops:
            return None
        return PathFinder.find_spec(fullname, [os.getcwd()])


def takes(target: Target, name: str) -> bool:
    """Whether it has a parameter of that name (`**anything` does not count)."""
    return name in _parameters(target)


def takes_float(target: Target, name: str) -> bool:
    """Whether its parameter of that name is annotated as float, alone or with others that are no
    int, or has a float for a default, or floats in a list."""
    parameter = _parameters(target).get(name)
    if parameter is None:
        return False
    annotated = parameter.annotation
    text = annotated.__name__ if isinstance(annotated, type) else str(annotated)
    words = set(re.findall(r"\w+", text))
    default = parameter.default
    defaults = default if isinstance(default, list | tuple) else [default]
    is_float = any(isinstance(each, float) for each in defaults)
    return ("float" in words and "int" not in words) or is_float


def positional(target: Target) -> list[str]:
    """The names of those parameters that can be given by their order."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in _signature(target) if each.kind in kinds]


def defaults(target: Target) -> dict[str, Any]:
    """The defaults of those parameters that have one."""
    found = _parameters(target).items()
    empty = inspect.Parameter.empty
    return {name: each.default for name, each in found if each.default is not empty}


def needs(target: Target, name: str) -> bool:
    """Whether it has a parameter of that name without a default."""
    parameter = _parameters(target).get(name)
    return parameter is not None and parameter.default is inspect.Parameter.empty


def misfits(
    path: str, target: Target, given: Iterable[str], offered: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """Every (parameter, what is wrong) of a call with `given`; `offered` are added where taken."""
    parameters, given = _parameters(target), list(given)
    kinds = {parameter.kind for parameter in _signature(target)}
    for name in given:
        if name not in parameters and inspect.Parameter.VAR_KEYWORD not in kinds:
            known = ", ".join(parameters) or "no parameters"
            hint = suggestion(name, parameters) or f"; it takes {known}"
            yield name, f"{path} takes no such parameter{hint}"
    for name in parameters:
        if needs(target, name) and name not in given and name not in offered:
            yield name, f"is missing: {path} needs it"


def _parameters(target: Target) -> dict[str, inspect.Parameter]:
    """The parameters that can be given by name."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {each.name: each for each in _signature(target) if each.kind in named}


def _signature(target: Target) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):  # written in C: only calling it tells
        return [inspect.Parameter("anything", inspect.Parameter.VAR_KEYWORD)]
