"""Why a process ended, in words."""

import pytest

from studies.engines.last_words import error_line, exit_words

PYTHON = """
epoch 1
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
  File "train.py", line 1, in main
    raise KeyError("first")
KeyError: 'first'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "train.py", line 5, in <module>
    raise ValueError("lr 0.3 is too large\\nsecond line")
mypackage.errors.TooLarge: lr 0.3 is too large
second line
[W socket.cpp:697] the socket is closed
"""
JULIA = (
    "ERROR: LoadError: DomainError with -1.0:\nStacktrace:\n [1] sqrt(x)\nin expression at t.jl:3"
)
R = "Error in f(3) : three is too much\nCalls: f\nExecution halted"
NODE = "file.js:1\nthrow new Error('no')\n^\nError: no\n    at Object.<anonymous> (file.js:1:7)\n"
ARGPARSE = "warning: x\nusage: train.py [-h]\ntrain.py: error: wrong --lr"
INDENTED = """
  | Traceback (most recent call last):
    Traceback (most recent call last):
      File "a.py", line 1, in <module>
    RuntimeError: inner
"""
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB."
ACCELERATE = f"""
Traceback (most recent call last):
  File "train.py", line 9, in <module>
{OUT_OF_MEMORY}
Traceback (most recent call last):
  File "accelerate", line 8, in <module>
subprocess.CalledProcessError: Command '['python', 'train.py']' returned non-zero exit status 1.
"""
TORCHRUN = f"""
[rank0]: Traceback (most recent call last):
[rank0]:   File "train.py", line 9, in <module>
[rank0]: {OUT_OF_MEMORY}
E1130 09:35:32 api.py:869] failed (exitcode: 1) local_rank: 0 (pid: 7) of binary: python
Traceback (most recent call last):
  File "torchrun", line 8, in <module>
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
"""
JAVA = 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n\tat Train.main'
CPP = (
    "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n"
    "sh: line 1:  7 Aborted                 ./train"
)


@pytest.mark.parametrize(
    ("errors", "output", "line"),
    [
        (PYTHON, "done", "mypackage.errors.TooLarge: lr 0.3 is too large"),
        (JULIA, "", "ERROR: LoadError: DomainError with -1.0:"),
        (R, "", "Error in f(3) : three is too much"),
        (NODE, "", "Error: no"),
        (ACCELERATE, "", OUT_OF_MEMORY),
        (TORCHRUN, "", OUT_OF_MEMORY),
        (TORCHRUN[TORCHRUN.index("9, in") :], "", OUT_OF_MEMORY),  # its beginning is not kept
        ("subprocess.CalledProcessError: Command 'x'", "", "subprocess.CalledProcessError: Command "
         "'x'"),
        (JAVA, "", JAVA.partition("\n")[0]),
        (CPP, "", "what():  std::bad_alloc"),
        (INDENTED, "", "RuntimeError: inner"),
        (ARGPARSE, "hm", "train.py: error: wrong --lr"),
        ("KeyboardInterrupt\n100%|####| 3/3", "", "KeyboardInterrupt"),
        ("  \n", "so what\n\n", "so what"),
        ("", PYTHON, "mypackage.errors.TooLarge: lr 0.3 is too large"),
        ("", "", ""),
        ("Traceback (most recent call last):\n  File 'x'", "out", "File 'x'"),
    ],
)  # fmt: skip
def test_the_line_that_says_what_went_wrong(errors: str, output: str, line: str) -> None:
    assert error_line(errors.splitlines(), output.splitlines()) == line


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "the program ended with exit code 1"),
        (127, "the program ended with exit code 127 (a command was not found)"),
        (-9, "the program was killed by SIGKILL, somebody's kill -9, or the system's when memory "
         "ran out"),
        (-11, "the program was killed by SIGSEGV, a segmentation fault"),
        (139, "the program ended with exit code 139 (a shell's word for SIGSEGV, a segmentation "
         "fault)"),
        (-40, "the program was killed by signal 40"),
        (-10, "the program was killed by SIGUSR1"),
        (200, "the program ended with exit code 200"),
    ],
)  # fmt: skip
def test_how_a_process_ended_is_said_in_words(code: int, words: str) -> None:
    assert exit_words("the program", code) == words
