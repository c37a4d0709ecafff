"""Scripts that call fairtune with and without a main guard."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CALL = "require_main_guard()"
IMPORT = "from studies.api.main_guard import require_main_guard\n"


def said(folder: Path, script: str) -> str:
    """The last line that a script says on standard error."""
    path = folder / "script.py"
    path.write_text(IMPORT + script)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, env=environment
    )
    return (done.stderr.strip().splitlines() or [""])[-1]


@pytest.mark.parametrize(
    "script",
    [
        f"if __name__ == '__main__':\n    {CALL}\n",
        f"if '__main__' == __name__:\n    for _ in range(1):\n        {CALL}\n",
        f"def main():\n    {CALL}\n\nif __name__ == '__main__':\n    main()\n",
        f"if __name__ == '__main__': {CALL}\n",
        f"{CALL} if __name__ == '__main__' else None\n",
        f"__name__ == '__main__' and {CALL}\n",
        "import multiprocessing\n"
        f"def child():\n    {CALL}\n\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=child)\n"
        "    process.start()\n    process.join()\n    assert process.exitcode == 0\n",
    ],
)
def test_a_guarded_script_may_start_workers(tmp_path: Path, script: str) -> None:
    assert said(tmp_path, script) == ""


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (f"{CALL}\n", 2),
        (f"def main():\n    {CALL}\n\nmain()\n", 5),
        (f"with open(__file__):\n    {CALL}\n", 3),
        (f"if __file__:\n    {CALL}\n", 3),
    ],
)
def test_a_script_without_a_guard_is_named_with_its_line(
    tmp_path: Path, script: str, line: int
) -> None:
    assert said(tmp_path, script) == (
        f"lightning_modules.errors.UserError: script.py:{line}: worker processes import this "
        'script, and would run it again; put the call below `if __name__ == "__main__":`, or train '
        'in this process with engine="inline"'
    )


def test_a_script_that_is_no_file_is_told_to_be_saved() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-"],
        input=f"import sys\n__file__ = '/nowhere/<stdin>'\n{IMPORT}{CALL}\n",
        capture_output=True,
        text=True,
        env=environment,
    )
    assert "worker processes import the main script, and /nowhere/<stdin> is no file" in done.stderr
