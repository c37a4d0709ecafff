"""The engine of Ray says soon that there is no cluster, in one sentence."""

import os
import socket
from contextlib import nullcontext
from importlib.util import find_spec

import pytest

from lightning_modules.errors import ClusterError
from studies.api.ray_cluster import INSTALL
from studies.engines.ray.engine import RayEngine
from studies.engines.ray.messages import Wanted
from studies.engines.ray.terms import Terms
from studies.engines.training import train_task


@pytest.mark.skipif(
    find_spec("ray") is None and os.environ.get("CI") != "true", reason=f"needs Ray: {INSTALL}"
)
def test_where_nothing_listens_the_client_says_so() -> None:
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        wanted = Wanted(address, "", 1, 1, None, 1, "cpu")
        engine = RayEngine(wanted, train_task, (), lambda: nullcontext(Terms({})))
        engine.start()
        try:
            with pytest.raises(ClusterError, match=f"nothing listens at {address}, where the head"):
                while True:
                    engine.events(None)
        finally:
            engine.close()
