"""Study files that come with fairtune, each answering a question."""

from __future__ import annotations

from pathlib import Path

from lightning_modules.components import suggestion
from lightning_modules.errors import UserError

FOLDER = Path(__file__).parent


def preset_names() -> list[str]:
    """The names of all presets."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find_preset(name: str) -> Path:
    """The file of a preset; UserError where neither a file nor a preset has that name."""
    if name in preset_names():
        return FOLDER / f"{name}.yaml"
    hint = suggestion(name, preset_names()) or "; `fairtune init --list` shows the presets"
    raise UserError(f"{name}: no such file or preset{hint}")


def question(path: Path) -> str:
    """The comment at the head of a preset: what it answers."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    return " ".join(head)
