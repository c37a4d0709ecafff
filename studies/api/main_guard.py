"""Scripts without `if __name__ == "__main__":`, which worker processes would run once more."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import FrameType

from lightning_modules.errors import UserError

ADVICE = (
    "worker processes import this script, and would run it again; put the call below `if __name__ "
    '== "__main__":`, or train in this process with engine="inline"'
)


def require_main_guard() -> None:
    """Raise UserError where a script calls fairtune outside of its main guard.

    A process that starts workers is looked at before it does; a worker that imports such a script
    gets here as well.
    """
    if _module_frame("__mp_main__") is not None:
        raise UserError(f"fairtune.run was called while a worker process was started: {ADVICE}")
    main = getattr(sys.modules["__main__"], "__file__", None)
    if main is not None and not Path(main).is_file():
        raise UserError(
            f"worker processes import the main script, and {main} is no file: save it to one, or "
            'train in this process with engine="inline"'
        )
    frame = _module_frame("__main__")
    if frame is None:
        return
    path = Path(frame.f_code.co_filename)
    if not path.is_file():
        return  # a notebook, or typed in: workers import nothing of it
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    if not _is_guarded(tree, frame.f_lineno):
        raise UserError(f"{path.name}:{frame.f_lineno}: {ADVICE}")


def _module_frame(name: str) -> FrameType | None:
    """The frame in which the module of that name itself runs, if it is what called."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == name:
            return frame
        frame = frame.f_back
    return None


def _is_guarded(tree: ast.Module, line: int) -> bool:
    """Whether a line of a module runs only where the module is the main one."""
    for statement in tree.body:
        if statement.lineno <= line <= (statement.end_lineno or line):
            return any("__name__" in ast.dump(test) for test in _conditions(statement))
    return False


def _conditions(statement: ast.stmt) -> list[ast.expr]:
    """What decides whether the rest of a statement runs."""
    if isinstance(statement, ast.If):
        return [statement.test]
    value = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(value, ast.IfExp):
        return [value.test]
    return [value.values[0]] if isinstance(value, ast.BoolOp) else []
