"""What a fork server imports once for all of its workers; the driver never imports it."""

import atexit
import os

from studies.engines import process_group
from studies.engines.fork_server import last_words
from studies.records.garbage_collection import freeze_after_import

# the imports outlast a driver that is killed at its start
with process_group.end_with_driver(), last_words(), freeze_after_import():
    import sklearn.datasets
    import sklearn.model_selection  # noqa: F401

    import lightning_modules.data.sets.bundled
    import lightning_modules.training.train  # noqa: F401

# The fork server holds nothing but modules, and taking torch apart keeps the driver's caller
# waiting for a second.
atexit.register(os._exit, 0)
