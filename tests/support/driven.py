"""The command `fairtune` with workers of `tests.support.blows`: `driven.py PERFORM run ...`."""

import os
import sys

from studies.cli import main
from tests.support import blows

if __name__ == "__main__":
    import studies.engines.training
    import studies.running.run_study

    studies.running.run_study.train_task = getattr(blows, sys.argv[1])
    studies.engines.training.train_task = blows.There(os.environ[blows.FOLDER])  # on Ray
    sys.exit(main(sys.argv[2:]))
