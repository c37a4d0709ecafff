"""What a trial's function is follows from what it computes, not from how it is written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studies.inputs.function_identity import function_identity
from tests.support.checkout import ROOT

BEFORE = """
import functools, math
from dataclasses import dataclass

RATE, WIDTHS, NAMES = 0.1, [8, 4], {"a", "b", "c"}
SEEN, COUNTS = [], {"calls": 0}

class Net:
    bias = True
    def forward(self, x):
        return math.tanh(x) * RATE

@dataclass
class Settings:
    momentum: float = 0.9

SETTINGS = Settings()

def scaled(x, by=2.0):
    return x * by if x < 1 else scaled(x - 1)

def made(decay):
    def trial(configuration, report):
        return decay * RATE
    return trial

def trial(configuration, report, *, epochs=3):
    SEEN.append(configuration)
    COUNTS["calls"] += 1
    net = Net()
    for epoch in range(1, epochs + 1):
        try:
            value = scaled(net.forward(epoch)) + sum(WIDTHS) + len(NAMES) + SETTINGS.momentum
        except ValueError:
            value = 0.0
        report(epoch, val_loss=value, names="ab" in {"ab", "cd", "ef"})
"""
FUNCTIONS = (
    "trial",
    "made(0.5)",
    "functools.partial(trial, epochs=4)",
    "lambda c, r: r(1, x=RATE)",
)


def identity(text: str, function: str = "trial") -> str:
    module: dict[str, Any] = {"__name__": "user_trial"}
    exec(compile(text, "user_trial.py", "exec"), module)
    return function_identity(eval(function, module))


REWRITTEN = {
    "comments and empty lines": BEFORE.replace("\n    net", "\n\n    # the network\n    net"),
    "lines above": "\n\n" + BEFORE,
    "a docstring": BEFORE.replace("epochs=3):", 'epochs=3):\n    """Train it."""'),
    "a class's docstring": BEFORE.replace("class Net:", 'class Net:\n    """The network."""'),
    "other line breaks": BEFORE.replace("report(epoch, ", "report(\n            epoch,\n    "),
    "what it does not use": BEFORE + "\nOTHER = 1\ndef unused(): return OTHER\n",
    "what it collects": BEFORE.replace("SEEN, COUNTS = []", "SEEN, COUNTS = [1, 2]"),
    "what it counts": BEFORE.replace('"calls": 0', '"calls": 7'),
}
CHANGED = {
    "an instruction": ("+ sum(WIDTHS)", "- sum(WIDTHS)"),
    "a constant": ("value = 0.0", "value = 1.0"),
    "what is caught": ("except ValueError", "except TypeError"),
    "a default": ("epochs=3", "epochs=5"),
    "a global number": ("RATE, WIDTHS, NAMES = 0.1", "RATE, WIDTHS, NAMES = 0.2"),
    "a global list": ("[8, 4]", "[4, 8]"),
    "a number that equals another kind": ("[8, 4]", "[8, 4.0]"),
    "a global set": ('{"a", "b", "c"}', '{"a", "b", "d"}'),
    "a set among constants": ('{"ab", "cd", "ef"}', '{"ab", "cd", "eg"}'),
    "a function that it calls": ("else scaled(x - 1)", "else scaled(x - 2)"),
    "the default of a function that it calls": ("by=2.0", "by=3.0"),
    "a method of a class": ("math.tanh(x)", "math.sin(x)"),
    "an attribute of a class": ("bias = True", "bias = False"),
    "the state of an object": ("Settings()", "Settings(0.8)"),
}


@pytest.mark.parametrize("rewritten", REWRITTEN.values(), ids=REWRITTEN)
def test_how_a_function_is_written_does_not_matter(rewritten: str) -> None:
    assert rewritten != BEFORE and identity(rewritten) == identity(BEFORE)


@pytest.mark.parametrize(("old", "new"), CHANGED.values(), ids=CHANGED)
def test_what_a_function_computes_with_matters(old: str, new: str) -> None:
    assert BEFORE.count(old) == 1 and identity(BEFORE.replace(old, new)) != identity(BEFORE)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_kind_of_function_sees_the_globals_that_it_uses(function: str) -> None:
    other = BEFORE.replace("= 0.1", "= 0.2")
    assert identity(BEFORE, function) == identity(BEFORE, function)
    assert identity(BEFORE, function) == identity("\n\n" + BEFORE, function)
    assert identity(BEFORE, function) != identity(other, function)


def test_closures_partials_and_lambdas_are_told_apart_by_their_values() -> None:
    for one, other in (
        ("made(0.5)", "made(0.25)"),
        ("functools.partial(trial, epochs=4)", "functools.partial(trial, epochs=5)"),
        ("lambda c, r: r(1, x=1)", "lambda c, r: r(1, x=2)"),
        ("functools.partial(trial, epochs=4)", "trial"),
    ):
        assert identity(BEFORE, one) != identity(BEFORE, other)


def test_what_cannot_be_told_from_outside_is_left_out() -> None:
    text = (
        "import threading\nLOCK = threading.Lock()\ndef trial(c, r):\n    r(1, x=LOCK.locked())\n"
    )
    assert identity(text) == identity(text)


def test_another_process_finds_the_same(tmp_path: Path) -> None:
    (tmp_path / "user_trial.py").write_text(BEFORE)
    text = (
        "import user_trial; from studies.inputs.function_identity import function_identity as f\n"
        "print(f(user_trial.trial))"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    found = {
        subprocess.run(
            [sys.executable, "-c", text],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2", "3")  # the later ones read what the first one has compiled
    }
    assert len(found) == 1 and "SHA-256" in found.pop()


def test_a_function_that_was_called_is_what_it_was() -> None:
    calls: list[int] = []

    def trial(configuration: Any, report: Callable[..., Any]) -> None:
        calls.append(1)

    before = function_identity(trial)
    trial({}, print)
    assert calls == [1] and function_identity(trial) == before
