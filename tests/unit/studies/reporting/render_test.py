"""A report says what a study allows, for everybody and in every state of the study."""

import csv
import io
import os
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lightning_modules.errors import UserError
from studies.analysis import compare
from studies.records import Outcome
from studies.reporting import tables as report_tables
from studies.reporting.html import marked
from studies.reporting.render import FILES, Format, render, write
from studies.results import StudyResults
from tests.support.made import COMPARE, OPTIMIZERS, confirmed, searched, spec_of, study, trial
from tests.support.states import states as made_states

STATES = made_states()
BEST = {"sgd": 0.93, "momentum": 0.97, "adam": 0.98}
CLOSE = [0.95 + 0.001 * (i % 3) for i in range(9)]
LOW = [value - 0.03 - 0.002 * (i % 2) for i, value in enumerate(CLOSE)]
HOSTILE = "<script>alert('x')</script> **bold** | cell `code` =1+1"


@cache
def page_of(state: str) -> str:
    """A figure takes a tenth of a second: every page is made once."""
    return render(complete() if state == "complete" else STATES[state], "html")


def complete(text: str = OPTIMIZERS) -> StudyResults:
    spec = spec_of(text)
    trials = searched(spec, BEST)
    for arm, values in (
        ("adam", CLOSE),
        ("momentum", [v - 1e-4 for v in CLOSE[::-1]]),
        ("sgd", LOW),
    ):
        curve = {epoch: 0.9 + 0.004 * epoch for epoch in range(1, 11)}
        trials += confirmed(spec, arm, values, curve=curve)
    return study(spec, trials)


class Page(HTMLParser):
    """Tags, addresses and visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = ("href", "src", "srcset", "xlink:href", "action", "data")
        self.addresses += [value or "" for name, value in attributes if name in named]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_needs_no_network_and_no_script() -> None:
    text = page_of("complete")
    page = Page(text)
    assert not {"script", "link", "iframe", "img", "object", "embed"} & set(page.tags)
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.search(r"url\((?!#)|@import", text)
    assert page.tags.count("svg") == 5  # ranking, rates, differences, tuning and learning curves


def test_the_page_says_verdicts_ranking_methods_and_the_study_file() -> None:
    text = Page(page_of("complete")).text
    for said in (
        "No other configuration is better than those found for adam, momentum",
        "The configuration found for adam beats the one found for sgd by 3.09 points",
        "this does not say that adam is better",
        "better in 9 of 9 seeds",
        "digits",
        "the same for every arm",
        "these seeds were used for no trial of a search",
        "Holm",
    ):
        assert said in text, said
    assert " ".join(complete().spec.text.split()) in text


def test_equal_results_give_equal_bytes() -> None:
    assert render(complete(), "html") == page_of("complete")


@pytest.mark.parametrize("form", ["html", "md"])
def test_what_people_wrote_is_shown_as_text(form: Format) -> None:
    results = complete(f'description: "{HOSTILE}"\n' + OPTIMIZERS)
    text = render(results, form)
    if form == "html":
        assert "<script" not in text
        assert HOSTILE in Page(text).text
    else:
        prose, _, file = text.partition("## Study file")
        assert "<script" not in re.sub(r"\\.", "", prose)
        assert "**bold**" not in prose and "| cell" not in re.sub(r"\\.", "", prose)
        assert HOSTILE in file


def test_the_markdown_has_the_tables_of_the_page() -> None:
    text = render(complete(), "md")
    assert text.startswith("# made\n")
    row = next(line for line in text.splitlines() if line.startswith("| adam | 95.10 %"))
    assert row.count(" | ") == 9
    assert "| adam | sgd | +3.09 |" in text
    assert "| the one found for adam is better |" in text


def test_the_table_of_trials_has_a_row_for_each_and_no_formula() -> None:
    spec = spec_of()
    failed = trial(spec, "sgd", 9, None, outcome=Outcome.error, reason="=HYPERLINK(1)")
    results = study(spec, [*complete().trials, failed])
    rows = list(csv.DictReader(io.StringIO(render(results, "csv"))))
    assert len(rows) == len(results.trials)
    assert [row["reason"] for row in rows if row["reason"]] == ["'=HYPERLINK(1)"]
    phases = [row["phase"] for row in rows]
    assert phases == sorted(phases, key=["search", "confirm"].index)
    assert rows[0]["optimizer.lr"] == "0.02" and rows[0]["best/val/accuracy"] == "0.9"
    assert {row["phase"] for row in rows} == {"search", "confirm"}


def states() -> dict[str, tuple[StudyResults, str]]:
    spec, alone = spec_of(), spec_of(OPTIMIZERS.replace(COMPARE, ""))
    plain = spec_of(OPTIMIZERS.replace("confirm: {top: 1, seeds: 9}", "confirm: null"))
    diverged = [trial(spec, "sgd", i, None, outcome=Outcome.diverged) for i in range(4)]
    others = searched(spec, {"momentum": 0.97, "adam": 0.98})
    others += confirmed(spec, "adam", CLOSE) + confirmed(spec, "momentum", LOW)
    return {
        "no trial": (study(spec, [], finished=False), "No trial has completed"),
        "no comparison": (study(alone, searched(alone, {"": 0.9})), "which is optimistic"),
        "no confirmation": (study(plain, searched(plain, BEST)), "confirm"),
        "an arm failed": (study(spec, [*diverged, *others]), "sgd: no trial has completed"),
        "running": (study(spec, searched(spec, {"sgd": 0.9}), finished=False), "not finished"),
        "everything failed": (study(spec, diverged), "No trial has completed"),
    }


IN_ANY_STATE = states()


@pytest.mark.parametrize("form", ["html", "md", "csv"])
@pytest.mark.parametrize("state", IN_ANY_STATE)
def test_a_study_in_any_state_has_a_report(state: str, form: Format) -> None:
    results, said = IN_ANY_STATE[state]
    text = render(results, form)
    assert text.strip()
    if form != "csv":
        shown = Page(text).text if form == "html" else text.replace("\\", "")
        assert said in shown


def test_a_file_is_written_whole_over_an_older_one_and_never_into_a_folder(tmp_path: Path) -> None:
    path = tmp_path / FILES["md"].format("made")
    path.write_text("old")
    write("new", path)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["made-report.md"]
    with pytest.raises(UserError, match="is a folder; name a file in it with --output"):
        write("new", tmp_path)
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write("new", tmp_path / "nowhere" / "report.md")


# --- what is claimed ------------------------------------------------------------------------------

ABOUT_ARMS = re.compile(
    r"\b(adam|momentum|sgd) (beats|wins|leads|outperforms|is better|is worse|is ahead|comes first)"
)
"""What may be said of arms that were compared, and of nothing else."""


def shown(state: str, form: Format = "html") -> str:
    if form == "html":
        return Page(page_of(state)).text
    return render(STATES[state], form).replace("\\", "")


@pytest.mark.parametrize("form", ["html", "md"])
def test_of_one_search_of_each_arm_nothing_is_said_about_the_arms(form: Format) -> None:
    text = shown("finished", form)
    claims = text.partition("One search per arm")[0]
    assert "The configuration found for adam is better than every other one" in claims
    assert "Configurations found, by their mean" in text
    assert "The order says nothing about the arms" in text
    assert "the one found for adam is better" in text
    without = re.sub(r"this does not say that \w+ is better", "", text)
    without = re.sub(r"found for \w+ (beats|is better)", "", without)
    prose = without.partition("Methods")[0]
    assert ABOUT_ARMS.findall(prose) == []


def test_of_repeated_searches_the_arms_are_told_apart_on_the_test_part() -> None:
    text = shown("arms")
    for said in (
        "adam is better than every other arm when each is tuned with 4 trials",
        "test/accuracy, winners' mean (95 %)",
        "The mean over the winners of the searches, each on the test part of its own split",
        "Splits differ, and an easy one is easy for all arms",
        "Differences between the arms, by repeat",
        "Search best, selection bias and defaults are of the validation part",
        "the winners of adam's 6 searches",
        'an estimate for "search, then take the winner"',
    ):
        assert said in text, said
    assert "untuned" not in text.partition("Methods")[0]


def test_every_winner_has_a_row_with_its_repeat_and_split() -> None:
    table = report_tables.winners_table(STATES["arms"], report_tables.find_winners(STATES["arms"]))
    assert table.head[:4] == ["optimizer", "repeat", "split", "trial"]
    assert [row[:4] for row in table.rows[:2]] == [
        ["sgd", "1", "1001", "sgd-search-3"],
        ["sgd", "2", "1002", "sgd-r2-search-3"],
    ]
    assert len(table.rows) == 3 * 6


def test_errors_are_compared_as_ratios_in_percent() -> None:
    table = report_tables.pairs_table(compare(STATES["arms by losses"]))
    assert list(table.head[:4]) == ["A", "B", "A above B (%)", "95 % interval"]
    assert table.rows[0][:4] == ["adam", "momentum", "-27.5", "-28.3 to -26.7"]
    assert "Effects are ratios" in table.note
    assert "a loss that is 27.5 % lower" in shown("arms by losses", "md")


def test_lost_repeats_are_counted_and_named() -> None:
    comparison = compare(STATES["arms with lost repeats"])
    table = report_tables.ranking_table(comparison)
    lost = {row[0]: row[table.head.index("lost")] for row in table.rows}
    assert lost == {"sgd": "0", "adam": "1 (2)", "momentum": "2 (2, 5)"}
    assert "arms that lost fewer come first" in table.note
    assert "observed 20.40 points in favour of adam" in shown("arms with lost repeats")


def test_without_a_verdict_no_pair_has_one() -> None:
    text = shown("arms without a verdict")
    assert text.count("No verdict: 2 searches of each arm cannot say which arm is better") == 1
    assert "no verdict" not in text.partition("Methods")[0]
    assert "no detectable difference" not in text.partition("Methods")[0]
    assert ABOUT_ARMS.findall(text.partition("Methods")[0]) == []


def test_a_sequential_comparison_says_its_level_and_its_looks() -> None:
    table = report_tables.pairs_table(compare(STATES["arms after the first look"]))
    assert "97.76 % interval" in table.head
    assert table.rows[0][table.head.index("closed after")] == "6"
    assert "looks after 6 and 8 repeats (so far: 6)" in table.note


def test_unconfirmed_searches_are_not_lost() -> None:
    comparison = compare(STATES["searches of one arm"])
    assert comparison.lost == {}
    assert "which were not confirmed on fresh seeds" in report_tables.ranking_table(comparison).note


def test_the_table_of_trials_tells_repeats_splits_and_phases() -> None:
    rows = list(csv.DictReader(io.StringIO(render(STATES["arms"], "csv"))))
    assert {row["phase"] for row in rows} == {"search", "confirm", "cross"}
    assert {(row["repeat"], row["split"]) for row in rows if row["phase"] == "search"} == {
        (str(n), str(1000 + n)) for n in range(1, 7)
    }
    head = report_tables.outcomes_table(STATES["arms"])
    assert [row[1] for row in head.rows] == ["search"] * 3 + ["confirm"] * 3 + ["cross"] * 3


def test_advice_sets_its_commands_as_code() -> None:
    assert marked("run <it>: `fairtune run a.yaml`.") == (
        "run &lt;it&gt;: <code>fairtune run a.yaml</code>."
    )


@pytest.mark.parametrize(
    "state", [name for name in STATES if name.startswith(("arms", "searches"))]
)
def test_a_study_of_arms_in_any_state_has_a_report(state: str) -> None:
    for form in FILES:
        assert (page_of(state) if form == "html" else render(STATES[state], form)).strip()


def test_ways_of_failing_are_a_table_with_the_first_trials() -> None:
    results = STATES["all failed"]
    table = report_tables.causes_table(results)
    assert [row[0] for row in table.rows] == list(results.arms)
    for arm, row in zip(results.arms, table.rows, strict=True):
        failed = [trial.key for trial in results.search if trial.arm == arm]
        assert row[1:3] == ["diverged", f"{len(failed)} of {len(failed)}"]
        assert row[-1].startswith(failed[0])
    assert table.note == ""


def test_a_study_without_failures_has_no_table_of_them() -> None:
    assert not report_tables.causes_table(STATES["running"]).rows


def test_every_figure_is_told_to_those_who_do_not_see_it_and_names_are_once_on_a_page() -> None:
    text = page_of("complete")
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len(set(names))
    for name in ("ranking", "map", "differences", "tuning", "learning"):
        assert f'aria-labelledby="figure-{name}-title figure-{name}-desc"' in text
        assert re.search(f'<desc id="figure-{name}-desc">[^<]+</desc>', text)


def test_of_many_arms_the_best_are_drawn_and_it_is_said() -> None:
    assert shown("forty arms").count("Shown are the best 12 of 40 arms.") == 4


def first_screen(text: str) -> str:
    return text.partition("<details")[0]


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("complete", "val/accuracy by optimizer.lr"),
        ("schedules", "Learning rate of the winners"),
        ("regularization", "val/accuracy by regularization."),
    ],
)
def test_the_page_begins_with_the_answer_the_ranking_the_map_and_the_winner(
    state: str, title: str
) -> None:
    first = first_screen(page_of(state))
    places = [
        first.index(said)
        for said in ('class="headline"', 'id="figure-ranking', title, 'id="use"', "study: ")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("state", ["complete", "arms", "nothing started", "forty arms"])
def test_all_that_is_folded_is_in_the_contents(state: str) -> None:
    text = page_of(state)
    named = re.findall(r'<li><a href="#([^"]+)">', text)
    folded = re.findall(r'<div class="inside" id="([^"]+)"', text)
    assert [name for name in named if name != "use"] == folded
    assert {"methods", "study-file"} <= set(folded)
    assert ("use" in named) == ('<section id="use">' in text)


def test_a_table_of_many_pairs_is_not_printed() -> None:
    printed = '<details class="paper"><summary><h2>Pairs of configurations'
    assert printed in page_of("complete")
    assert "<details><summary><h2>Pairs of configurations" in page_of("forty arms")


def test_what_more_repeats_would_show_is_drawn_beside_the_sources_of_variance() -> None:
    text = page_of("arms")
    for name in ("budget", "sources"):
        assert f'id="figure-{name}-desc"' in text
    assert "search.repeats=" in Page(text).text
