"""What all pages share: which study is looked at, and how a figure is shown.

A page is written so:

    def page(chosen: Chosen) -> None:
        def info() -> RankingInfo:
            return ranking_info(chosen.results, chosen.comparison)

        show(chosen, info, draw_ranking, "ranking", "No trial has completed yet.")

    live(chosen_study(arms=True), page)

`chosen_study` draws the sidebar and says which study, metric and arms are looked at; where the home
has no study it says what to run first, and the page ends there. `live` draws the page and, while
the study runs, draws it again. `show` draws a figure with its caption, a text for those who do not
see it, and its data to download. `plain` makes text of what a person wrote; all such text that
goes through Markdown (`st.markdown`, `st.caption`, `st.info`, labels of pages and links) needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import data
from dashboard.figures.common import NARROW, Picture
from dashboard.pictures import Drawn, SomeInfo, drawn
from dashboard.selectors import choose, choose_several
from lightning_modules.errors import FairtuneError
from studies.analysis import Comparison, StudyEntry, StudyRow
from studies.analysis.overview import State, state
from studies.home import Home
from studies.records import Histories, Trial
from studies.reporting.content import Report
from studies.reporting.render import csv_text
from studies.results import StudyResults
from studies.sentences.markdown import escape
from studies.statistics import Goal

PRESETS = {
    "": "quickstart",
    "optimizer": "quickstart-optimizers",
    "schedule": "schedules",
    "regularization": "regularization",
}
"""What to run first, by the factor of a page."""
SHORTEST_PAUSE, TRIALS_PER_SECOND, ARMS_PER_SECOND = 3.0, 200, 4
"""A running study is read again after so many seconds; a large one, which takes longer, later: the
study needs the processor more."""


@dataclass(frozen=True)
class Chosen:
    """What a page is about."""

    home: Home
    listed: StudyEntry
    metric: str
    picked: tuple[str, ...] = ()
    """Arms that were picked in the sidebar; empty for all."""

    @property
    def study(self) -> str:
        """The study's name."""
        return self.listed.study

    @property
    def results(self) -> StudyResults:
        """The study's trials."""
        return data.study(self.home, self.study, self.listed.token)

    @property
    def comparison(self) -> Comparison:
        """The study's arms by the metric; takes seconds where there are many arms."""
        return data.comparison(self.home, self.study, self.listed.token, self.metric)

    @property
    def report(self) -> Report:
        """Everything that may be said of the study, in sentences and tables."""
        return data.report(self.home, self.study, self.listed.token, self.metric)

    @property
    def goal(self) -> Goal:
        """Whether the metric is better high or low."""
        return self.comparison.goal

    @property
    def state(self) -> State:
        """Whether the study runs now."""
        return state(self.results)

    @property
    def row(self) -> StudyRow:
        """How far the study has come."""
        driver = self.home.driver(self.study)
        return data.row(self.home, self.study, self.listed.token, driver)

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms for figures that cannot show many: the picked ones, else the best, best first."""
        ranked = tuple(arm.arm for arm in self.comparison.arms)
        return tuple(arm for arm in ranked if arm in self.picked) or ranked[:NARROW]

    def histories(self, trials: Sequence[Trial], metrics: Sequence[str]) -> Histories:
        """Metrics of some trials after every epoch, by their keys."""
        keys = tuple(sorted(trial.key for trial in trials))
        return data.histories(self.home, self.study, self.listed.token, keys, tuple(metrics))

    def kept(
        self, key: tuple[Hashable, ...], make: Callable[[], Drawn[SomeInfo]]
    ) -> Drawn[SomeInfo]:
        """A figure that was drawn before for the same study, metric, arms and key, else a new
        one."""
        every = (self.metric, self.picked, *key)
        return data.figure(self.home, self.study, self.listed.token, every, make)

    def fresh(self) -> Chosen:
        """The same with what the study has found since."""
        found = next((each for each in data.listed(self.home) if each.study == self.study), None)
        return replace(self, listed=found or self.listed)


def available(factor: str = "") -> list[StudyEntry]:
    """The studies of the home, or those that compare a factor, the last changed first."""
    return [each for each in data.listed(data.home()) if not factor or each.compares(factor)]


def chosen_study(factor: str = "", *, metric: bool = True, arms: bool = False) -> Chosen:
    """The study that is looked at: that of the address, else the last changed one that compares
    the factor. `metric` and `arms` ask for selectors of those."""
    found = {each.study: each for each in available(factor)}
    if not found:
        say_what_to_run(factor)
        st.stop()
    asked = st.query_params.get("study", "")
    study = choose("study", "Study", list(found))
    if asked and asked != study:
        why = f"compares no {factor}" if factor else "is no study of this home"
        st.caption(f"{plain(asked)} {why}: this is {study}.")
    home, listed = data.home(), found[study]
    results = data.study(home, study, listed.token)
    logged = data.metrics(home, study, listed.token)
    several = metric and len(logged) > 1
    by = choose("metric", "Metric", logged, usual=logged[0]) if several else logged[0]
    names = [arm for arm in results.arms if arm]
    picked = choose_several("arm", "Arms", names, "all") if arms and len(names) > 1 else ()
    return Chosen(home, listed, by, picked)


def one_search(chosen: Chosen) -> StudyResults:
    """The study with one search of each arm, and a selector where there are several: the values
    of different splits are no one picture."""
    results = chosen.results
    count = results.spec.repeats
    if count == 1:
        return results
    options = [f"{number} of {count}" for number in range(1, count + 1)]
    picked = st.selectbox("Search", options, key="search", bind="query-params", width=160)
    repeat = options.index(picked) + 1
    splits = {trial.split_seed for trial in results.trials if trial.repeat == repeat}
    known = [str(split) for split in splits if split is not None]
    where = f", on split {known[0]}" if len(known) == 1 else ""
    st.caption(
        f"Single trials are those of search {repeat} of every arm{where}; other searches have "
        "other rows."
    )
    return data.one_search(chosen.home, chosen.study, chosen.listed.token, repeat)


def shown_repeat(results: StudyResults) -> int:
    """Which search of each arm a study has that `one_search` gave."""
    return results.trials[0].repeat if results.trials else 1


def say_what_to_run(factor: str = "") -> None:
    """What a person does who has no study yet."""
    what = f"compares alternatives for the {factor}" if factor else "has run"
    st.info(f"No study of this home {what} yet. Start one in a terminal:")
    st.code(f"fairtune run {PRESETS[factor]} --home '{data.home().path}'", language="bash")
    st.caption("It appears here while it runs; open this page again.")


def live(chosen: Chosen, page: Callable[[Chosen], None]) -> None:
    """Draws a page; while its study runs, draws it again with what was found since."""
    running = chosen.state == "running"
    trials, arms = len(chosen.results.trials), len(chosen.results.arms)
    pause = max(SHORTEST_PAUSE, trials / TRIALS_PER_SECOND, arms / ARMS_PER_SECOND)

    @st.fragment(run_every=pause if running else None)
    def body() -> None:
        with polite():
            now = chosen.fresh()
            if running and now.state != "running":
                st.rerun()  # a whole run of the page, which ends the refreshing
            page(now)

    body()


@contextmanager
def polite() -> Iterator[None]:
    """What fairtune complains of becomes a sentence on the page."""
    try:
        yield
    except FairtuneError as error:
        st.error(plain(str(error)))


def show(
    chosen: Chosen,
    make: Callable[[], SomeInfo],
    draw: Callable[[SomeInfo], Picture],
    name: str,
    nothing: str,
    *,
    by: tuple[Hashable, ...] = (),
) -> SomeInfo:
    """A figure of a study, see `show_drawn`; it is kept until the study changes, or, while that
    runs, made anew. `by` has all that it depends on beside the study, the metric, the picked arms
    and its name."""

    def drawing() -> Drawn[SomeInfo]:
        return drawn(make(), draw)

    figure = drawing() if chosen.state == "running" else chosen.kept((name, *by), drawing)
    show_drawn(figure, name, nothing)
    return figure.info


def show_drawn(figure: Drawn[SomeInfo], name: str, nothing: str) -> None:
    """A figure with its caption and its data; `nothing` is said where there is none to draw.

    `name` is the figure's, once on a page: the file of its data is called so.
    """
    info = figure.info
    if info.empty:
        st.caption(plain(nothing))
        return
    st.vega_lite_chart(spec=dict(figure.spec), alt=info.alt, key=f"figure {name}")
    words, download = st.columns([9, 1], gap="small")
    words.caption(plain(info.caption))
    with download:
        st.download_button(
            ":material/download:",
            lambda: csv_text(info.data),
            f"{name}.csv",
            "text/csv",
            key=f"csv {name}",
            help="The data of this figure, as CSV",
            on_click="ignore",
            type="tertiary",
        )


def plain(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is, on one line."""
    text = re.sub(r":(?=[\w+/-]+:)", ":\u2060", escape(text))  # `:name:` would be an emoji
    return text.replace("$", r"\$")


def link(page: str, label: str, **address: str) -> None:
    """A link to a page, such as `trial`, with what it shall show."""
    st.page_link(f"views/{page}.py", label=plain(label), query_params=address)
