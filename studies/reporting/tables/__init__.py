"""The tables of a report, as texts; the page and the Markdown show the same ones."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
