"""What we start imports nothing of the current folder, where a file may be called as a module is:
`random.py`, `yaml.py`.

It is an environment variable that says so to a process, and to all that this starts. Whoever runs
code of the user's gives it back first: that finds its neighbours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SAFE_PATH = "PYTHONSAFEPATH"
OURS = "FAIRTUNE_SAFE_PATH"
"""Says that the user has not set the other one."""


def with_safe_path(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process of ours."""
    ours = {} if environment.get(SAFE_PATH) else {OURS: "1"}
    return {**environment, SAFE_PATH: "1", **ours}


@contextmanager
def safe_path(**more: str) -> Iterator[None]:
    """While a process of ours is started by what takes no environment; it has `more` variables."""
    given = {**with_safe_path(os.environ), **more}
    before = {name: os.environ.get(name) for name in (SAFE_PATH, OURS, *more)}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def give_back_safe_path() -> None:
    """Before code of the user's runs in this process: what it starts is the user's, too."""
    if os.environ.pop(OURS, None):
        os.environ.pop(SAFE_PATH, None)
