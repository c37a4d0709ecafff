"""The figures of a report: curve records in, SVG text out. All arithmetic is in `curves`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
