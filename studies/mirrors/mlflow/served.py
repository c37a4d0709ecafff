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

    from lightning_modules.serving import ServedRows


class Network(PythonModel):
    """Answers with class probabilities, with values for regression, and with the bare outputs of a
    module of the user's where only the user's own code knows the task."""

    module: LightningModule
    rows: ServedRows

    def load_context(self, context: PythonModelContext) -> None:
        """Read the checkpoint."""
        from lightning_modules.serving import ServedRows, read_checkpoint, restore

        path = Path(context.artifacts["checkpoint"])
        self.module = restore(path)
        self.rows = ServedRows.of(read_checkpoint(path), self.module)

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # or a DataFrame: MLflow warns of a hint that says both
        params: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Rows to answers of shape (rows, outputs).

        Prepared rows are an array of shape (rows, *input shape); series are padded with NaN, texts
        with token 0. A DataFrame holds raw rows, as the files of the study.
        """
        import torch

        from lightning_modules.serving import answered

        inputs = self.rows.inputs(model_input)
        task = self.rows.configuration.task
        with torch.inference_mode():
            answers: np.ndarray = answered(self.module, task, *inputs).numpy()
        return answers


set_model(Network())
