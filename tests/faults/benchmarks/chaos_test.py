"""A little chaos (row 25); `python benchmarks/chaos.py --minutes 20` is the whole of it."""

import json
import subprocess
import sys

import pytest

from tests.support.checkout import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("engine", "blows"), [("local", 3), ("ray", 2)])
def test_random_blows_leave_all_invariants(engine: str, blows: int) -> None:
    argv = [sys.executable, "benchmarks/chaos.py", "--blows", str(blows), "--seed", "8"]
    argv += ["--largest", "6", "--engine", engine]
    root = ROOT
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(told["blows"].values()) == blows
    assert told["checks"] >= 1 and sum(told["trials"].values()) >= 6
