"""A node of a Ray cluster that does not share folders or packages with its driver, for tests."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

NOTHING: Mapping[str, str] = {}


@contextmanager
def far_node(
    head: str, *hidden: Path, cpus: int = 1, variables: Mapping[str, str] = NOTHING
) -> Iterator[str]:
    """A node at whose place of the hidden folders are empty ones; its id.

    Skipped where a folder cannot be hidden, which takes the rights to mount.
    """
    for folder in hidden:
        folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.ray_node", head, str(cpus), *map(str, hidden)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env={**os.environ, **variables},
        ) as process,
    ):
        assert process.stdout is not None and process.stdin is not None
        if not (node := process.stdout.readline().strip()):
            said.seek(0)
            why = said.read().strip().splitlines()[-1:]
            if hidden and (os.environ.get("CI") != "true" or os.geteuid()):
                pytest.skip(f"no node can have a disk of its own here: {why}")
            pytest.fail(f"the node did not start: {why}")
        yield node
        process.stdin.close()
