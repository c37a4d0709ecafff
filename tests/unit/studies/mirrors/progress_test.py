"""How a mirror says that it comes along while it sends a large file."""

import time
from contextlib import closing
from pathlib import Path

from studies.home import Home
from studies.mirrors.progress import Progress
from studies.records.deliveries import Deliveries, MirrorStatus, statuses, store_name

PATIENCE = 60.0
"""Seconds after which something that has to happen is missed."""


def test_a_file_that_is_read_on_and_on_counts_as_progress(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.create("made")
    file = tmp_path / "large.pt"
    file.write_bytes(b"x" * 2**20)
    with closing(Deliveries.open(home, "made")) as deliveries:
        progress = Progress(deliveries, store_name(home.mlflow_uri, home), MirrorStatus("mlflow"))
        give_up = time.monotonic() + PATIENCE
        with progress.moving():
            while progress.status.steps < 2 and time.monotonic() < give_up:
                file.read_bytes()
        assert progress.status.steps >= 2
        assert statuses(home, "made")["mlflow"].steps >= 1
