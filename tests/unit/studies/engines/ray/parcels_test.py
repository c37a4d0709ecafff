"""Files of a trial come home from a node that does not share its disk, whatever happens to them
meanwhile."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import StorageError
from studies.engines import Task
from studies.engines.ray.parcels import Scratch, deliver, to_send

CONFIGURATION = Configuration.resolve({"data": "digits", "model": "mlp"})


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A task whose folders are those of a home."""
    home = tmp_path / "home"
    return Task(
        "trial-0000",
        CONFIGURATION,
        0,
        str(home / "checkpoints" / "trial-0000.pt"),
        str(home / "continuations" / "trial-0000"),
        str(home / "logged" / "trial-0000"),
    )


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    (tmp_path / "node").mkdir()
    return Scratch.new(tmp_path / "node")


def written(folder: str | Path | None) -> dict[str, str]:
    """The files below a folder, and what stands in them."""
    assert folder is not None
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(files)}


def write(folder: str | Path | None, **texts: str) -> None:
    for name, text in texts.items():
        path = Path(str(folder)) / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def after_reading(
    monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Path], object], *, before: bool
) -> None:
    """Change a file right before or after it is read the next time."""
    read, pending = Path.read_bytes, [name]

    def reading(path: Path) -> bytes:
        due = path.name in pending
        if due:
            pending.clear()
        if due and before:
            change(path)
        content = read(path)
        if due and not before:
            change(path)
        return content

    monkeypatch.setattr(Path, "read_bytes", reading)


def test_a_trial_continues_on_a_node_from_what_the_home_has_and_all_that_it_writes_comes_home(
    task: Task, scratch: Scratch
) -> None:
    write(task.continuation, last="state of epoch 3", deep__er="more")
    write(task.files, note="logged")
    write(Path(str(task.checkpoint)).parent, other="of another trial")
    local = scratch.unpack(task, to_send(task), None)
    assert written(local.continuation) == {"last": "state of epoch 3", "deep/er": "more"}
    assert written(local.files) == {"note": "logged"}
    assert written(Path(str(local.checkpoint)).parent) == {}  # it is there, as at home
    assert scratch.state() == {}  # nothing that the home lacks
    write(local.continuation, last="state of epoch 4")
    write(local.files, note="logged more")
    deliver(task, scratch.state())
    assert written(task.continuation)["last"] == "state of epoch 4"
    assert written(task.files) == {"note": "logged more"}  # as far as that state
    write(Path(str(local.checkpoint)).parent, **{"trial-0000.pt": "weights"})
    write(Path(str(local.checkpoint)).parent, **{"trial-0000.npy": "rows"})
    Path(str(local.continuation), "deep/er").unlink()
    deliver(task, scratch.results(killed=False))
    assert written(Path(str(task.checkpoint)).parent) == {
        "other": "of another trial", "trial-0000.npy": "rows", "trial-0000.pt": "weights",
    }  # fmt: skip
    assert written(task.continuation) == {"last": "state of epoch 4"}
    assert [path.name for path in Path(str(task.continuation)).iterdir()] == ["last"]
    assert scratch.results(killed=False) == {}


def test_what_is_logged_waits_for_a_state_that_it_belongs_to(task: Task, scratch: Scratch) -> None:
    local = scratch.unpack(task, {}, None)
    write(local.files, note="of an epoch that another node would train again")
    assert scratch.state() == {}
    assert set(scratch.results(killed=False)) == {"logged/note"}


def test_the_folder_of_a_program_stays_on_the_node(task: Task, scratch: Scratch) -> None:
    program = {
        "model": {"command": ["train"]},
        "objective": {"metric": "val/loss", "goal": "minimize"},
    }
    own = replace(task, configuration=Configuration.resolve(program))
    write(own.continuation, **{"configuration.json": "of an attempt before"})
    assert to_send(own) == {}
    local = scratch.unpack(own, {}, None)
    write(local.continuation, large="gigabytes")
    Path(str(local.checkpoint)).write_text("weights")
    assert scratch.state() == {} == scratch.state(at_rest=True)
    assert set(scratch.results(killed=False)) == {"checkpoint/trial-0000.pt"}


def test_a_trial_that_was_killed_leaves_what_it_logged_and_no_state(
    task: Task, scratch: Scratch
) -> None:
    local = scratch.unpack(task, {}, None)
    write(local.files, note="logged")
    write(local.continuation, last="state")
    write(Path(str(local.checkpoint)).parent, **{"trial-0000.pt": "half"})
    assert set(scratch.results(killed=True)) == {"logged/note"}


def test_the_weights_that_a_training_starts_from_are_a_file_of_the_node(
    task: Task, scratch: Scratch
) -> None:
    given = replace(task, weights="/of/the/driver/trial-0007.pt")
    local = scratch.unpack(given, {}, b"weights")
    assert local.weights is not None and Path(local.weights).read_bytes() == b"weights"
    assert Path(local.weights).name == "trial-0007.pt"
    assert scratch.results(killed=False) == {}  # the home has them


def test_a_state_in_the_midst_of_an_epoch_is_sent_when_it_has_come_to_rest(
    task: Task, scratch: Scratch
) -> None:
    local = scratch.unpack(task, {}, None)
    write(local.continuation, last="ha")
    assert scratch.state(at_rest=True) == {}
    write(local.continuation, last="half")
    assert scratch.state(at_rest=True) == {}
    write(local.files, note="logging goes on")
    assert scratch.state(at_rest=True) == {
        "continuation/last": b"half",
        "logged/note": b"logging goes on",
    }
    assert scratch.state(at_rest=True) == {}


@pytest.mark.parametrize("before", [True, False])
def test_a_file_that_changes_while_it_is_read_is_sent_again(
    task: Task, scratch: Scratch, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    local = scratch.unpack(task, {}, None)
    write(local.continuation, last="epoch 1")
    after_reading(monkeypatch, "last", lambda path: path.write_text("epoch 2"), before=before)
    deliver(task, scratch.state())
    deliver(task, scratch.state())
    assert written(task.continuation) == {"last": "epoch 2"}


def test_a_file_that_changes_within_its_size_and_keeps_its_time_is_sent_again(
    task: Task, scratch: Scratch
) -> None:
    local = scratch.unpack(task, {}, None)
    for text in ("1", "2"):
        write(local.continuation, last=text)
        os.utime(Path(str(local.continuation), "last"), (1, 1))
        deliver(task, scratch.state())
    assert written(task.continuation) == {"last": "2"}


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_goes_between_listing_and_reading_is_gone(
    task: Task, scratch: Scratch, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    local = scratch.unpack(task, {"continuation/last": b"1"} if known else {}, None)
    write(local.continuation, last="2", other="3")
    after_reading(monkeypatch, "last", Path.unlink, before=True)
    gone = {"continuation/last": None} if known else {}
    assert scratch.state() == {**gone, "continuation/other": b"3"}


def test_a_file_of_the_home_that_goes_while_it_is_read_is_not_sent(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(task.continuation, last="2", other="3")
    after_reading(monkeypatch, "last", Path.unlink, before=True)
    assert to_send(task) == {"continuation/other": b"3"}


def test_a_file_may_take_the_place_of_a_folder_and_a_folder_that_of_a_file(
    task: Task, scratch: Scratch
) -> None:
    sent: dict[str, bytes | None] = {"continuation/a": b"file", "continuation/b/c": b"below"}
    deliver(task, sent)
    local = scratch.unpack(task, sent, None)
    folder = Path(str(local.continuation))
    (folder / "a").unlink()
    (folder / "b" / "c").unlink()
    (folder / "b").rmdir()
    write(folder, a__d="below", b="file")
    changed = scratch.state()
    for _ in range(2):  # as often as you like
        deliver(task, changed)
        assert written(task.continuation) == {"a/d": "below", "b": "file"}


def test_links_within_the_folder_count_as_what_they_lead_to_and_no_others_do(
    task: Task, scratch: Scratch, tmp_path: Path
) -> None:
    local = scratch.unpack(task, {}, None)
    write(local.continuation, epoch3="state")
    write(tmp_path, secret="of the machine")
    folder = Path(str(local.continuation))
    (folder / "latest").symlink_to("epoch3")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "all").symlink_to(tmp_path)
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("no")
    os.mkfifo(folder / "pipe")
    assert scratch.state() == {"continuation/epoch3": b"state", "continuation/latest": b"state"}


@pytest.mark.parametrize(
    "name",
    [
        "continuation/../../escaped",
        "continuation//escaped",
        "continuation/",
        "continuation",
        "checkpoint/../escaped",
        "elsewhere/escaped",
        "/escaped",
        "../escaped",
        "continuation/out/escaped",
    ],
)
@pytest.mark.parametrize("content", [b"harm", None])
def test_nothing_is_written_or_removed_outside_of_the_folders_of_the_trial(
    task: Task, tmp_path: Path, name: str, content: bytes | None
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(task.continuation, last="state")
    write(elsewhere, escaped="kept")
    Path(str(task.continuation), "out").symlink_to(elsewhere)
    before = written(tmp_path)
    deliver(task, {name: content})
    assert written(tmp_path) == before


def test_a_trial_that_has_no_such_folder_takes_no_such_file(scratch: Scratch) -> None:
    bare = Task("trial-0000", CONFIGURATION, 0, None)
    assert to_send(bare) == {}
    local = scratch.unpack(bare, {}, None)
    assert (local.checkpoint, local.continuation, local.files) == (None, None, None)
    deliver(bare, {"checkpoint/a.pt": b"1", "continuation/last": None})


def test_a_full_disk_at_home_and_a_file_that_cannot_be_read_are_named(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def forbidden(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    write(task.continuation, last="earlier")
    last = Path(str(task.continuation), "last")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(StorageError) as caught:
            deliver(task, {"continuation/last": b"new"})
    assert str(caught.value) == f"{last} cannot be written: No space left on device"
    assert written(task.continuation) == {"last": "earlier"}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", forbidden)
        with pytest.raises(StorageError) as caught:
            to_send(task)
    assert str(caught.value) == f"{last} cannot be read: Permission denied"


@pytest.mark.parametrize("name", ["scandir", "stat"])
def test_a_folder_that_cannot_be_read_is_named_and_what_is_in_it_is_not_taken_for_gone(
    task: Task, scratch: Scratch, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    local = scratch.unpack(task, {"continuation/deep/er": b"1"}, None)
    folder = Path(str(local.continuation), "deep")
    asked = getattr(os, name)

    def forbidden(path: str | Path, *given: object, **more: object) -> object:
        if Path(path) in (folder, folder / "er"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return asked(path, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, name, forbidden)
        with pytest.raises(StorageError, match=r"deep.* cannot be read: Permission denied"):
            scratch.results(killed=False)
    assert scratch.results(killed=False) == {}


def test_a_file_that_is_too_large_for_memory_is_named(
    task: Task, scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(path: Path) -> bytes:
        raise MemoryError

    local = scratch.unpack(task, {}, None)
    for folder in (local.continuation, task.continuation):
        write(folder, last="state")
    monkeypatch.setattr(Path, "read_bytes", too_large)
    for folder, read in ((local.continuation, scratch.state), (task.continuation, None)):
        with pytest.raises(StorageError) as caught:
            read() if read else to_send(task)
        assert str(caught.value) == f"{folder}/last cannot be read: it does not fit into memory"


def test_a_folder_that_is_a_link_to_itself_is_named(task: Task, scratch: Scratch) -> None:
    local = scratch.unpack(task, {}, None)
    Path(str(local.continuation)).symlink_to(str(local.continuation))
    with pytest.raises(StorageError, match="cannot be read"):
        scratch.state()


def test_names_of_any_characters_and_length_come_home(task: Task, scratch: Scratch) -> None:
    local = scratch.unpack(task, {}, None)
    folder = Path(str(local.continuation))
    folder.mkdir()
    names = ["a" * 255, ".hidden", "with space", "ä\n'", os.fsdecode(b"\xff\xfe")]
    for name in names:
        (folder / name).write_text("state")
    deliver(task, scratch.state())
    assert sorted(os.listdir(str(task.continuation))) == sorted(names)


def test_the_folder_of_a_node_goes_with_its_process_however_that_ends(tmp_path: Path) -> None:
    code = (
        "import os, signal; from studies.engines.ray.parcels import temporary_folder\n"
        "folder = temporary_folder(); (folder / 'state').write_text('1')\n"
        "print(folder, flush=True); input(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder.parent == tmp_path and (folder / "state").exists()
        process.communicate("\n")
    end = time.monotonic() + 60
    while folder.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
