"""The names of searches and trials: in the record, in Optuna and in MLflow alike."""

from __future__ import annotations


def search_name(study: str, arm: str, repeat: int = 1) -> str:
    """The Optuna study of a search; no name of an arm has a slash and a number at its end."""
    if repeat > 1:
        return f"{study}/{arm}/r{repeat}"
    return f"{study}/{arm}" if arm else study


def fresh_name(study: str, phase: str = "confirm") -> str:
    """The Optuna study of the fresh runs of a phase; no study name can hold a colon."""
    return f"{study}:{phase}"


def is_of_study(name: str, study: str) -> bool:
    """Whether an Optuna study of this name holds a search or the fresh runs of a study."""
    return name == study or name.startswith((f"{study}/", f"{study}:"))


def trial_key(arm: str, number: int, repeat: int = 1, phase: str = "search") -> str:
    """The name of a trial in MLflow and on the screen: `adam-r2-0007`, `adam-confirm-0003`."""
    parts = [arm] if arm else ["trial"] * (phase == "search")
    if repeat > 1:
        parts.append(f"r{repeat}")
    if phase != "search":
        parts.append(phase)
    return "-".join([*parts, f"{number:04d}"])
