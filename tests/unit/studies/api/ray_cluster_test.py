"""Whether a command and a call may ask for Ray, and with which address."""

from pathlib import Path
from typing import Any

import pytest

import fairtune
from studies.api import ray_cluster
from studies.cli import main

INSTALL = (
    "fairtune: the engine ray needs Ray, which is not installed: pip install 'fairtune[ray]'\n"
)
RAY = ["--engine", "ray"]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    file = tmp_path / "study.yaml"
    file.write_text("study: small\ndata: iris\nmodel: mlp\ntrainer: {epochs: 1}\n")
    return ["run", str(file), "--home", str(tmp_path / "home")]


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ray_cluster.find_spec
    monkeypatch.setattr(
        ray_cluster, "find_spec", lambda name: None if name == "ray" else known(name)
    )


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a command that is refused before anything is written."""
    assert main(command) == 2
    assert not (Path(command[1]).parent / "home" / "studies").exists()
    return capsys.readouterr().err


@pytest.mark.usefixtures("without_ray")
def test_without_ray_the_engine_is_one_sentence_with_the_way_to_get_it(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused([*command, *RAY], capsys) == INSTALL
    assert refused([*command, *RAY, "--address", "auto"], capsys) == INSTALL


@pytest.mark.usefixtures("without_ray")
def test_without_ray_a_call_says_the_same(tmp_path: Path) -> None:
    tree: dict[str, Any] = {"study": "small", "data": "iris", "model": "mlp"}
    with pytest.raises(fairtune.UserError, match=r"pip install 'fairtune\[ray\]'$"):
        fairtune.run(tree, home=tmp_path, engine="ray", progress=False)


def test_an_address_needs_the_engine(
    command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = refused([*command, "--address", "10.0.0.1:6379"], capsys)
    assert said == "fairtune: --address is for a Ray cluster: give --engine ray with it\n"
    with pytest.raises(fairtune.UserError, match=r'address is for .*: give engine="ray" with it'):
        fairtune.run({"study": "s", "data": "iris", "model": "mlp"}, home=tmp_path, address="auto")


def test_ray_client_is_refused_with_the_reason_and_the_way(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: object())
    said = refused([*command, *RAY, "--address", "ray://10.0.0.1:10001"], capsys)
    assert said.startswith("fairtune: --address ray://10.0.0.1:10001: through Ray Client every ")
    assert said.endswith("as a job: `ray job submit -- fairtune run FILE --engine ray`\n")
    monkeypatch.setenv("RAY_ADDRESS", "ray://10.0.0.2:10001")
    assert refused([*command, *RAY], capsys).startswith("fairtune: RAY_ADDRESS ray://10.0.0.2:")


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "head", ":6379", "head:", "head:0", "head:70000", "head:six",
                "http://head:8265", "local", "head:６３７９"],
)  # fmt: skip
def test_what_is_no_address_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: object())
    way = f"--address {address}: give HOST:PORT of the head of a cluster, or auto on one of its"
    assert way in refused([*command, *RAY, "--address", address], capsys)


@pytest.mark.parametrize("address", ["auto", "head:6379", "10.0.0.1:6379", "[fd00::1]:6379"])
def test_an_address_is_taken_from_the_command_or_the_environment(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studies.api.training_place import OF_COMMANDS
    from studies.study_file import document, resolve

    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: object())
    spec = resolve(document.parse("study: s\ndata: iris\nmodel: mlp\n", "s.yaml"))
    given = ray_cluster.wanted_of(spec, address, 2, None, None, OF_COMMANDS)
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert ray_cluster.wanted_of(spec, None, 2, None, None, OF_COMMANDS) == given
    assert given.address == address


@pytest.mark.parametrize(
    ("search", "most"),
    [
        ("search: {method: random, trials: 7}", 7),
        ("search: {method: random, trials: 7}\nconfirm: {top: 2, seeds: 3}", 13),
        ("search: {method: random, epochs: 45}", 4),
        ("search: {method: random, epochs: 5}", 1),
        ("search: {method: grid}", 3),
        ("search: {method: random, trials: 9999}", 2000),
    ],
)
def test_a_cluster_is_asked_for_no_more_workers_than_there_are_trials(
    search: str, most: int
) -> None:
    from studies.study_file import document, resolve

    text = (
        "study: s\ndata: iris\nmodel: mlp\ntrainer: {epochs: 10}\n"
        "optimizer: {name: adam, lr: {values: [0.1, 0.2, 0.3]}}\n"
    )
    spec = resolve(document.parse(text + search, "s.yaml"))
    assert ray_cluster.most_trials(spec) == most
