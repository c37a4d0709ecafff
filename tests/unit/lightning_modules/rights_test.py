"""What is made has the rights of its folder, and never more, whatever the umask is."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lightning_modules.files import replacing
from lightning_modules.rights import limit_umask, make_file, make_folder, private_cache


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def folder(place: Path, rights: int) -> Path:
    made = place / "home"
    made.mkdir()
    made.chmod(rights)
    return made


def written(path: Path) -> Path:
    with replacing(path) as beside:
        beside.write_text("new")
    return path


def made(path: Path) -> Path:
    make_folder(path)
    return path


@pytest.mark.parametrize("make", [written, make_file])
def test_a_file_has_no_more_rights_than_its_folder(
    make: Callable[[Path], Path], umask: int, tmp_path: Path
) -> None:
    assert mode(make(folder(tmp_path, 0o700) / "a.db")) == 0o600
    (tmp_path / "b").mkdir()
    (tmp_path / "b").chmod(0o755)
    assert mode(make(tmp_path / "b" / "a.db")) == 0o644 & ~umask


def test_a_folder_that_is_shared_passes_all_of_its_rights_on(umask: int, tmp_path: Path) -> None:
    shared = folder(tmp_path, 0o2770)
    assert mode(made(shared / "studies" / "one")) == mode(shared / "studies") == 0o2770
    assert mode(written(shared / "studies" / "one" / "a")) == 0o660
    assert mode(make_file(shared / "studies" / "b")) == 0o660


def test_folders_in_a_private_one_are_private(umask: int, tmp_path: Path) -> None:
    private = folder(tmp_path, 0o700)
    assert mode(made(private / "studies" / "one")) == mode(private / "studies") == 0o700


@pytest.mark.parametrize(("rights", "file"), [(0o700, 0o600), (0o2770, 0o660)])
def test_what_libraries_write_has_the_rights_of_the_home(
    rights: int, file: int, umask: int, tmp_path: Path
) -> None:
    home = folder(tmp_path, rights)
    os.umask(limit_umask(home))  # what was before is given back
    assert os.umask(umask) == umask
    limit_umask(home)
    (home / "a").touch()
    assert mode(home / "a") == file


def test_a_link_that_somebody_laid_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / f".report-{os.getpid()}.html").symlink_to(precious)
    assert written(tmp_path / "report.html").read_text() == "new"
    assert precious.read_text() == "mine"


def test_the_cache_is_the_users_own(
    umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache = private_cache()
    assert cache == tmp_path / "cache" / "fairtune" and mode(cache) == 0o700
    cache.chmod(0o755)
    assert private_cache() == cache and mode(cache) == 0o700
    cache.chmod(0o777)
    assert private_cache() is None
    cache.chmod(0o700)
    monkeypatch.setattr(os, "getuid", lambda: cache.stat().st_uid + 1)
    assert private_cache() is None
