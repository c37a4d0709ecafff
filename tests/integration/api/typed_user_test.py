"""A script of a user who types everything."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "examples" / "strict_user.py"


def run(*command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FAIRTUNE_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_mypy_accepts_it_and_sees_what_is_wrong_with_a_call(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import fairtune\nfairtune.run('a.yaml', workers='two')\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(SCRIPT), str(wrong)],
        cwd=ROOT,  # what is known of the packages from the last check is used again
        capture_output=True,
        text=True,
    )
    assert done.stdout.count(": error:") == 1, done.stdout
    assert "wrong.py:2: error" in done.stdout and 'incompatible type "str"' in done.stdout


def test_it_runs(tmp_path: Path) -> None:
    done = run(str(SCRIPT), folder=tmp_path)
    assert done.stdout.startswith("best rate "), done.stderr
