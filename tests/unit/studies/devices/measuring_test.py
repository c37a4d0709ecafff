"""What a process is said to take of the machine."""

import os
import subprocess
import sys
from mmap import mmap

import psutil
import pytest

from studies.devices.measuring import MEMORY, MIB, measuring


def test_a_training_has_the_memory_of_its_process_at_least_once() -> None:
    before = psutil.Process().memory_info().rss / MIB
    with measuring() as figures:
        assert figures == {}
        pages = mmap(-1, 64 * MIB)  # not of the heap, which may have room
        pages.write(b"x" * (64 * MIB))
    pages.close()
    assert before + 63 < figures[MEMORY] < psutil.virtual_memory().total / MIB  # it is rounded


def test_the_children_of_a_training_count() -> None:
    with measuring() as alone:
        pass
    script = "held = bytearray(b'x' * 2**26); print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        with measuring() as figures:
            pass
        child.stdin.write("\n")
    assert figures[MEMORY] > alone[MEMORY] + 64


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
def test_of_forked_children_counts_what_they_have_alone() -> None:
    """In a process of its own, which has no threads that a fork would not have."""
    script = """if True:
        import os
        import psutil
        from studies.devices.measuring import MIB, memory_of
        shared = bytearray(b"x" * 2**27)
        alone = memory_of([psutil.Process()])
        ends, children = [], []
        for _ in range(2):
            read, write = os.pipe()
            ready, done = os.pipe()
            if not (child := os.fork()):
                os.close(write)
                held = bytearray(b"y" * 2**25)
                os.write(done, b"!")
                os.read(read, 1)
                os._exit(0)
            os.read(ready, 1)
            ends.append(write)
            children.append(child)
        here = psutil.Process()
        print((memory_of([here, *here.children()]) - alone) / MIB)
        for write, child in zip(ends, children):
            os.write(write, b"!")
            os.waitpid(child, 0)
    """
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert 2 * 32 <= float(said) < 2 * 32 + 64  # and not the 128 MiB that they share, twice


def test_what_a_training_raises_passes_and_it_has_figures() -> None:
    with pytest.raises(ZeroDivisionError), measuring() as figures:
        raise ZeroDivisionError
    assert figures[MEMORY] > 0


def test_a_process_that_ends_while_it_is_looked_at_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = psutil.Process(os.getpid())

    def ended() -> None:
        raise psutil.NoSuchProcess(gone.pid)

    monkeypatch.setattr(gone, "memory_info", ended)
    monkeypatch.setattr(psutil.Process, "children", lambda self, recursive: [gone])
    with measuring() as figures:
        pass
    assert figures[MEMORY] > 0
