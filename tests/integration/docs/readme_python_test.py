"""The README's scripts that import fairtune, run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = [
    block
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    if "import fairtune" in block
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("FAIRTUNE_HOME", raising=False)  # the home is made beside the script
    path = tmp_path / "script.py"
    path.write_text(script)
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout and (tmp_path / "mlruns").is_dir()


def test_there_are_two_such_scripts() -> None:
    assert len(SCRIPTS) == 2
