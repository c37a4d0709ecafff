"""Whether the files of a logged model are what fairtune writes: MLflow runs what they name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

CODE = "served.py"
KNOWN_CODE = (
    "3d65fc8deffc416a7bb54e6a590a4897c2c904756cc7096aa526b2096798e1de",
    "ac061c8a9a615cc99e70d544e1f02c0eb092f8226fb27205c7ab832b2abc62c3",
    "3a290a11ecd7aedf0402d026665c6889856f303acbeacf963299184fbee23d00",  # 0.1
)
"""SHA-256 of the code that fairtune has put into models, that of this version first."""
LOADER = "mlflow.pyfunc.loaders.code_model"
CONFIGURATION = "MLmodel"
REQUIREMENTS = "requirements.txt"
FILES = {CONFIGURATION, CODE, REQUIREMENTS, "conda.yaml", "python_env.yaml", "input_example.json",
         "serving_input_example.json", "registered_model_meta"}  # fmt: skip
"""What fairtune writes, and what MLflow adds where a registered model was loaded: its name."""
CHECKPOINTS = "artifacts"
SETTINGS = {"artifacts", "cloudpickle_version", "code", "env", "loader_module", "model_code_path",
            "python_version", "streamable"}  # fmt: skip
"""What the MLmodel of a model of fairtune's says of how it is loaded."""
PACKAGE = re.compile(
    r"(mlflow|fairtune|torch|torchvision|pytorch-lightning|numpy|transformers|tokenizers|"
    r"safetensors|python|pip|setuptools|wheel)(\s*(==|<=|=)\s*[\w.+!-]+)?"
)


def foreign_part(folder: Path, checkpoint: str) -> str:
    """What a model has that fairtune has not written; empty where it is nothing.

    Args:
        folder: The files of the model.
        checkpoint: The SHA-256 of the weights that it is to have.
    """
    return next(_foreign_parts(folder, checkpoint), "")


def sha256(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _foreign_parts(folder: Path, checkpoint: str) -> Iterator[str]:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    weights = {name for name in files - FILES if re.fullmatch(rf"{CHECKPOINTS}/[^/]+\.pt", name)}
    for name in sorted(files - FILES - weights):
        yield f"it has {name}"
    for name in sorted({CONFIGURATION, CODE, REQUIREMENTS} - files):
        yield f"it has no {name}"
    if len(weights) != 1:
        yield f"it has {len(weights)} checkpoints"
    if sha256(folder / CODE) not in KNOWN_CODE:
        yield f"its {CODE} is another one"
    if sha256(folder / next(iter(weights))) != checkpoint:
        yield "its checkpoint is not that of the trial"
    try:
        yield from _foreign_settings(_yaml(folder / CONFIGURATION), next(iter(weights)))
        yield from _foreign_packages(folder)
    except (YAMLError, ValueError, AttributeError, TypeError, KeyError, RecursionError):
        yield f"its {CONFIGURATION} or its lists of packages cannot be read"


def _foreign_settings(said: Mapping[str, Any], weights: str) -> Iterator[str]:
    """What MLmodel says other than that our code reads our checkpoint."""
    if said["flavors"].keys() != {"python_function"}:
        yield f"its {CONFIGURATION} has other flavors"
    loading = said["flavors"]["python_function"]
    for name in sorted(loading.keys() - SETTINGS):
        yield f"its {CONFIGURATION} sets {name}"
    artifacts = loading["artifacts"]
    if loading["loader_module"] != LOADER:
        yield f"its loader is {loading['loader_module']}"
    if Path(loading["model_code_path"]).name != CODE or loading.get("code") is not None:
        yield f"its {CONFIGURATION} names other code"
    if artifacts.keys() != {"checkpoint"} or artifacts["checkpoint"]["path"] != weights:
        yield f"its {CONFIGURATION} names other weights"
    if loading.get("env") != {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}:
        yield f"its {CONFIGURATION} names another environment"


def _foreign_packages(folder: Path) -> Iterator[str]:
    """Packages of its environment, which MLflow may install, that no model of fairtune's needs."""
    named = (folder / REQUIREMENTS).read_text(encoding="utf-8").split("\n")
    if (folder / "conda.yaml").exists():
        conda = _yaml(folder / "conda.yaml")
        if set(conda) - {"name", "channels", "dependencies"} or conda["channels"] != [
            "conda-forge"
        ]:
            yield "its conda.yaml has other channels"
        for each in conda["dependencies"]:
            named += each["pip"] if isinstance(each, Mapping) else [each]
    if (folder / "python_env.yaml").exists():
        python = _yaml(folder / "python_env.yaml")
        if python["dependencies"] != [f"-r {REQUIREMENTS}"]:
            yield "its python_env.yaml names other packages"
        named += python["build_dependencies"]
    for each in named:
        if each and not PACKAGE.fullmatch(each):
            yield f"it needs {each[:100]!r}"


def _yaml(path: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(path))
