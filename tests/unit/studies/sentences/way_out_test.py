"""Where there is no verdict the way to one stands beside the reason, with a complete command."""

import io
import re

import pytest
from rich.console import Console

from studies.analysis import StudyOutcome, compare
from studies.cli.results.compare import print_comparison
from studies.reporting.content import report
from studies.reporting.html import marked
from studies.reporting.render import render
from studies.sentences.description import describe
from studies.sentences.way_out import sentences, way_to_verdict
from tests.support.made import OPTIMIZERS, confirmed, searched, spec_of, study
from tests.support.states import states

STATES = states()
BEST = {"sgd": 0.93, "momentum": 0.97, "adam": 0.98}
RUN = "fairtune run made --home nowhere"


def way(state: str) -> str:
    return way_to_verdict(STATES[state], compare(STATES[state]))


def test_too_few_repeats_and_seeds_and_a_study_that_is_not_over_have_a_command() -> None:
    assert way("arms without a verdict") == f"repeats first: `{RUN} --set search.repeats=6`"
    assert way("arms half way") == f"to get there: `{RUN}` continues it"
    assert way("not confirmed") == f"fresh seeds first: `{RUN} --set 'confirm={{}}'`"


def test_too_few_fresh_seeds_for_any_verdict_have_a_command() -> None:
    spec = spec_of(OPTIMIZERS.replace("seeds: 9", "seeds: 3"))
    assert spec.design.seeds == 3
    trials = [t for arm in BEST for t in confirmed(spec, arm, [0.9, 0.91, 0.92])]
    found = study(spec, [*searched(spec, BEST), *trials])
    compared = compare(found)
    assert report(found, compared).headline == (
        "No verdict is possible with 3 seeds: 7 at least are needed."
    )
    said = way_to_verdict(found, compared)
    assert re.fullmatch(r"fresh seeds first: `fairtune run .* --set confirm\.seeds=9`", said)


@pytest.mark.parametrize("state", ["arms", "finished", "nothing compared", "one arm"])
def test_nothing_leads_to_a_verdict_where_there_is_one_or_nothing_is_compared(state: str) -> None:
    assert way(state) == ""


@pytest.mark.parametrize("state", ["arms without a verdict", "arms half way"])
def test_why_there_is_no_verdict_is_said_once_with_its_way_out_behind_it(state: str) -> None:
    results = STATES[state]
    compared = compare(results)
    why, out = compared.design.why_none, way(state)
    screen = io.StringIO()
    console = Console(file=screen, width=1000, markup=False, highlight=False)
    print_comparison(results, compared, [], console)
    for text in (
        render(results, "md"),
        re.sub(r"<[^>]*>", "", re.sub(r"</?code>", "`", render(results, "html"))),
        screen.getvalue(),
        describe(StudyOutcome.of(results)),
    ):
        assert text.count(why.partition("(")[0].strip()) == 1
        assert text.count(out.partition("`")[2].rstrip("`")) >= 1
        after = text.partition(why[:30])[2]
        assert after.index("`") < 300 and after.partition("`")[2].startswith(RUN)


def test_a_pair_without_a_verdict_does_not_say_so_in_a_column() -> None:
    results = STATES["arms without a verdict"]
    table = report(results, compare(results)).pairs
    assert not {"verdict", "test", "p", "p after Holm"} & set(table.head)
    results = STATES["arms"]
    assert "verdict" in report(results, compare(results)).pairs.head


def test_a_backtick_alone_is_text() -> None:
    assert str(marked("one ` and <b>")) == "one ` and &lt;b&gt;"
    assert str(marked("run `a <b>` now")) == "run <code>a &lt;b&gt;</code> now"


def test_a_study_whose_winners_were_not_confirmed_says_so_before_the_command() -> None:
    results = STATES["not confirmed"]
    said = sentences(results, compare(results))
    assert said[-2:] == [
        "missing: the winners were not confirmed on fresh seeds, so what the search found is "
        "optimistic and no verdict is given",
        f"fresh seeds first: `{RUN} --set 'confirm={{}}'`",
    ]
    assert [text.lower() for text in report(results, compare(results)).missing[-1:]] == [said[-1]]
