"""The YAML that a person writes, and what it means: spaces, arms, budgets, splits, samplers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
