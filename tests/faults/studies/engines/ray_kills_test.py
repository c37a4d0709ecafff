"""On a Ray cluster, an actor, a worker, a node, the client and the head are killed (fault 30)."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studies.home import Home
from studies.records import RecordReader
from tests.conftest import MakeHome
from tests.support.drivers import Driver, Faulty
from tests.support.invariants import check_invariants
from tests.support.ray_cluster import RayCluster, ray_cluster
from tests.support.sameness import numbers_of

pytestmark = pytest.mark.slow
EPOCHS = [1, 2, 3, 4, 5]
AGAIN = [1, 2, 3, 3, 4, 5]
"""The epochs of a trial that was hit in the third."""
SIX = {"completed": 6}


@pytest.fixture
def cluster() -> Iterator[RayCluster]:
    """A head that trains nothing, and two nodes."""
    with ray_cluster(2, 1) as cluster:
        yield cluster


def attempts(home: Home) -> dict[str, int]:
    with RecordReader.open(home, "faulty") as record:
        return {trial.key: record.attempts(trial.id) for trial in record.trials()}


def test_actor_worker_and_node_are_killed_and_all_trials_come_to_the_same_numbers(
    faulty: Faulty, cluster: RayCluster, make_home: MakeHome, tmp_path: Path
) -> None:
    for trial in (0, 1, 2):
        faulty.hit(trial, 3, "stick once")
    for trial in (3, 4, 5):
        faulty.hit(trial, 1, "wait")
    with faulty.driver("--engine", "ray", "--address", cluster.address, workers=3) as driver:
        workers = {trial: faulty.reached(trial, 3) for trial in (0, 1, 2)}
        nodes = {trial: cluster.node_of(worker) for trial, worker in workers.items()}
        first, second = cluster.nodes
        one, other = (trial for trial in workers if nodes[trial] == first)
        (lone,) = (trial for trial in workers if nodes[trial] == second)

        (actor,) = (each for each in workers[one].parents() if "SlotActor" in each.name())
        actor.kill()
        driver.says(f"trial-{one:04d} crashed")
        assert psutil.wait_procs([workers[one]], timeout=10)[1] == []
        assert workers[other].is_running() and workers[lone].is_running()

        workers[other].kill()
        driver.says(f"trial-{other:04d} crashed (the worker process was killed by SIGKILL")
        assert workers[lone].is_running()

        cluster.remove(second)
        assert psutil.wait_procs([workers[lone]], timeout=10)[1] == []
        cluster.add(1)
        for trial in (3, 4, 5):  # at once: the slot of the lost node has a place again
            faulty.reached(trial, 1)
        for trial in (3, 4, 5):
            faulty.relieve(trial, 1)
        assert driver.ends() == 0, driver.said
        assert driver.told["trials"] == SIX
    for trial in range(6):
        assert faulty.epochs_of(trial) == (AGAIN if trial in workers else EPOCHS)
    cluster.is_left_alone()
    faulty.leaves_no_orphans()
    check_invariants(faulty.home, "faulty")
    tried = attempts(faulty.home)
    assert [tried[f"trial-{trial:04d}"] for trial in (one, other, lone)] == [2, 2, 1]

    undisturbed = Faulty(make_home(tmp_path / "undisturbed"), faulty.file, faulty.folder)
    undisturbed.runs_to_its_end()
    assert numbers_of(faulty.home, "faulty") == numbers_of(undisturbed.home, "faulty")


def ends_with_one_sentence(driver: Driver, sentence: str) -> None:
    """The end of a driver whose cluster is gone."""
    assert driver.ends() == 4, driver.said
    *_, last = driver.said.splitlines()
    assert last.startswith(f"fairtune: {sentence}")
    assert "what was trained is kept" in last
    assert "Traceback" not in driver.said


def test_client_and_head_are_killed_and_the_study_ends_on_this_machine(faulty: Faulty) -> None:
    with ray_cluster(2) as cluster:
        on_ray = ("--engine", "ray", "--address", cluster.address)
        faulty.hit(0, 3, "stick once"), faulty.hit(1, 3, "stick once")
        with faulty.driver(*on_ray) as driver:
            faulty.reached(0, 3), faulty.reached(1, 3)
            (client,) = (p for p in faulty.family() if "studies.engines.ray.client" in p.cmdline())
            client.kill()
            ends_with_one_sentence(driver, "the connection to Ray has ended")
        cluster.is_left_alone()
        faulty.leaves_no_orphans()
        assert not check_invariants(faulty.home, "faulty").finished

        faulty.hit(2, 1, "stick once"), faulty.hit(3, 1, "stick once")
        with faulty.driver(*on_ray) as driver:
            faulty.reached(2, 1), faulty.reached(3, 1)
            cluster.end_head()
            said = f"the head of the Ray cluster at {cluster.address} is gone"
            ends_with_one_sentence(driver, said)
        faulty.leaves_no_orphans()
    assert faulty.runs_to_its_end().told["trials"] == SIX
    assert faulty.epochs_of(0) == faulty.epochs_of(1) == AGAIN
    assert faulty.epochs_of(2) == faulty.epochs_of(3) == [1, *EPOCHS]
    check_invariants(faulty.home, "faulty")
