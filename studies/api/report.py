"""The type of `report`, for users who type their functions."""

from studies.engines.report import Report

__all__ = ["Report"]
