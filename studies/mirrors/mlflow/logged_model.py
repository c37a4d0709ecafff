"""The study's best network as an MLflow model that loads in any process with fairtune installed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from lightning_modules.data.padding import PADDED
from lightning_modules.data.readers.tokens import UNITS
from lightning_modules.data.table import DATASETS
from studies.mirrors.mlflow.client import (
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    MlflowClient,
    Model,
    Run,
)

NAME = "best"
"""The name of the logged model in the run of its study."""
SERVED = Path(__file__).with_name("served.py")
PACKAGES = ("fairtune", "torch", "torchvision", "pytorch-lightning", "numpy")
BERT = ("transformers", "tokenizers", "safetensors")
"""Also needed where the network is `bert`."""
TOKENIZER = ("tokenizers",)
"""Also needed where the tokenizer is one of the user's."""


def prefetch() -> None:
    """Load what `log_model` needs."""
    import mlflow.pyfunc  # noqa: F401
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    # MLflow looks through all that is installed, once in a process
    warn_dependency_requirement_mismatches(requirements({}))


def log_model(client: MlflowClient, run: Run, checkpoint: Path) -> str:
    """Log a checkpoint as the model of its run, once: one that a process has left unfinished is
    gone on with. Torch is not imported.

    The input example is the array that was written beside the checkpoint.
    """
    run_id = run.info.run_id
    found = _find(client, run)
    if found is not None and found.status == LoggedModelStatus.READY:
        return str(found.model_id)
    logged_data = run.data.params
    data = DATASETS.get(logged_data.get("data.name", ""))
    kind = {"kind": logged_data["data.kind"]} if "data.kind" in logged_data else {}
    padded = data is not None and data.kind_of(kind) in PADDED
    logged = found or client.create_logged_model(
        run.info.experiment_id, name=NAME, source_run_id=run_id, params=run.data.params
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            model = Model(run_id=run_id, model_id=logged.model_id)
            _save(path, checkpoint, model, padded, requirements(run.data.params))
            for copied in path.rglob("*.py"):  # with the rights that they have where fairtune is
                shutil.copymode(path / "MLmodel", copied)
            client.log_model_artifacts(logged.model_id, str(path))
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    held = run.outputs.model_outputs if run.outputs is not None else []
    if logged.model_id not in [each.model_id for each in held]:
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.finalize_logged_model(logged.model_id, "READY")  # last: such a one is whole
    return str(logged.model_id)


def _find(client: MlflowClient, run: Run) -> LoggedModel | None:
    """The model of a run, the one that is whole before others."""
    query = f"source_run_id = '{run.info.run_id}' AND name = '{NAME}'"
    found: list[LoggedModel] = client.search_logged_models([run.info.experiment_id], query)
    whole = [each for each in found if each.status == LoggedModelStatus.READY]
    return next(iter([*whole, *found]), None)


def _save(
    path: Path, checkpoint: Path, model: Model, padded: bool, required: Sequence[str]
) -> None:
    """Rows of `padded` inputs may have any number of steps. MLflow would refuse all but one type
    where other inputs were in the signature: the model itself looks at what it is given."""
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model
    from mlflow.types import Schema, TensorSpec

    example = np.load(checkpoint.with_suffix(".npy"), allow_pickle=False)
    steps = Schema([TensorSpec(example.dtype, (-1, -1, *example.shape[2:]))])
    save_model(
        path=path,
        python_model=SERVED,
        artifacts={"checkpoint": str(checkpoint)},
        mlflow_model=model,
        pip_requirements=list(required),
        signature=ModelSignature(
            inputs=steps if padded else None,
            outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, -1))]),
        ),
        input_example=example,
    )


def requirements(params: Mapping[str, str]) -> list[str]:
    """The packages that the model of a run with these parameters needs, as pip reads them."""
    names = [*PACKAGES]
    if params.get("model.name") == "bert":
        names += BERT
    elif params.get("data.tokenizer", "words") not in UNITS:
        names += TOKENIZER
    return [f"{name}=={version(name)}" for name in names]
