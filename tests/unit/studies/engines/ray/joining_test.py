"""What a node does before it takes part: it compares files, and becomes like the driver."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lightning_modules.errors import StorageError
from studies.engines.ray.joining import (
    THREADS,
    file_differences,
    modules,
    prepare_process,
    shares_home,
    terms_of,
)
from studies.engines.ray.terms import Terms
from studies.home import Home
from studies.study_file import Spec, document, resolve
from tests.conftest import WriteModule

TABLE = "x,label\n1,a\n2,b\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home, and a current folder that has a table and a program."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "train.py").write_text("print('trains')\n")
    home = Home.at(tmp_path / "home")
    home.create("s")
    return home


def spec_of(data: str = "{name: table, path: table.csv, target: label}", more: str = "") -> Spec:
    text = f"study: s\n{more or 'model: mlp'}\n" + (f"data: {data}\n" if data else "")
    return resolve(document.parse(text, "study.yaml"))


def test_terms_name_what_the_trials_read_and_the_folder_is_marked_meanwhile(
    here: Home, tmp_path: Path
) -> None:
    with terms_of(spec_of(), here) as terms:
        ((name, path, _),) = terms.files
        assert (name, path) == ("table.csv", str(tmp_path / "table.csv"))
        assert file_differences(terms) == []
        assert shares_home(terms)
        marker = Path(terms.marker)
        assert marker.stat().st_mode & 0o777 == 0o600
    assert not marker.exists() and not shares_home(terms)


def test_a_home_is_shared_where_the_marker_is_the_one_of_this_run_and_can_be_written(
    here: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terms_of(spec_of(), here) as terms:
        assert not shares_home(replace(terms, marker=str(here.path / "none")))
        assert not shares_home(replace(terms, mark="of another run"))
        assert not shares_home(replace(terms, marker=str(here.path)))  # no file
        monkeypatch.setattr(os, "access", lambda path, how: False)  # mounted for reading
        assert not shares_home(terms)


def test_a_marker_that_was_left_by_a_driver_that_was_killed_is_replaced(here: Home) -> None:
    with terms_of(spec_of(), here) as killed:
        Path(killed.marker).rename(here.path / "left")
    (here.path / "left").rename(killed.marker)
    with terms_of(spec_of(), here) as terms:
        assert shares_home(terms) and not shares_home(killed)


def test_files_that_are_missing_different_or_unreadable_are_named(
    here: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = tmp_path / "table.csv"
    with terms_of(spec_of(), here) as terms:
        at.write_text(TABLE.replace("a", "b"))
        (said,) = file_differences(terms)
        assert said.startswith(f"table.csv ({at}) differs: it has 16 bytes, SHA-256 ")
        assert "the driver's 16 bytes, SHA-256 " in said
        at.unlink()
        assert file_differences(terms) == [f"table.csv ({at}) is not there"]
        at.mkdir()  # an empty folder is no file
        assert "differs" in file_differences(terms)[0]

        def forbidden(path: Path, *_: object) -> None:
            raise PermissionError(13, "Permission denied")

        at.rmdir()
        at.write_text(TABLE)
        monkeypatch.setattr(Path, "open", forbidden)
        (said,) = file_differences(terms)
        assert said == f"table.csv ({at}) cannot be read there: Permission denied"


def test_data_in_the_home_is_compared_too(here: Home) -> None:
    inside = here.path / "table.csv"
    inside.write_text(TABLE)
    data = f"{{name: table, path: {str(inside)!r}, target: label}}"
    with terms_of(spec_of(data), here) as terms:
        assert [path for _, path, _ in terms.files] == [str(inside)]
        inside.unlink()
        assert file_differences(terms) == [f"{inside} is not there"]


def test_programs_and_own_classes_are_compared(
    here: Home, tmp_path: Path, write_module: WriteModule
) -> None:
    write_module("networks", "from torch import nn\nclass Net(nn.Module): ...\n")
    program = "model: {command: [python, train.py]}\nobjective: {metric: val/x, goal: maximize}"
    for file, data, more in (
        ("train.py", "", program),
        ("networks.py", "digits", "model: {class: 'networks:Net'}\noptimizer: adam"),
    ):
        with terms_of(spec_of(data, more), here) as terms:
            assert str(tmp_path / file) in [path for _, path, _ in terms.files]
            (tmp_path / file).write_text("other code\n")
            assert [file in said for said in file_differences(terms)] == [True]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "own_trials.py").write_text("def trial(configuration, report): ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_trials  # type: ignore[import-not-found]

    yield own_trials
    del sys.modules["own_trials"]


def test_the_module_of_a_function_is_compared(here: Home, module: Any) -> None:
    file = Path(module.__file__)
    for function in (module.trial, partial(module.trial, report=None)):
        with terms_of(spec_of(), here, function) as terms:
            assert str(file) in [path for _, path, _ in terms.files]
    file.write_text("def trial(configuration, report): return {}\n")
    assert "own_trials.py" in file_differences(terms)[0]


def test_a_function_of_a_script_or_a_notebook_is_sent_with_its_code() -> None:
    def trial(configuration: object, report: object) -> None: ...

    trial.__module__ = "__main__"
    assert list(modules(trial)) == [] == list(modules(None))


def test_a_process_becomes_like_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setattr(sys, "path", ["/of/this/node"])
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    for name in THREADS:
        monkeypatch.setenv(name, "7")  # as Ray sets them
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of the cluster")
    monkeypatch.delenv("OWN", raising=False)
    monkeypatch.setenv("OWN", "of this node")
    terms = Terms(
        {},
        folder=str(tmp_path),
        search_path=["/of/this/node", "/of/the/driver"],
        variables={"OMP_NUM_THREADS": "1", "OWN": "of the driver"},
    )
    prepare_process(terms)
    assert os.getcwd() == str(tmp_path)
    assert sys.path == ["/of/this/node", "/of/the/driver"]
    assert [os.environ.get(name) for name in (*THREADS, "OWN", "RAY_AUTH_TOKEN")] == [
        "1", None, None, "of the driver", None,
    ]  # fmt: skip
    prepare_process(replace(terms, folder=str(tmp_path / "not here")))
    assert os.getcwd() == str(tmp_path)  # where it was


def test_a_home_whose_disk_is_full_is_named(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with (
        pytest.raises(StorageError, match=r"home-of-the-driver cannot be written: No space left"),
        terms_of(spec_of("iris"), here),
    ):
        raise AssertionError
