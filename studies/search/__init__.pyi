from .trial_store import AskedTrial

__all__ = [
    "AskedTrial",
]
