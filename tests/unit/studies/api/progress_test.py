"""What a person sees while a study goes on."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from studies.api.progress import Lines, LiveDisplay
from studies.records import Outcome, Search, TrialEnd
from studies.search import AskedTrial
from studies.study_file import Spec, document, resolve
from tests.support.record_made import trial_of

FILE = "study: x\ndata: iris\nmodel: mlp\nobjective: {metric: val/loss, goal: GOAL}\n"
SEARCH = Search(1, "x", "", 1, "search", None, "minimize", {})


def spec_of(goal: str, more: str = "") -> Spec:
    return resolve(document.parse(FILE.replace("GOAL", goal) + more, "study.yaml"))


def ended(value: float | None, outcome: Outcome = Outcome.completed, number: int = 0) -> Any:
    return trial_of(SEARCH, number, value=value, outcome=outcome)


@pytest.mark.parametrize(("goal", "best"), [("minimize", 0.25), ("maximize", 0.75)])
def test_the_best_after_a_resume_is_that_of_all_runs(goal: str, best: float) -> None:
    text = StringIO()
    screen = Lines(spec_of(goal), Console(file=text, width=200))
    screen.resumed([ended(0.25), ended(0.75), ended(None, Outcome.error)])
    screen.phase("search", 4, 3)
    asked = AskedTrial(None, ended(None, number=3), None)  # type: ignore[arg-type]
    screen.ended(asked, TrialEnd(Outcome.completed, epochs=2, seconds=1.0), 0.5)
    assert f"[4/4] trial-0003 completed val/loss 0.5000 in 2 epochs, 1.0 s · best {best}" in (
        text.getvalue()
    )


def test_the_live_display_counts_the_trials_of_earlier_runs() -> None:
    display = LiveDisplay(spec_of("minimize"))
    display.resumed([ended(0.5), ended(0.25, number=1), ended(None, Outcome.error, 2)])
    assert (display.best, display.best_key) == (0.25, "trial-0001")
    assert display.counts == {Outcome.completed: 2, Outcome.error: 1}


def test_the_live_display_draws_the_trials_that_a_screen_has_room_for() -> None:
    display = LiveDisplay(spec_of("minimize"))
    configuration: Any = SimpleNamespace(reports=20)
    for number in range(500):
        asked = AskedTrial(None, ended(None, number=number), configuration)  # type: ignore[arg-type]
        display.started(asked)
    text = StringIO()
    Console(file=text, width=100, height=10).print(display)
    lines = text.getvalue().splitlines()
    assert len(lines) <= 10
    assert [line.split()[0] for line in lines[1:7]] == [f"trial-{n:04d}" for n in range(6)]
    assert lines[7].split() == ["and", "494", "more"]
