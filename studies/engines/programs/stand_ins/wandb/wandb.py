"""A stand-in for wandb, which writes what is logged into a file of the trial's."""

from fairtune_stand_in import take_submodules
from fairtune_wandb import *  # noqa: F403
from fairtune_wandb import __getattr__  # noqa: F401

__path__ = []
__version__ = "0.99.0"
take_submodules(__name__)
