"""What the commands print, and what MLflow's note says, of studies made by hand."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from studies.analysis import StudyOutcome, compare, recommended
from studies.api.progress import better
from studies.cli.results.compare import print_comparison
from studies.cli.results.display import print_summary
from studies.records import Annotation, Outcome
from studies.reporting.render import render
from studies.results import StudyResults
from studies.sentences.description import describe
from studies.sentences.markdown import bullets, marked
from tests.support.states import states

STATES = states()


def screen() -> tuple[Console, StringIO]:
    out = StringIO()
    return Console(file=out, width=200, markup=False, highlight=False), out


def compared(state: str) -> list[str]:
    console, out = screen()
    print_comparison(STATES[state], compare(STATES[state]), [], console)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def summed_up(results: StudyResults) -> list[str]:
    console, out = screen()
    print_summary(results, console)
    return out.getvalue().splitlines()


def heads(line: str) -> list[str]:
    return [head.strip() for head in line.split("  ") if head.strip()]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            "finished",
            ["found for optimizer", "val/accuracy, mean of fresh seeds (95 %)", "seeds"],
        ),
        ("arms", ["optimizer", "test/accuracy, winners' mean (95 %)", "searches"]),
        (
            "arms with lost repeats",
            ["optimizer", "test/accuracy, winners' mean (95 %)", "searches", "lost"],
        ),
        ("arms at a budget", ["optimizer", "val/accuracy, best of 5 trials (95 %)"]),
    ],
)
def test_the_heads_are_those_of_the_report(state: str, expected: list[str]) -> None:
    assert heads(compared(state)[0]) == [*expected, "search best", "defaults"]


def test_of_configurations_the_order_is_said_to_mean_nothing_for_arms() -> None:
    assert any(
        line.endswith("The order says nothing about the arms.") for line in compared("finished")
    )


def test_of_repeats_no_best_value_of_different_splits_is_told() -> None:
    said = summed_up(STATES["arms"])
    assert heads(said[2]) == ["optimizer", "searches", "trials", "epochs", "training time"]
    assert any(line.startswith("expect test/accuracy ") for line in said)
    used = recommended(STATES["arms"])
    assert used is not None
    assert f"the configuration to use, found by {used.trial.key} for adam:" in said


def test_what_trainings_took_of_the_machine_is_told_where_it_is_known() -> None:
    found = STATES["finished"]
    assert not any(line.startswith("of one training") for line in summed_up(found))
    first, *others = found.trials
    known = replace(found, trials=[replace(first, system={"system/memory": 812.0}), *others])
    assert "largest training: peak memory 812 MiB" in summed_up(known)
    assert "| of one trial at most | peak memory 812 MiB |" in render(known, "md")


def test_one_fresh_seed_is_no_seeds() -> None:
    found = STATES["nothing compared"]
    fresh = [each for each in found.trials if each.phase == "confirm"][:1]
    one = replace(found, trials=[each for each in found.trials if each.phase == "search"] + fresh)
    (expected,) = [line for line in summed_up(one) if line.startswith("expect ")]
    assert "the mean of 1 fresh seed on one split" in expected


def test_progress_tells_no_best_over_splits() -> None:
    assert better(STATES["arms"].spec, None, 0.9, Outcome.completed) is None
    assert better(STATES["finished"].spec, 0.8, 0.9, Outcome.completed) == 0.9


def test_code_keeps_the_spaces_around_it() -> None:
    assert marked("more seeds: `fairtune run a_b` would *not*") == (
        "more seeds: `fairtune run a_b` would \\*not\\*"
    )
    assert marked("one ` alone") == "one \\` alone"
    assert bullets(["a", "`b`"]) == "- a\n- `b`"


def test_the_report_sets_the_commands_of_its_advice_as_code() -> None:
    text = render(STATES["arms without a verdict"], "md")
    assert "\n\nRepeats first: `fairtune run made --home nowhere --set search.repeats=6`\n" in text


def test_the_note_has_headings_for_uncertainty_and_advice() -> None:
    note = describe(StudyOutcome.of(STATES["arms without a verdict"]))
    verdict = note.partition("### Verdict")[2].partition("###")[0]
    way_out = "- repeats first: `fairtune run made --home nowhere --set search.repeats=6`\n"
    assert way_out in verdict
    assert "scatter" not in verdict and "### Where the uncertainty comes from\n" in note


def test_a_summary_has_the_note_and_the_tags_and_nothing_steers_the_terminal() -> None:
    said = Annotation("the first\n\x1b[2Jone", {"team": "a\x1b[0m", "lr": "high"})
    lines = summed_up(replace(STATES["finished"], annotation=said))
    at = lines.index("note: the first")
    assert lines[at : at + 3] == [
        "note: the first", r"\x1b[2Jone", r"tags: team = a\x1b[0m, lr = high",
    ]  # fmt: skip
    assert not any(line.startswith(("note:", "tags:")) for line in summed_up(STATES["finished"]))
