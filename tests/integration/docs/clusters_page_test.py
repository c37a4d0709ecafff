"""What the page of clusters says can be typed; its batch script runs in `slurm_test.py`."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from studies.api.ray_cluster import INSTALL
from studies.cli import app
from studies.engines.ray.terms import SAME
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
JOB = ROOT / "examples" / "kubernetes" / "rayjob.yaml"
SCRIPT = ROOT / "examples" / "slurm" / "fairtune.sbatch"
LINES = "".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)).splitlines()


def check_command_of_fairtune(words: list[str]) -> None:
    """Raises where the command line has no such options or arguments."""
    context = get_command(app).make_context("fairtune", words[1:], resilient_parsing=True)
    command = get_command(app).get_command(context, words[1])  # type: ignore[attr-defined]
    command.make_context(words[1], words[2:])


def test_every_line_of_fairtune_can_be_typed() -> None:
    lines = [line[line.index("fairtune ") :] for line in LINES if " run " in line]
    assert len(lines) == 3
    for line in lines:
        check_command_of_fairtune(shlex.split(line))


@pytest.mark.skipif(
    find_spec("ray") is None and os.environ.get("CI") != "true", reason=f"needs Ray: {INSTALL}"
)
@pytest.mark.parametrize("command", ["start", "get-auth-token"])
def test_every_line_of_ray_has_options_that_ray_has(command: str) -> None:
    told = "\n".join(LINES) + SCRIPT.read_text()
    calls = re.findall(rf"^ *(?:ray {command}|{command}_ray) ((?:.*\\\n)*.*)", told, re.MULTILINE)
    options = set(re.findall(r"--[a-z-]+", " ".join(calls)))
    ray = Path(sys.executable).with_name("ray")
    said = subprocess.run([ray, command, "--help"], capture_output=True, text=True, check=True)
    assert options and options <= set(re.findall(r"--[a-z-]+", said.stdout))


def test_a_node_needs_what_the_page_says() -> None:
    needs = PAGE.partition("- **The same versions** of ")[2].partition("(")[0]
    assert needs.split() == [*(f"{name}," for name in SAME[:-1]), SAME[-1], "and", "Python"]


def test_the_job_of_kubernetes_mounts_one_volume_everywhere_and_asks_for_a_token() -> None:
    job = yaml.safe_load(JOB.read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods = [group["template"]["spec"] for group in groups]
    (container, *others) = [container for pod in pods for container in pod["containers"]]
    assert {each["image"] for each in others} == {container["image"]}
    assert all(each["volumeMounts"] == container["volumeMounts"] for each in others)
    assert all(pod["volumes"] == pods[0]["volumes"] for pod in pods)
    shell, option, line = shlex.split(job["spec"]["entrypoint"])
    assert (shell, option) == ("sh", "-c")
    words = shlex.split(line.partition("exec ")[2])
    check_command_of_fairtune(words)
    workers = int(words[words.index("--workers") + 1])  # the autoscaler adds nodes for them
    assert workers >= cluster["workerGroupSpecs"][0]["maxReplicas"]
    home = Path(words[words.index("--home") + 1])
    assert home.is_relative_to(container["volumeMounts"][0]["mountPath"])


def test_shellcheck_has_nothing_to_say() -> None:
    if (shellcheck := shutil.which("shellcheck")) is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run([shellcheck, SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == ""
