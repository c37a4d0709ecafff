"""The wheel works outside of the checkout: the command, the presets, the schema."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from studies.study_file.presets import find_preset, preset_names
from tests.support.checkout import ROOT

pytestmark = pytest.mark.slow

CHECKOUT = ROOT


@dataclass(frozen=True)
class Installed:
    """The wheel in a folder of its own; what it needs comes from this environment."""

    folder: Path
    elsewhere: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        path = [str(self.folder / "bin"), os.environ["PATH"]]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PATH": os.pathsep.join(path),
        }
        return subprocess.run(
            command,
            cwd=self.elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    wheels, folder, elsewhere = map(tmp_path_factory.mktemp, ("wheels", "installed", "elsewhere"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", wheels, CHECKOUT], check=True)
    (wheel,) = wheels.iterdir()
    assert wheel.name.startswith("fairtune-") and wheel.name.endswith("-py3-none-any.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder, wheel], check=True)
    return Installed(folder, elsewhere)


def test_the_wheel_holds_its_packages_and_no_test(installed: Installed) -> None:
    folders = {path.name for path in installed.folder.iterdir() if path.is_dir()} - {"bin"}
    packages = {name for name in folders if not name.endswith(".dist-info")}
    assert packages == {"fairtune", "lightning_modules", "studies", "dashboard"}
    for package in packages:
        assert (installed.folder / package / "py.typed").exists()
    presets = {
        path.stem for path in (installed.folder / "studies/study_file/presets").glob("*.yaml")
    }
    assert presets == set(preset_names())


def test_what_runs_is_the_wheel_and_not_the_checkout(installed: Installed) -> None:
    code = "import studies, lightning_modules; print(studies.__file__, lightning_modules.__file__)"
    ran = installed.run(sys.executable, "-c", code)
    assert ran.stdout.split() == [
        str(installed.folder / package / "__init__.py")
        for package in ("studies", "lightning_modules")
    ]


def test_the_command_answers(installed: Installed) -> None:
    ran = installed.run("fairtune", "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Tune neural networks" in ran.stdout


def test_presets_are_listed_copied_and_read(installed: Installed) -> None:
    listed = installed.run("fairtune", "init", "--list")
    assert all(name in listed.stdout for name in preset_names())
    assert installed.run("fairtune", "init", "quickstart").returncode == 0
    copied = installed.elsewhere / "quickstart.yaml"
    assert copied.read_text() == find_preset("quickstart").read_text()
    wrong = installed.run("fairtune", "check", "quickstart", "--set", "trainer.epochs=0")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert (
        wrong.stderr
        == "fairtune: --set: trainer.epochs: must be an integer >= 1 and <= 1000000, got 0\n"
    )


def test_a_home_without_studies_is_said_and_not_made(installed: Installed) -> None:
    ran = installed.run("fairtune", "status", "--home", "nowhere")
    assert ran.returncode == 2
    assert not (installed.elsewhere / "nowhere").exists()
