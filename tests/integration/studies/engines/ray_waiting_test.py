"""A worker that finds no place on a Ray cluster holds up nobody, and begins once there is room."""

import os
import re
import sys
from contextlib import closing, nullcontext

import pytest

from studies.engines.ray.engine import RayEngine
from studies.engines.ray.messages import Wanted
from studies.engines.ray.terms import Terms, versions_here
from tests.support.drivers import until
from tests.support.ray_cluster import ray_cluster

pytestmark = pytest.mark.slow
LACKS = (
    r" ha(s|ve) no place in the Ray cluster: each needs 1 CPU, and its nodes have 3 CPUs, which is "
    r"room for 3$"
)


def test_a_worker_without_a_place_is_named_with_what_it_lacks_and_begins_once_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ray_cluster(2, 1) as cluster:
        wanted = Wanted(cluster.address, "", 4, None, 1, 1, "cpu", patience=0.0)
        terms = Terms(versions_here(), search_path=[os.path.abspath(each) for each in sys.path])
        engine = RayEngine(wanted, len, (), lambda: nullcontext(terms))  # type: ignore[arg-type]
        with closing(engine):
            engine.start()
            until(lambda: not engine.events(0.1) and engine.free == 3 and caplog.messages)
            assert all(re.search(LACKS, each) for each in caplog.messages)
            cluster.add(1)
            until(lambda: not engine.events(0.1) and engine.free == 4)
        cluster.is_left_alone()
