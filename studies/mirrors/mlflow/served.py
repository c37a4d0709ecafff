"""The network of a logged model. MLflow runs this file wherever such a model is loaded.

It is also run where the model is logged, so torch is imported only when a checkpoint is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule


class Network(PythonModel):
    """Answers with class probabilities, with values for regression, and with the bare outputs of a
    module of the user's where only the user's own code knows the task."""

    module: LightningModule
    task: str

    def load_context(self, context: PythonModelContext) -> None:
        """Read the checkpoint."""
        from lightning_modules.serving import Configuration, read_checkpoint, restore

        path = Path(context.artifacts["checkpoint"])
        self.module = restore(path)
        self.task = Configuration.resolve(read_checkpoint(path)["configuration"]).task

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Inputs of shape (rows, *input shape) to answers of shape (rows, outputs).

        Series are padded with NaN, texts with token 0.
        """
        import torch

        from lightning_modules.serving import answered, parted

        padded = getattr(self.module, "reads_lengths", False)
        inputs = parted(model_input) if padded else (torch.from_numpy(model_input),)
        with torch.inference_mode():
            answers: np.ndarray = answered(self.module, self.task, *inputs).numpy()
        return answers


set_model(Network())
