"""The notebooks of the examples, run in a kernel of their own."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[3] / "examples" / "notebooks"


@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_runs_from_its_first_cell_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parents[1]))
    monkeypatch.delenv("FAIRTUNE_HOME", raising=False)  # it is made beside the notebook
    book = nbformat.read(NOTEBOOKS / name, as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells)  # nothing stale is kept
    NotebookClient(book, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code if not cell.source.startswith(("import", "def")))
    assert "Traceback" not in str([cell.outputs for cell in code])


def test_there_are_three_notebooks() -> None:
    assert len(list(NOTEBOOKS.glob("*.ipynb"))) == 3
