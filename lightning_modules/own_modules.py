"""Where models that were logged by fairtune 0.1 find what they stand on: see `serving`."""

from lightning_modules.serving import answered

__all__ = ["answered"]
