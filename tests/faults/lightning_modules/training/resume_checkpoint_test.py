"""A state is being written when its process is killed (fault 5)."""

import os
import random
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import Interrupted
from lightning_modules.training.building import build_data
from lightning_modules.training.resume_checkpoint import ResumeCheckpoint
from lightning_modules.training.train import train

CONFIGURATION = Configuration.resolve(
    {
        "data": {"name": "iris", "batch_size": 32},
        "model": {"name": "mlp", "hidden": []},
        "trainer": {"epochs": 4, "accelerator": "cpu"},
    }
)


def interrupted_after(epoch: int, folder: Path) -> None:
    def on_epoch(number: int, _: object) -> bool:
        if number == epoch:
            raise Interrupted
        return True

    with pytest.raises(Interrupted):
        train(CONFIGURATION, 1, on_epoch, resume_folder=folder)


def found(folder: Path) -> ResumeCheckpoint:
    """What the next process would continue from."""
    data_hash = build_data(CONFIGURATION).splits.hash
    tree = CONFIGURATION.hash
    training = {"configuration": tree, "seed": 1, "data": data_hash, "weights": ""}
    return ResumeCheckpoint(folder, training)


def epochs(continuation: ResumeCheckpoint) -> int:
    assert continuation.state is not None
    return len(continuation.state["callbacks"]["EpochCallback"]["history"])


def killed_while(act: Callable[[], object]) -> bool:
    """Do it in a child process; whether a signal ended that."""
    child = os.fork()
    if child == 0:
        act()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_at_any_byte_of_a_write_leaves_a_state_to_continue_from(tmp_path: Path) -> None:
    for epoch in (1, 2):
        interrupted_after(epoch, tmp_path)
    whole = found(tmp_path)
    state, size = whole.state, whole.last.stat().st_size
    assert state is not None and epochs(whole) == 2

    def write(bytes_allowed: int) -> None:
        # the kernel ends the process in the middle of the write that exceeds the limit
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_allowed, bytes_allowed))
        whole.save_checkpoint(state, whole.last)

    generator = random.Random(5)
    for offset in [0, size - 1, *(generator.randrange(size) for _ in range(48))]:
        assert killed_while(lambda offset=offset: write(offset)), offset
        assert epochs(found(tmp_path)) == 2


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_kill_between_the_renames_leaves_a_state_to_continue_from(
    renames: int, tmp_path: Path
) -> None:
    interrupted_after(1, tmp_path)
    one = found(tmp_path)
    interrupted_after(2, tmp_path)
    assert one.state is not None
    calls = 0
    rename = Path.replace

    def killing(self: Path, target: Path) -> Path:
        nonlocal calls
        if calls == renames:
            os.kill(os.getpid(), signal.SIGKILL)
        calls += 1
        return rename(self, target)

    def write() -> None:
        assert one.state is not None
        with mock.patch.object(Path, "replace", killing):
            one.save_checkpoint(one.state, one.last)

    assert killed_while(write) == (renames < 2)
    # not renamed at all; the old one set aside; the new one, of epoch 1, in its place
    assert epochs(found(tmp_path)) == (1 if renames == 2 else 2)
