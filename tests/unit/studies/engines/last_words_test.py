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


@pytest.mark.parametrize(
    ("errors", "output", "line"),
    [
        (PYTHON, "done", "mypackage.errors.TooLarge: lr 0.3 is too large"),
        (JULIA, "", "ERROR: LoadError: DomainError with -1.0:"),
        (R, "", "Error in f(3) : three is too much"),
        (NODE, "", "Error: no"),
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
