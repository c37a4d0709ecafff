"""Real studies hit by random blows at random moments, and all invariants checked after them.

Drivers, their workers and the processes of their mirrors are killed, stopped, interrupted; records
and databases are locked, servers restarted under them; trials raise, diverge and crash. The same
command is run again until its study has ended, then another study begins. The seed decides which
blows come in which order, after how many seconds, and which studies they hit. What must hold is in
`tests/support/invariants.py`; where it does not, the folder of the home is kept and named, and the
exit code is 1.

    python benchmarks/chaos.py --minutes 20 --seed 1
    python benchmarks/chaos.py --minutes 20 --seed 2 --postgres
    python benchmarks/chaos.py --minutes 10 --seed 1 --engine ray

With `--engine ray` the workers are on a cluster of a head and three nodes on this machine, which
are killed, stopped, terminated and added, too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.chaos_blows import Scene
from benchmarks.chaos_ray import RayScene
from benchmarks.chaos_ray_cluster import Cluster
from benchmarks.chaos_servers import servers
from benchmarks.machine import machine
from studies.home import Home
from tests.support.accounts import FAIRTUNE
from tests.support.drivers import Driver, Faulty
from tests.support.invariants import check_invariants, no_secret_is_written

PATIENCE = 300.0
"""Seconds after which a driver that nobody hits any more should have ended."""
LARGEST = 24
"""Trials of a study, or of an arm."""
SPOILED = 8
"""One trial in so many fails by itself."""
FAULTS = ("raise", "leak", "exit", "memory", "memory once", "segfault", "segfault once",
          "die once", "nan")  # fmt: skip

STUDY = """
study: {name}
data: {{name: digits, batch_size: 16}}
model: {{name: mlp, hidden: [{hidden}]}}
trainer: {{epochs: {epochs}}}
"""
SHAPES = {
    "grid": """
optimizer: {{name: adam, lr: {{values: [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]}}}}
regularization: {{dropout: {{values: [0.0, 0.1, 0.2]}}}}
search: {{method: grid, seed: {seed}, pruner: {{name: median, warmup: 1}}}}
""",
    "random": """
optimizer: {{name: adam, lr: {{min: 1e-4, max: 1e-1, log: true}}}}
search: {{method: random, seed: {seed}, trials: {trials}, pruner: {{name: median, warmup: 1}}}}
""",
    "tpe": """
optimizer: {{name: adam, lr: {{min: 1e-4, max: 1e-1, log: true}}}}
search: {{method: tpe, seed: {seed}, trials: {trials}, pruner: {{name: hyperband}}}}
confirm: {{top: 2, seeds: 2}}
""",
    "comparison": """
optimizer:
  - {{name: sgd, lr: {{min: 1e-3, max: 1.0, log: true}}}}
  - {{name: adam, lr: {{min: 1e-4, max: 1e-1, log: true}}}}
search: {{method: tpe, seed: {seed}, trials: {trials}, pruner: {{name: median, warmup: 1}}}}
compare: {{factor: optimizer, claim: configurations}}
confirm: {{top: 1, seeds: 4}}
""",
}


def write_study(faulty: Faulty, name: str, random: Random, largest: int) -> str:
    """Choose a study of a shape, and the trials of it that fail; the shape."""
    shape = random.choice(list(SHAPES))
    trials, epochs = random.randint(6, largest), random.randint(3, 8)
    values = {"name": name, "hidden": random.choice([16, 64]), "epochs": epochs}
    text = (STUDY + SHAPES[shape]).format(**values, trials=trials, seed=random.randrange(1000))
    faulty.write(text)
    for key in ("trial", "sgd", "adam", "confirm", "sgd-confirm"):
        for number in range(3, trials):
            fault, epoch = random.choice(FAULTS), random.randint(1, epochs)
            if random.randrange(SPOILED) == 0:
                step = ".2" if fault == "nan" else ""
                (faulty.folder / f"{key}-{number:04d}@{epoch}{step}").write_text(fault)
    return shape


@dataclass
class Chaos:
    """One home, and what was done to it."""

    folder: Path
    seed: int
    workers: int
    largest: int
    scene: Scene
    until: float
    """The time after which nothing is hit any more, on the monotonic clock."""
    most: int | None
    """So many blows are dealt at most."""
    did: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    killed: bool = False
    """Whether a driver was killed since the study was last put in order."""
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.home = Home.at(self.folder / "home")
        self.coming = self.scene.coming(self.seed)
        self.next = next(self.coming)

    @property
    def goes_on(self) -> bool:
        """Whether there are further blows to deal."""
        enough = self.most is not None and self.did.total() >= self.most
        return not enough and time.monotonic() < self.until

    def run(self) -> None:
        """Study after study; raises AssertionError where an invariant does not hold."""
        studies: list[str] = []
        while self.goes_on:
            studies.append(f"chaos-{len(studies) + 1:03d}")
            self.study(studies[-1])
        for name in studies:  # what came later did them no harm
            check_invariants(self.home, name)

    def study(self, name: str) -> None:
        """One study, its command run until it ends by itself."""
        folder = self.folder / name
        folder.mkdir()
        faulty = self.scene.faulty = Faulty.make(self.home, folder)
        self.scene.begin(name)
        shape = write_study(faulty, name, Random(f"{self.seed}/{name}"), self.largest)
        self.note(f"{name} ({shape}) begins")
        code: int | None = None
        while code != 0:
            options = self.scene.options()
            with faulty.driver(*options, workers=self.workers) as driver:
                allowed = self.hit(driver) | {0}
                code = driver.ends(PATIENCE)
            self.note(f"{name} ended with {code}")
            self.ends[f"exit {code}"] += 1
            assert code in allowed, f"{name} ended with {code}, not {allowed}: {driver.said}"
            assert code == -signal.SIGINT or "Traceback" not in driver.said, driver.said
            self.killed = code != 0 and (self.killed or code < 0)
            self.scene.nothing_is_left()
            if not self.killed or sum(self.ends.values()) % 3 == 0:
                self.check(name, finished=code == 0)
        self.shapes[shape] += 1

    def hit(self, driver: Driver) -> set[int]:
        """Deal blows until the driver ends or there are no more; how it may end then."""
        self.scene.driver = driver
        codes: set[int] = set()
        while self.goes_on:
            with suppress(subprocess.TimeoutExpired):
                driver.ends(self.next.after)
                break
            if not self.next.early and "search:" not in driver.said:
                continue  # it still starts
            blow, self.next = self.next, next(self.coming)
            if self.scene.deal(blow):
                self.did[blow.kind] += 1
                self.note(f"    {blow.kind}")
                codes |= self.scene.ends.get(blow.kind, set())
        driver.ends(PATIENCE)
        return codes

    def check(self, name: str, *, finished: bool) -> None:
        """All invariants, after the home was put in order by the means that a user has."""
        self.scene.settle()
        if not self.is_begun(name):
            return  # it was hit before it had begun
        if self.killed:
            self.command("doctor", "--fix")
        self.killed = False
        found = check_invariants(self.home, name)
        no_secret_is_written(self.folder)
        self.scene.check()
        self.checks += 1
        if finished:
            assert found.finished
            self.outcomes.update(str(trial.outcome) for trial in found.ended)

    def is_begun(self, name: str) -> bool:
        """Whether a study has written down what it is; its record is whole in any case."""
        path = self.home.record(name)
        if not path.exists():
            return False
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
            tables = {row[0] for row in database.execute("select name from sqlite_master")}
            query = "select count(*) from notes where name = 'study_file'"
            return "notes" in tables and bool(database.execute(query).fetchone()[0])

    def command(self, *argv: str) -> None:
        """Run a command of fairtune on the home."""
        argv = (FAIRTUNE, *argv, "--home", str(self.home.path))
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"

    def note(self, text: str) -> None:
        """Tell a person who watches."""
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", file=sys.stderr, flush=True)

    def counted(self) -> dict[str, object]:
        """What was done and what was checked."""
        with closing(sqlite3.connect(self.home.path / "mlflow.db")) as database:
            runs, points = (
                database.execute(f"select count(*) from {table}").fetchone()[0]
                for table in ("runs", "metrics")
            )
        return {
            "seed": self.seed,
            "minutes": round((time.monotonic() - self.began) / 60, 1),
            "blows": dict(self.did.most_common()),
            "drivers": dict(self.ends.most_common()),
            "studies": dict(self.shapes.most_common()),
            "trials": dict(self.outcomes.most_common()),
            "runs": runs,
            "points": points,
            "checks": self.checks,
        }


def main() -> int:
    """Deal blows for some minutes and print what was done and checked as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--blows", type=int, help="end earlier, after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--largest", type=int, default=LARGEST, help="trials of a study")
    parser.add_argument("--engine", choices=["local", "ray"], default="local")
    parser.add_argument("--postgres", action="store_true", help="and an MLflow server")
    arguments = parser.parse_args()
    for name in ("FAIRTUNE_STORAGE", "MLFLOW_TRACKING_URI"):
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="fairtune-chaos-"))
    print(f"seed {arguments.seed}, everything is in {folder}", file=sys.stderr, flush=True)
    with ExitStack() as stack:
        behind = stack.enter_context(servers(folder)) if arguments.postgres else (None, None)
        scene = Scene(*behind)
        if arguments.engine == "ray":
            scene = RayScene(*behind, cluster=stack.enter_context(Cluster(folder / "home")))
        given = folder, arguments.seed, arguments.workers, arguments.largest
        until = time.monotonic() + 60 * arguments.minutes
        chaos = Chaos(*given, scene, until, arguments.blows)
        try:
            chaos.run()
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(json.dumps(chaos.counted()))
            print(
                f"chaos with seed {arguments.seed}: {place.name}: {place.line}: {error}; "
                f"everything is kept in {folder}",
                file=sys.stderr,
            )
            return 1
        finally:
            chaos.scene.settle()
        print(json.dumps({"machine": machine(), **chaos.counted()}))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
