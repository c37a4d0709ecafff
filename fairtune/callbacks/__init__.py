"""Ready callbacks that tell fairtune every epoch of a training, and end it where they are told to.

Each takes the `report` of a trial function; without it, it reports as a program does. A script that
runs by itself trains as if they were not there. The libraries are imported when they are used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
