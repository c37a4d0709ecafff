"""Nodes of a Ray cluster that do not share the home of the driver, and nodes that may not take
part."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import fairtune
from lightning_modules.configuration import Configuration
from studies.api.training_place import Asked, training_place
from studies.engines import Ended, Epoch, Event, Task
from studies.engines.ray.engine import RayEngine
from studies.engines.ray.joining import terms_of
from studies.engines.ray.messages import Wanted
from studies.engines.ray.terms import Terms
from studies.home import Home
from studies.records import Outcome, RecordReader, TrialEnd
from studies.running.display import Display
from studies.running.run_study import run_study
from studies.search import AskedTrial
from studies.study_file import Spec, document, resolve
from tests.conftest import WriteModule
from tests.support import far_trainings
from tests.support.far_node import far_node
from tests.support.far_trainings import content, digest
from tests.support.ray_cluster import RayCluster, ray_cluster
from tests.support.sameness import numbers_of

pytestmark = pytest.mark.slow

SECONDS = 120.0
"""After which something that has to happen is missed."""
LOGS = """
from tests.support.own_code import LIGHTNING
exec(LIGHTNING)

class Logs(Module):
    def on_validation_epoch_end(self):
        if not self.trainer.sanity_checking:
            self.logger.experiment.add_text("note", f"epoch {self.current_epoch}")
"""
PROGRAM = """
import json
print(json.dumps({"epoch": 1, "metrics": {"val/loss": 1.0}}), flush=True)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """A head that trains nothing; every test adds its nodes."""
    with ray_cluster() as cluster:
        yield cluster


def left(home: Home, study: str) -> set[str]:
    """The files of a study's trials, in its home."""
    folder = home.study(study)
    parts = ("checkpoints", "continuations", "logged")
    files = [path for part in parts for path in (folder / part).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix() for path in files}


def soon(happens: Callable[[], bool]) -> None:
    """Wait until something happens that has to."""
    end = time.monotonic() + SECONDS
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def scratches() -> set[Path]:
    """What nodes on this machine keep for trials."""
    return {path for path in Path("/tmp").glob("fairtune-ray-*") if path.is_dir()}


def spec_of(text: str) -> Spec:
    return resolve(document.parse(text, "study.yaml"))


class Far:
    """An engine with a worker on a node without the home, and the tasks of a study in it."""

    def __init__(self, engine: RayEngine, home: Home) -> None:
        self.engine = engine
        self.home = home

    def task(self, trial: str, **more: str) -> Task:
        study = "far"
        return Task(
            trial,
            Configuration.resolve({"data": "digits", "model": "mlp"}),
            0,
            str(self.home.checkpoint(study, trial)),
            str(self.home.continuation(study, trial)),
            str(self.home.logged(study, trial)),
            **more,  # type: ignore[arg-type]
        )

    def next(self) -> Event:
        end = time.monotonic() + SECONDS
        while not (events := self.engine.events(1.0)):
            assert time.monotonic() < end
        (event,) = events
        return event

    def submit(self, task: Task) -> Event:
        """Submit a task as soon as the worker is free; the first that it says."""
        end = time.monotonic() + SECONDS
        while not self.engine.free:
            assert self.engine.events(1.0) == [] and time.monotonic() < end
        self.engine.submit(task)
        return self.next()


def test_all_that_a_trial_writes_comes_home_whatever_becomes_of_it(
    cluster: RayCluster, tmp_path: Path
) -> None:
    home, known = Home.at(tmp_path / "home"), scratches()
    home.create("far")

    @contextmanager
    def terms() -> Iterator[Terms]:  # of a node that has another home: this takes no rights
        with terms_of(spec_of("study: far\nmodel: mlp\ndata: iris\n"), home) as here:
            yield replace(here, mark="of another home")

    wanted = Wanted(cluster.address, "", 1, 1, None, 1, "cpu")
    engine = RayEngine(wanted, far_trainings.perform, (), terms)
    start = tmp_path / "start.pt"
    start.write_bytes(content("s"))
    with far_node(cluster.address), closing(engine):
        engine.start()
        far = Far(engine, home)
        whole = far.task("whole", weights=str(start))
        last = Path(str(whole.continuation)) / "last"
        event = far.submit(whole)
        assert event == Epoch("whole", 1, {"found": 0.0, "weights": digest(start)})
        assert last.read_bytes() == content("a")  # it is at home before anybody hears of it
        engine.proceed("whole")
        soon(lambda: last.read_bytes()[:1] == b"b")  # in the midst of an epoch
        assert last.read_bytes() == content("b")
        interrupted = TrialEnd(Outcome.interrupted)
        engine.kill("whole", interrupted)
        assert far.next() == Ended("whole", interrupted)
        event = far.submit(whole)
        assert event == Epoch("whole", 2, {"found": digest(last), "weights": digest(start)})
        engine.proceed("whole")
        event = far.next()
        assert isinstance(event, Ended) and event.end.outcome == Outcome.completed
        assert Path(str(whole.checkpoint)).read_bytes() == content("w")
        ends = []
        for trial in ("fails", "pruned", "hangs"):
            assert isinstance(far.submit(far.task(trial)), Epoch)
            if trial == "pruned":
                engine.stop(trial)
            else:
                engine.proceed(trial)
            if trial == "hangs":
                engine.kill(trial, TrialEnd(Outcome.timeout))
            event = far.next()
            assert isinstance(event, Ended)
            ends.append(event.end.outcome)
        assert ends == [Outcome.error, Outcome.pruned, Outcome.timeout]
        soon(lambda: engine.events(0.1) == [] and engine.free == 1)  # all has been heard
    assert left(home, "far") == {
        "checkpoints/whole.pt",
        "checkpoints/whole.npy",
        *(f"{part}/{trial}/{file}" for trial in ("whole", "fails", "pruned", "hangs")
          for part, file in (("continuations", "last"), ("logged", "log"))),
    }  # fmt: skip
    cluster.is_left_alone()
    soon(lambda: scratches() <= known)


class StopAt(Display):
    """Asks for a stop after the second epoch."""

    asked = False

    def epoch(self, asked: AskedTrial, epoch: int, value: float) -> None:
        self.asked = self.asked or epoch == 2


def test_a_trial_that_was_interrupted_on_a_node_with_a_disk_of_its_own_continues_here(
    cluster: RayCluster, write_module: WriteModule, own_folder: Path
) -> None:
    name = write_module("far_nets", LOGS)
    spec = spec_of(
        f"study: far\nmodel: {{class: '{name}:Logs', lr: 0.1}}\ndata: {{class: '{name}:Rows'}}\n"
        "objective: {metric: val_loss, goal: minimize}\n"
        "trainer: {epochs: 4}\nsearch: {method: random, trials: 1}\n"
    )
    there, here, display = Home.at(own_folder / "there"), Home.at(own_folder / "here"), StopAt()
    with far_node(cluster.address, there.path):
        engine = training_place(spec, there, Asked("ray", 1, address=cluster.address)).engine
        stopping = lambda: display.asked  # noqa: E731
        run_study(spec, there, workers=1, engine=engine, display=display, stopping=stopping)
        cluster.is_left_alone()
    files = left(there, "far")
    assert any(re.fullmatch(r"continuations/[^/]+/last\.pt", file) for file in files), files
    assert any(file.startswith("logged/") for file in files), files
    assert not any(file.startswith("checkpoints/") for file in files), files
    for home in (there, here):
        run_study(spec, home, workers=1, display=Display())
    assert numbers_of(there, "far") == numbers_of(here, "far")
    assert left(there, "far") == left(here, "far")
    with RecordReader.open(there, "far") as record:
        assert [len(record.epochs(trial.id)) for trial in record.trials()] == [4]


def test_nodes_with_other_versions_or_files_are_named_once_and_the_others_train(
    cluster: RayCluster, own_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (own_folder / "code").mkdir()
    program = own_folder / "code" / "train.py"
    program.write_text(PROGRAM)
    for package in ("torch", "numpy"):
        told = own_folder / "packages" / f"{package}-9.9.9.dist-info" / "METADATA"
        told.parent.mkdir(parents=True)
        told.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 9.9.9\n")
    tree = {
        "study": "joining",
        "model": {
            "command": [sys.executable, "code/train.py", "{model.x}"],
            "x": {"values": [1, 2, 3, 4]},
        },
        "objective": {"metric": "val/loss", "goal": "minimize"},
        "trainer": {"epochs": 1},
        "search": {"method": "grid"},
    }
    path = f"{own_folder / 'packages'}:{Path(far_trainings.__file__).parents[2]}"
    with (
        far_node(cluster.address, variables={"PYTHONPATH": path}),
        far_node(cluster.address, own_folder / "code"),
        far_node(cluster.address),
    ):
        study = fairtune.run(
            tree, home=own_folder / "home", progress=False,
            engine="ray", address=cluster.address, workers=3,
        )  # fmt: skip
    assert study.finished and set(study.trials["outcome"]) == {"completed"}
    versions, files = sorted(each for each in caplog.messages if "cannot take part" in each)[::-1]
    assert re.search(r"it has torch 9\.9\.9, the driver \S+; it has numpy 9\.9\.9, the", versions)
    assert f"code/train.py ({program}) is not there" in files
