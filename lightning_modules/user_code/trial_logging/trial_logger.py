"""The logger of a LightningModule of the user's: what is given to it belongs to the trial.

Scalars become metrics of the epoch; figures, images, texts and tables become files of the trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger

from lightning_modules.user_code.trial_logging.experiment import Experiment
from lightning_modules.user_code.trial_logging.files import LoggedFiles
from lightning_modules.user_code.trial_logging.logged import Logged

CHECKPOINTS = "checkpoints-of-callbacks"
"""The folder, beside the trial's files, in which a ModelCheckpoint keeps its own."""


class TrialLogger(Logger):
    """What `self.logger` is; it takes the calls that the loggers of TensorBoard and W&B take."""

    def __init__(self, folder: Path) -> None:
        """`folder` is that of the trial's files."""
        super().__init__()
        self.logged = Logged(LoggedFiles(folder))
        self.hparams: dict[str, Any] = {}
        self._experiment = Experiment(self.logged)
        self._is_ignoring = False

    @property
    def name(self) -> str:
        return CHECKPOINTS

    @property
    def version(self) -> str:
        return "own"

    @property
    def save_dir(self) -> str:
        """The folder of the trial's files."""
        return self._experiment.log_dir

    @property
    def log_dir(self) -> str:
        """The same, as TensorBoard's logger calls it."""
        return self._experiment.log_dir

    @property
    def experiment(self) -> Experiment:
        """What stands for the writer, run or client of other loggers."""
        return self._experiment

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Take scalars; the last value of an epoch is its metric."""
        if not self._is_ignoring:
            self._experiment.log_metrics(metrics)

    def log_hyperparams(self, params: Any, metrics: Any = None, *_: Any, **__: Any) -> None:
        """Take hyperparameters; the trial's configuration is recorded already."""
        given = params if isinstance(params, Mapping) else vars(params) if params else {}
        self.hparams |= dict(given)
        if isinstance(metrics, Mapping):
            self.log_metrics(metrics)

    def log_image(self, key: str, images: Sequence[Any], step: int | None = None, **_: Any) -> None:
        """Take images, as W&B's logger does."""
        self.logged.images(key, images, step)

    def log_text(self, key: str, *args: Any, step: int | None = None, **more: Any) -> None:
        """Take a text, or rows of texts as W&B's logger does."""
        if len(args) == 1 and isinstance(args[0], str):
            self.logged.files.text(key, args[0], step)
        else:
            columns, data, frame = [*args, None, None, None][:3]
            self.log_table(key, **{"columns": columns, "data": data, "dataframe": frame, **more})

    def log_table(
        self,
        key: str,
        columns: Any = None,
        data: Any = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Take a table, as W&B's logger does."""
        self.logged.table(key, columns, data, dataframe, step)

    @contextmanager
    def ignoring(self) -> Iterator[None]:
        """Take no metrics meanwhile."""
        self._is_ignoring = True
        try:
            yield
        finally:
            self._is_ignoring = False

    def __getattr__(self, name: str) -> Any:
        """What other loggers have, such as `watch`, does nothing here."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._experiment, name)
