"""What a node does before it takes part: become like the driver, and compare files with it."""

from __future__ import annotations

import functools
import os
import secrets
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lightning_modules.errors import StorageError
from lightning_modules.networks.pretrained.weights import RUN
from lightning_modules.user_code import imports
from studies.engines.ray.terms import Terms, versions_here
from studies.home import Home
from studies.inputs.identities import identity, located_files
from studies.study_file import Spec

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that Ray sets; the number of threads is a part of what is trained."""
TOKEN = "RAY_AUTH_TOKEN"
"""The variable by which a raylet may have been given its token: who has that, runs code on every
node. The process of an actor has read it when it joins, and keeps it; its worker and programs are
not to see it."""
MARKER = "home-of-the-driver"
"""The name of the file, in the folder of a study, by which a node sees whose home it has."""


@contextmanager
def terms_of(spec: Spec, home: Home, trial: Callable[..., Any] | None = None) -> Iterator[Terms]:
    """The terms for nodes that train a study, with a function of the user's where there is one,
    while its folder is marked; StorageError where that cannot be done."""
    marker, mark = home.study(spec.study) / MARKER, secrets.token_hex(16)
    try:
        marker.unlink(missing_ok=True)
        marker.touch(0o600)
        marker.write_text(mark)
    except OSError as error:
        raise StorageError(f"{marker} cannot be written: {error.strerror or error}") from error
    names = (*THREADS, *(spec.env or ()))
    try:
        yield Terms(
            versions_here(),
            [
                (name, str(path.absolute()), identity(path))
                for name, path in (*located_files(spec, home), *modules(trial))
                if not name.startswith(RUN)  # weights of a trial, which are sent
            ],
            os.getcwd(),
            [os.path.abspath(each) for each in sys.path],
            str(marker),
            mark,
            {name: os.environ[name] for name in names if name in os.environ},
        )
    finally:
        marker.unlink(missing_ok=True)


def prepare_process(terms: Terms) -> None:
    """Let what is started here find what the driver would: folder, modules, variables."""
    with suppress(OSError):  # no such folder: what is read from it is looked for by its path
        os.chdir(terms.folder)
    sys.path += [each for each in terms.search_path if each not in sys.path]
    for name in (*THREADS, TOKEN):
        os.environ.pop(name, None)
    os.environ.update(terms.variables)
    # worker processes would import the script of the actor
    sys.modules["__main__"] = types.ModuleType("__main__")


def modules(function: Callable[..., Any] | None) -> Iterator[tuple[str, Path]]:
    """The files that a worker imports to have a function; none where it is sent by value."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__module__", None) or "__main__"
    file = getattr(sys.modules.get(name), "__file__", None)
    if name != "__main__" and file is not None:
        for path in imports.sources(name) or [Path(file)]:
            yield str(path), path


def shares_home(terms: Terms) -> bool:
    """Whether the home that the driver has is here under the same path, and can be written."""
    marker = Path(terms.marker)
    try:
        return marker.read_text() == terms.mark and os.access(marker.parent, os.W_OK)
    except OSError:
        return False


def file_differences(terms: Terms) -> list[str]:
    """The files of the driver that this machine has not, or has otherwise, in words."""
    found = []
    for name, path, asked in terms.files:
        where = name if name == path else f"{name} ({path})"
        try:
            here = identity(Path(path))
        except FileNotFoundError:
            found.append(f"{where} is not there")
        except OSError as error:
            found.append(f"{where} cannot be read there: {error.strerror or error}")
        else:
            if here != asked:
                found.append(f"{where} differs: it has {here}, the driver's {asked}")
    return found
