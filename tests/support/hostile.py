"""A folder whose files are called as modules are, and leave a marker where they are imported."""

from pathlib import Path

NAMES = (
    *("json", "logging", "pickle", "random", "selectors", "signal", "socket", "struct", "types"),
    *("sitecustomize", "usercustomize", "yaml", "numpy", "pandas", "psutil", "sqlalchemy"),
    *("optuna", "torch", "pytorch_lightning", "mlflow", "alembic", "flask", "fastapi", "uvicorn"),
    *("starlette", "streamlit", "dashboard", "lightning_modules", "studies"),
)
TEXT = """
open(__file__ + ".marker", "w").close()
raise RuntimeError(f"{__name__} of the current folder was imported")
"""


def fill_with_hostile_files(folder: Path) -> None:
    """Make the folder."""
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(TEXT)


def markers(folder: Path) -> set[str]:
    """Which of its files were imported."""
    return {path.name for path in folder.glob("*.marker")}
