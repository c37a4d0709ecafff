"""The batch script for Slurm, from its begin to its end, with nodes that are on this machine.

They have a network of their own, which nothing outside can reach.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from studies.api.ray_cluster import INSTALL
from tests.support.checkout import ROOT
from tests.support.drivers import until

SCRIPT = ROOT / "examples" / "slurm" / "fairtune.sbatch"
ADDRESS = "10.99.0.1"
STAND_INS = {
    "srun": 'while [[ "$1" == --* ]]; do shift; done; exec "$@"',
    "scontrol": 'if [ "$1" = show ]; then echo node1; echo node2; else echo "$@" >> asked; fi',
    "hostname": f'echo "{ADDRESS} "',
    "fairtune": f"exec {shlex.quote(sys.executable)} -P -c "
    '"from studies.cli import entry; entry()" "$@"',
}
STUDY = """
study: slurm
model: {command: [sh, train.sh, "{model.width}"], width: {values: [1, 2]}}
trainer: {epochs: 2}
objective: {metric: val/value, goal: maximize}
metrics: {from: log, patterns: {epoch: 'epoch (\\d+)', val/value: 'value (\\S+)'}}
search: {method: grid}
"""
TRAIN = """
echo "epoch 1 value 0.5"
touch begun
until [ -e go ]; do sleep 0.1; done
echo "epoch 2 value 0.6"
"""
NETWORK = f"ip link set lo up && ip address add {ADDRESS}/32 dev lo && "


def in_a_network(command: str) -> list[str]:
    """A command in a network of its own, in which the address of the nodes exists."""
    return ["unshare", "--map-root-user", "--net", "bash", "-c", f"{NETWORK}exec {command}"]


def begin(folder: Path, job: int) -> subprocess.Popen[bytes]:
    """What Slurm starts on the first node of a job."""
    variables = {
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SLURM_JOB_ID": str(job),
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_CPUS_PER_TASK": "1",
    }
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            in_a_network(f"bash {SCRIPT} study.yaml --home home --json --quiet"),
            cwd=folder,
            env={**os.environ, **variables},
            stdout=output,
            stderr=output,
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not all(map(shutil.which, ("unshare", "ip", "bash"))):
        pytest.skip("unshare, ip and bash make a network for the nodes")
    if subprocess.run(in_a_network("true"), capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network of their own")
    (tmp_path / "bin").mkdir()
    for name, text in STAND_INS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o700)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "train.sh").write_text(TRAIN)
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("ray") is None and os.environ.get("CI") != "true", reason=f"needs Ray: {INSTALL}"
)
def test_a_job_at_its_time_limit_is_queued_again_and_continues_its_study(folder: Path) -> None:
    job = os.getpid()
    started = begin(folder, job)
    try:
        until(lambda: (folder / "begun").exists() or started.poll() is not None, 120)
        started.send_signal(signal.SIGTERM)
        assert started.wait(120) == 143, (folder / "output").read_text()
        assert (folder / "asked").read_text() == f"requeue {job}\n"

        (folder / "go").touch()
        assert begin(folder, job).wait(120) == 0, (folder / "output").read_text()
    finally:
        started.kill()
    assert '"completed": 2' in (folder / "output").read_text()
    assert not Path(f"/tmp/ray-{job}").exists()
