"""A fork server that ends at its start ends the study with the reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.accounts import FAIRTUNE

ENDED = "the process that starts them has ended; what was printed above says why"


@pytest.mark.parametrize(
    ("installed", "reason"),
    [
        ("raise RuntimeError('a broken library')", "RuntimeError: a broken library"),
        ("raise ImportError('half a library')", "ImportError: half a library"),
        ("import os; os._exit(3)", ENDED),
        ("import os; os.kill(os.getpid(), 9)", ENDED),
    ],
    ids=["raises", "cannot be imported", "exits", "is killed"],
)
def test_a_library_that_only_workers_need_and_that_is_broken(
    installed: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "pytorch_lightning.py").write_text(installed)
    done = subprocess.run(
        [FAIRTUNE, "run", "quickstart", "--home", str(tmp_path / "home"), "--workers", "2"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
    )
    last = done.stderr.splitlines()[-1]
    assert last == f"fairtune: no worker process can be started: {reason}"
    assert done.returncode == 1
