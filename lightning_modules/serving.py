"""What the code of a logged model stands on: it was copied when the model was logged, so that these
names stay where they are."""

from lightning_modules.configuration import Configuration
from lightning_modules.data.padding import parted
from lightning_modules.training.building import read_checkpoint, restore
from lightning_modules.training.served_rows import ServedRows
from lightning_modules.user_code.modules import answered

__all__ = ["Configuration", "ServedRows", "answered", "parted", "read_checkpoint", "restore"]
