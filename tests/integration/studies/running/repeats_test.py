"""Searches that are repeated: budgets, order, seeds, looks, and what survives an interruption."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lightning_modules.errors import UserError
from studies.analysis import recommended
from studies.records import Outcome
from studies.results import plural
from studies.sentences.verdict_sentences import summary
from studies.statistics import LOOKS
from studies.study_file import document, resolve
from studies.study_file.reading.yaml_text import yaml_of
from tests.support.clocks import give_clock
from tests.support.repeated import EPOCHS, FILE, TWO_ARMS, Kept, Place, Script, fact_of, read

ARMS = ("sgd", "momentum", "adam")
SEARCH = "{method: random, trials: 2, repeats: 2}"
quick = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking such a study takes minutes
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def searching(search: str, text: str = FILE) -> str:
    """The study with another search; only a grid has three values of a range."""
    assert SEARCH in text
    made = text.replace(SEARCH, search)
    return made if "grid" in search else made.replace(", num: 3", "")


@dataclass(frozen=True)
class Plan:
    """A study, and what happens to it."""

    method: str
    pruner: str
    budget: str
    repeats: int | str
    seeds: int
    slots: int
    failing: float
    interruptions: tuple[int, ...]
    """After so many trainings each, the study is stopped and started again."""

    @property
    def text(self) -> str:
        budget = "" if self.method == "grid" else f", {self.budget}"
        search = (
            f"{{method: {self.method}{budget}, repeats: {self.repeats}, pruner: {self.pruner}}}"
        )
        text = searching(search).replace("confirm: {seeds: 1}", f"confirm: {{seeds: {self.seeds}}}")
        return text.replace(", num: 3", "") if self.method != "grid" else text

    @property
    def script(self) -> Script:
        return Script(lead={"adam": 0.02, "momentum": 0.019}, failing=self.failing)

    def run(self, folder: str, interruptions: Sequence[int]) -> Kept:
        kept = Kept.at(Path(folder), self.script)
        for stop_after in interruptions:
            kept.run(self.text, stop_after=stop_after, slots=self.slots)
        kept.run(self.text, slots=self.slots)
        return kept


plans = st.builds(
    Plan,
    method=st.sampled_from(["random", "tpe", "grid"]),
    pruner=st.sampled_from(["none", "{name: median, n_startup_trials: 1}", "hyperband"]),
    budget=st.sampled_from(["trials: 1", "trials: 3", "epochs: 8"]),
    repeats=st.sampled_from([1, 2, 5, "auto"]),
    seeds=st.integers(1, 2),
    slots=st.integers(1, 3),
    failing=st.sampled_from([0.0, 0.3]),
    interruptions=st.lists(st.integers(0, 60), max_size=3).map(tuple),
)
certain = st.builds(
    Plan,
    method=st.sampled_from(["random", "grid"]),
    pruner=st.just("none"),
    budget=st.sampled_from(["trials: 3", "epochs: 8"]),
    repeats=st.sampled_from([2, 5, "auto"]),
    seeds=st.integers(1, 2),
    slots=st.integers(1, 3),
    failing=st.sampled_from([0.0, 0.3]),
    interruptions=st.lists(st.integers(0, 70), min_size=1, max_size=3).map(tuple),
)
modelled = st.builds(
    Plan,
    method=st.just("tpe"),
    pruner=st.just("none"),
    budget=st.just("trials: 5"),
    repeats=st.sampled_from([2, 4]),
    seeds=st.just(1),
    slots=st.just(1),
    failing=st.sampled_from([0.0, 0.3]),
    interruptions=st.lists(st.integers(0, 60), min_size=1, max_size=3).map(tuple),
)


# --- budgets -------------------------------------------------------------------------------------


def check_budgets(plan: Plan, kept: Kept) -> None:
    """Every arm that takes part in a repeat has exactly the budget of a search there."""
    repeats = 8 if plan.repeats == "auto" else int(plan.repeats)
    searched = {(trial.arm, trial.repeat) for trial in kept.results.trials}
    for arm in ARMS:
        mine = sorted(repeat for each, repeat in searched if each == arm)
        assert mine == list(range(1, len(mine) + 1))
        assert len(mine) in ((6, 8) if plan.repeats == "auto" else (repeats,))
        for repeat in mine:
            trials = kept.trials(arm, repeat)
            assert all(trial.outcome not in (None, Outcome.interrupted) for trial in trials)
            if plan.method == "grid":
                assert len({trial.config_hash for trial in trials}) == len(trials) == 3
            elif plan.budget.startswith("trials"):
                assert len(trials) == int(plan.budget.split()[1])
            else:
                spent = sum(trial.epochs for trial in trials)
                assert 8 - EPOCHS < spent <= 8


def check_fresh(plan: Plan, kept: Kept) -> None:
    """Every winner has the seeds of its repeat, which are no search's; no other run tests."""
    found = kept.results
    used = {trial.seed for trial in found.search}
    by_repeat: dict[int, set[tuple[int, ...]]] = {}
    for arm in ARMS:
        for repeat in {trial.repeat for trial in found.search if trial.arm == arm}:
            fresh = kept.trials(arm, repeat, "confirm")
            won = found.winner(arm, repeat)[0]
            assert len(fresh) == (plan.seeds if won else 0)
            assert {trial.config_hash for trial in fresh} <= {won.config_hash if won else ""}
            assert {trial.split for trial in fresh} <= {
                trial.split for trial in kept.trials(arm, repeat)
            }
            if fresh:
                seeds = tuple(sorted(trial.seed for trial in fresh))
                by_repeat.setdefault(repeat, set()).add(seeds)
    assert all(len(seeds) == 1 for seeds in by_repeat.values())
    every = [seed for (seeds,) in by_repeat.values() for seed in seeds]
    assert len(every) == len(set(every)) and not used & set(every)
    crossed = [trial for trial in found.trials if trial.phase == "cross"]
    assert not any(trial.test for trial in crossed)
    assert not {trial.seed for trial in crossed} & (used | set(every))
    assert 10 * len(crossed) <= len(found.trials)


@settings(quick, max_examples=25)
@given(plans)
def test_every_search_gets_its_budget_and_every_winner_its_seeds(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = plan.run(folder, plan.interruptions)
        check_budgets(plan, kept)
        check_fresh(plan, kept)
        assert kept.results.finished
        assert kept.run(plan.text) == 0


@settings(quick, max_examples=20)
@given(certain)
def test_an_interrupted_study_has_the_trials_and_the_verdict_of_one_that_was_not(
    plan: Plan,
) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole, parts = plan.run(one, ()), plan.run(other, plan.interruptions)
        assert parts.facts == whole.facts
        assert parts.results.looks == whole.results.looks
        assert parts.comparison.pairs == whole.comparison.pairs
        assert summary(parts.comparison) == summary(whole.comparison)


@settings(quick, max_examples=10)
@given(modelled)
def test_a_model_goes_on_as_if_it_had_not_been_interrupted(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole, parts = plan.run(one, ()), plan.run(other, plan.interruptions)
        assert parts.facts == whole.facts
        assert summary(parts.comparison) == summary(whole.comparison)


@pytest.mark.parametrize("phase", ["confirm", "cross"])
def test_an_interruption_among_fresh_runs_changes_nothing(phase: str, tmp_path: Path) -> None:
    text = searching("{method: random, trials: 4, repeats: 4}").replace(", num: 3", "")
    whole = Kept.at(tmp_path / "whole")
    whole.run(text)
    keys = [record.key for what, record in whole.record.order if what == "start"]
    places = [Place.of(key).phase for key in keys]
    assert places.count(phase) >= 3
    parts = Kept.at(tmp_path / "parts")
    parts.run(text, stop_after=places.index(phase) + 2)
    assert not parts.results.finished
    unfinished = [t for t in parts.results.trials if t.outcome == Outcome.interrupted]
    assert phase in {trial.phase for trial in unfinished}
    parts.run(text)
    assert parts.facts == whole.facts
    assert recommended(parts.results) == recommended(whole.results) or (
        recommended(parts.results) is not None
        and recommended(whole.results) is not None
        and fact_of(recommended(parts.results).trial) == fact_of(recommended(whole.results).trial)
    )


# --- order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("slots", [1, 2, 3, 5])
@pytest.mark.parametrize("repeats", ["3", "auto"])
def test_a_repeat_begins_when_the_one_before_has_nothing_left_to_give(
    slots: int, repeats: str, tmp_path: Path
) -> None:
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.02, "momentum": 0.019}))
    kept.run(searching(f"{{method: random, trials: 3, repeats: {repeats}}}"), slots=slots)
    arms_of = {
        repeat: {trial.arm for trial in kept.results.search if trial.repeat == repeat}
        for repeat in range(1, 9)
    }
    begun: Counter[tuple[str, int, str]] = Counter()
    ended: Counter[tuple[str, int, str]] = Counter()
    for what, record in kept.record.order:
        place = (record.arm, record.repeat, record.phase)
        if what == "end":
            ended[place] += 1
            continue
        for earlier in range(1, record.repeat if record.phase == "search" else 1):
            taking_part = arms_of[earlier]
            assert all(begun[arm, earlier, "search"] == 3 for arm in taking_part)
            if all(ended[arm, earlier, "search"] == 3 for arm in taking_part):
                assert all(begun[arm, earlier, "confirm"] == 1 for arm in taking_part)
            if repeats == "auto" and earlier in LOOKS and earlier < record.repeat:
                assert all(ended[arm, earlier, "confirm"] == 1 for arm in taking_part)
        begun[place] += 1
    phases = [record.phase for what, record in kept.record.order if what == "start"]
    assert "cross" not in phases[: phases.index("cross")]
    assert set(phases[phases.index("cross") :]) == {"cross"}


def test_arms_of_a_repeat_take_turns_whatever_comes_of_their_trials(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path, Script(failing=0.4))
    kept.run(searching("{method: random, trials: 3, repeats: 2}"))
    starts = [r for what, r in kept.record.order if what == "start" and r.phase == "search"]
    assert [r.arm for r in starts] == list(ARMS) * 6
    assert [r.repeat for r in starts] == [1] * 9 + [2] * 9


# --- names, seeds, draws -------------------------------------------------------------------------


def test_the_first_repeat_has_the_names_of_a_single_search_and_the_others_say_which_they_are(
    tmp_path: Path,
) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching("{method: random, trials: 4, repeats: 4}"))
    keys = {trial.key for trial in kept.results.trials}
    assert {"adam-0003", "adam-r2-0003", "sgd-confirm-0000", "momentum-r4-confirm-0010"} <= keys
    (crossed,) = {key.split("-")[0] for key in keys if "-cross-" in key}
    assert crossed in ARMS
    names = {search.name for search in kept.record.searches()}
    assert {"repeated/adam", "repeated/adam/r2", "repeated:confirm", "repeated:cross"} <= names


def test_all_arms_share_the_seeds_and_the_split_of_a_repeat(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching("{method: random, trials: 3, repeats: 3}"))
    by_repeat = {
        repeat: {
            arm: [(trial.seed, trial.split) for trial in kept.trials(arm, repeat)] for arm in ARMS
        }
        for repeat in (1, 2, 3)
    }
    assert all(len({tuple(each) for each in arms.values()}) == 1 for arms in by_repeat.values())
    splits = [by_repeat[repeat]["sgd"][0][1] for repeat in (1, 2, 3)]
    assert splits[0] is None and len(set(splits)) == 3
    seeds = [seed for repeat in (1, 2, 3) for seed, _ in by_repeat[repeat]["sgd"]]
    assert len(set(seeds)) == 9


@pytest.mark.parametrize("method", ["random", "tpe", "qmc"])
def test_one_more_parameter_of_an_arm_moves_no_draw_of_the_others(
    method: str, tmp_path: Path
) -> None:
    text = searching(f"{{method: {method}, trials: 5, repeats: 2}}").replace(", num: 3", "")
    more = text.replace(
        "{name: sgd, ", "{name: sgd, weight_decay: {min: 1e-6, max: 1e-2, log: true}, "
    )
    plain, changed = Kept.at(tmp_path / "plain"), Kept.at(tmp_path / "changed")
    plain.run(text)
    changed.run(more)
    for repeat in (1, 2):
        for arm in ("momentum", "adam"):
            before, after = plain.trials(arm, repeat), changed.trials(arm, repeat)
            assert [fact_of(trial) for trial in before] == [fact_of(trial) for trial in after]
        if method == "random":
            rates = [
                [trial.params["optimizer.lr"] for trial in kept.trials("sgd", repeat)]
                for kept in (plain, changed)
            ]
            assert rates[0] == rates[1]


def test_a_parameter_with_the_same_range_has_the_same_draws_in_all_arms(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching("{method: random, trials: 4, repeats: 2}").replace(", num: 3", ""))
    for repeat in (1, 2):
        drawn = [
            [trial.params["optimizer.lr"] for trial in kept.trials(arm, repeat)[1:]]
            for arm in ("sgd", "momentum")
        ]
        assert drawn[0] == drawn[1] and len(set(drawn[0])) == 3


# --- changes of the file -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_more_repeats_keep_the_first_one_exactly(method: str, tmp_path: Path) -> None:
    one = searching(f"{{method: {method}, trials: 4, repeats: 1}}")
    six = searching(f"{{method: {method}, trials: 4, repeats: 6}}")
    kept, whole = Kept.at(tmp_path / "kept"), Kept.at(tmp_path / "whole")
    kept.run(one)
    before = {trial.key: fact_of(trial) for trial in kept.results.trials}
    assert set(before) == {
        *(f"{arm}-{number:04}" for arm in ARMS for number in range(4)),
        *(f"{arm}-confirm-{number:04}" for number, arm in enumerate(ARMS)),
    }
    added = kept.run(six)
    after = {trial.key: fact_of(trial) for trial in kept.results.trials}
    assert {key: after[key] for key in before} == before
    assert added == len(after) - len(before)
    whole.run(six)
    assert kept.facts == whole.facts


def test_repeats_that_are_added_search_as_long_as_the_first_one_where_the_file_says_nothing(
    tmp_path: Path,
) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching("{method: random, repeats: 1}", TWO_ARMS))
    kept.run(searching("{method: random, repeats: 2}", TWO_ARMS))
    counts = {(arm, r): len(kept.trials(arm, r)) for arm in ("sgd", "adam") for r in (1, 2)}
    assert set(counts.values()) == {20}
    assert not any("not fair" in text for text in kept.comparison.missing)
    assert kept.run(searching("{method: random, repeats: 2}", TWO_ARMS)) == 0


def test_a_search_that_was_not_confirmed_becomes_the_first_of_six_of_its_length(
    tmp_path: Path,
) -> None:
    kept = Kept.at(tmp_path)
    text = searching("{method: random}", TWO_ARMS)
    kept.run(text.replace("confirm: {seeds: 1}", "confirm: null"))
    assert (kept.results.spec.repeats, kept.results.spec.trials) == (1, 20)
    kept.run(text)
    assert (kept.results.spec.repeats, kept.results.spec.trials) == (6, 20)
    assert {len(kept.trials("sgd", repeat)) for repeat in range(1, 7)} == {20}


CLAIMED = "{factor: optimizer, claim: configurations}"


def test_a_study_of_before_claims_goes_on_as_it_was_meant(tmp_path: Path) -> None:
    text = searching("{method: random, trials: 3}", TWO_ARMS)
    kept = Kept.at(tmp_path)
    kept.run(text.replace("{factor: optimizer}", CLAIMED), stop_after=4)
    tree = document.parse(kept.results.spec.text, "kept").tree
    tree["compare"] = {"factor": "optimizer"}
    kept.record.note({"study_file": yaml_of(tree)})
    assert kept.results.spec.design.claim == "configurations"
    kept.run(text)
    assert kept.results.finished and kept.run(text) == 0
    assert [len(kept.trials(arm, 1)) for arm in ("sgd", "adam")] == [3, 3]
    assert not any(trial.repeat > 1 for trial in kept.results.trials)
    assert kept.results.spec.tree["compare"] == {"factor": "optimizer"}
    assert kept.comparison.design.claim == "configurations"
    assert kept.results.looks == []


def test_what_arms_are_claimed_from_may_be_read_as_configurations_and_not_the_other_way(
    tmp_path: Path,
) -> None:
    arms = searching("{method: random, trials: 3, repeats: 4}", TWO_ARMS)
    one = searching("{method: random, trials: 3}", TWO_ARMS)
    configurations = one.replace("{factor: optimizer}", CLAIMED).replace("seeds: 1", "seeds: 6")
    kept = Kept.at(tmp_path)
    kept.run(arms)
    assert kept.comparison.design.claim == "arms"
    assert kept.run(configurations) == 10  # each winner of the first repeat has one seed already
    found = kept.comparison
    assert (found.design.claim, len(found.arms[0].confirmed)) == ("configurations", 6)
    for back in (arms, one, one.replace("{factor: optimizer}", "{factor: optimizer, claim: arms}")):
        with pytest.raises(UserError) as refused:
            kept.run(back)
        assert str(refused.value) == (
            "study repeated was started with another file: compare.claim was 'configurations' and "
            "is 'arms', which other searches must show. Give the changed study another name, or "
            "undo the change"
        )


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("repeats: 3", "repeats: 2", "search.repeats was 3 and is 2: it can only be raised"),
        (
            "repeats: auto",
            "repeats: 8",
            "search.repeats was auto and is 8: looks are planned before the start",
        ),
        (
            "repeats: 4",
            "repeats: auto",
            "search.repeats was 4 and is auto: looks are planned before the start",
        ),
        (
            "repeats: auto, trials: 2",
            "repeats: auto, trials: 3",
            "search.trials was 2 and is 3: with repeats: auto it is fixed",
        ),
        (
            "repeats: 2, trials: 2, seed: 0",
            "repeats: 2, trials: 2, seed: 1",
            "search.seed was 0 and is 1",
        ),
    ],
)
def test_a_change_that_looks_for_a_verdict_is_refused(
    before: str, after: str, why: str, tmp_path: Path
) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching(f"{{method: random, {before}}}"), stop_after=5)
    with pytest.raises(UserError) as refused:
        kept.run(searching(f"{{method: random, {after}}}"))
    assert str(refused.value) == (
        f"study repeated was started with another file: {why}. Give the changed study another "
        "name, or undo the change"
    )


def test_more_seeds_of_a_sequential_study_are_refused(tmp_path: Path) -> None:
    text = searching("{method: random, trials: 2, repeats: auto}")
    kept = Kept.at(tmp_path)
    kept.run(text, stop_after=5)
    with pytest.raises(UserError, match=r"confirm\.seeds was 1 and is 2: with repeats: auto it is"):
        kept.run(text.replace("seeds: 1", "seeds: 2"))


# --- verdicts and looks --------------------------------------------------------------------------

UNEVEN = {
    ("adam", repeat): lead
    for repeat, lead in enumerate([0.01, 0.035, 0.015, 0.04, 0.005, 0.03, 0.012, 0.028], start=1)
}
"""A lead that the first look at 5 % shows, and one at 1 % may not."""


def repeated(count: int | str, text: str = TWO_ARMS) -> str:
    return searching(f"{{method: random, trials: 2, repeats: {count}}}", text)


def test_a_study_is_extended_once_at_a_stricter_level_and_then_no_more(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path, Script(leads=UNEVEN, noise=0.0))
    kept.run(repeated(4))
    first = kept.comparison
    assert (first.design.level, first.design.looks, first.design.searches) == (0.05, (4,), 4)
    p = first.pairs[0].result.p
    assert 0.01 < p <= 0.05 and first.pairs[0].result.verdict.better == "a"
    kept.run(repeated(5), stop_after=1)
    between = kept.comparison
    assert between.design.level == 0.01 and between.pairs[0].result.verdict.better == "none"
    kept.run(repeated(5))
    second = kept.comparison
    assert (second.design.level, second.design.looks, second.design.searches) == (0.01, (4, 5), 5)
    assert second.pairs[0].result.p > 0.01 and second.pairs[0].result.verdict.better == "none"
    kept.run(repeated(8))
    third = kept.comparison
    assert third.pairs[0].result.p <= 0.01
    assert third.pairs[0].result.verdict.better == "none"
    assert summary(third)[0] == (
        "no verdict: the study was extended after two verdicts, and a third look would find a "
        "difference too often; ask again in a new study"
    )


def test_a_second_look_says_that_it_is_one(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path, Script(leads=UNEVEN, noise=0.0))
    kept.run(repeated(4))
    kept.run(repeated(8))
    found = kept.comparison
    assert found.pairs[0].result.verdict.better == "a" and found.pairs[0].result.p <= 0.01
    assert "; second look, judged at p <= 0.01)" in summary(found)[0]
    assert "99 % interval" in summary(found)[0]


def test_going_back_to_an_earlier_design_is_no_first_look(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    for seeds in (1, 2, 1):
        kept.run(repeated(4).replace("seeds: 1", f"seeds: {seeds}"))
    assert [look.seeds for look in kept.results.looks] == [1, 2]
    assert "third look" in kept.comparison.design.why_none


def test_the_same_command_again_is_no_other_look(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    for _ in range(3):
        kept.run(repeated(4))
    assert len(kept.results.looks) == 1 and kept.comparison.design.level == 0.05


def test_a_study_that_has_not_ended_gives_no_verdict(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}))
    kept.run(repeated(6), stop_after=27)
    found = kept.comparison
    assert found.design.searches == 4 and kept.results.looks == []
    assert {pair.result.verdict.better for pair in found.pairs} == {"none"}
    assert summary(found)[0] == (
        "no verdict: 4 of 6 repeats have ended, and the verdict was planned for all of them"
    )


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_fewer_than_four_repeats_say_nothing_about_arms(repeats: int, tmp_path: Path) -> None:
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}))
    kept.run(repeated(repeats))
    found = kept.comparison
    assert {pair.result.verdict.better for pair in found.pairs} == {"none"}
    assert kept.results.looks == []
    searches = "one search" if repeats == 1 else f"{repeats} searches"
    assert summary(found)[0] == (
        f"no verdict: {searches} of each arm cannot say which arm is better: add "
        f"{plural(4 - repeats, 'repeat')} or more (search.repeats: 4 at least)"
    )


def test_a_decided_arm_takes_part_in_no_later_repeat(tmp_path: Path) -> None:
    leads = {("momentum", r): 0.01 * (-1 if r == 1 else 1) for r in range(1, 9)}
    script = Script(lead={"adam": 0.2}, leads=leads, noise=0.0)
    kept = Kept.at(tmp_path, script)
    kept.run(repeated("auto", FILE))
    known = {arm: max(r for r in range(1, 9) if kept.trials(arm, r)) for arm in ARMS}
    assert known == {"sgd": 8, "momentum": 8, "adam": 6}
    found = {frozenset((p.a, p.b)): p for p in kept.comparison.pairs}
    assert {p.look for pair, p in found.items() if "adam" in pair} == {6}
    said = summary(kept.comparison)
    assert any(
        line.startswith("adam beats sgd when each is tuned") and "the look after 6)" in line
        for line in said
    )
    assert kept.results.finished and kept.comparison.design.looks == (6, 8)


def test_pairs_that_will_not_be_told_apart_are_closed_at_the_first_look(tmp_path: Path) -> None:
    leads = {("momentum", r): 0.01 * (-1) ** r for r in range(1, 9)}
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}, leads=leads, noise=0.0))
    kept.run(repeated("auto", FILE))
    assert {max(t.repeat for t in kept.results.search if t.arm == arm) for arm in ARMS} == {6}
    pair = next(p for p in kept.comparison.pairs if "adam" not in (p.a, p.b))
    assert (pair.look, pair.result.verdict.better) == (6, "none")
    assert kept.results.finished and kept.run(repeated("auto", FILE)) == 0


def test_a_lost_repeat_is_told_and_counts_against_its_arm(tmp_path: Path) -> None:
    def lost(place: Place) -> bool:
        return (place.arm, place.repeat, place.phase) == ("adam", 2, "search")

    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}, lost=lost))
    kept.run(repeated(6))
    found = kept.comparison
    assert found.lost == {"adam": (2,)}
    assert [arm.arm for arm in found.arms] == ["adam", "sgd"]
    (pair,) = found.pairs
    assert (pair.test, pair.repeats, pair.result.verdict.better) == ("sign test", 5, "none")
    said = summary(found)
    assert any("adam and sgd: no detectable difference" in line for line in said)
    assert any(line.endswith("lost repeats: adam 1, sgd 0") for line in said)
    assert (
        "missing: adam: lost 1 of 6 repeats (2): no trial completed there, or its winner failed on "
        "every fresh seed; they are in no mean and count against it"
    ) in said
    assert kept.results.finished


def test_a_winner_that_fails_on_its_fresh_seed_loses_the_repeat(tmp_path: Path) -> None:
    def lost(place: Place) -> bool:
        return place.arm == "adam" and place.repeat > 2 and place.phase == "confirm"

    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}, lost=lost))
    kept.run(repeated(6))
    assert kept.comparison.lost == {"adam": (3, 4, 5, 6)}
    (pair,) = kept.comparison.pairs
    assert pair.result.verdict.better == "none" and pair.test == "sign test"


def test_an_arm_that_loses_every_repeat_is_worse(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path, Script(lost=lambda place: place.arm == "adam"))
    kept.run(repeated(6))
    (pair,) = kept.comparison.pairs
    assert (pair.a, pair.result.verdict.better, pair.result.p) == ("sgd", "a", 2 / 2**6)
    assert "adam came to nothing in 6 of 6 repeats and sgd in 0" in summary(kept.comparison)[0]


def test_repeats_that_both_lost_are_left_out_of_their_comparison(tmp_path: Path) -> None:
    lost = {("sgd", 2), ("adam", 5)}
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}, lost=lambda p: (p.arm, p.repeat) in lost))
    kept.run(repeated(6))
    found = kept.comparison
    assert found.lost == {"adam": (5,), "sgd": (2,)}
    (pair,) = found.pairs
    assert (pair.repeats, pair.test, pair.result.verdict.better) == (4, "paired t", "a")


# --- a long search that is read at fewer trials --------------------------------------------------


def test_a_search_that_is_read_at_n_has_its_defaults_beside_and_confirms_the_top(
    tmp_path: Path,
) -> None:
    text = searching("{method: random, trials: 22}", TWO_ARMS).replace(", num: 3", "")
    text = text.replace("{factor: optimizer}", "{factor: optimizer, at: 5}")
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}))
    kept.run(text)
    seeds = {}
    for arm in ("sgd", "adam"):
        trials = kept.trials(arm, 1)
        assert [trial.default for trial in trials] == [True] + 22 * [False]
        drawn = sorted(trials[1:], key=lambda trial: -(trial.value or 0.0))
        fresh = kept.trials(arm, 1, "confirm")
        assert {t.config_hash for t in fresh} == {t.config_hash for t in drawn[:9]}  # ceil(44 / 5)
        number = {trial.config_hash: trial.number for trial in trials}
        seeds[arm] = {number[trial.config_hash]: trial.seed for trial in fresh}
        assert len(set(seeds[arm].values())) == 9  # a fresh seed for each draw, ...
    both = seeds["sgd"].keys() & seeds["adam"].keys()
    assert both and all(seeds["sgd"][n] == seeds["adam"][n] for n in both)  # ... matched
    found = kept.comparison
    assert (found.design.at, found.design.part, found.pairs[0].test) == (
        5,
        "validation",
        "jackknife t",
    )
    assert (
        "random searches of 22 trials read at 5, one for each arm, on one split"
        in summary(found)[0]
    )
    assert kept.results.finished and kept.run(text) == 0


# --- runs on other splits ------------------------------------------------------------------------


def test_the_best_winners_of_the_leading_arm_train_on_the_other_splits_and_test_nothing(
    tmp_path: Path,
) -> None:
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}))
    text = searching("{method: random, trials: 8, repeats: 6}", TWO_ARMS).replace(", num: 3", "")
    kept.run(text)
    crossed = [trial for trial in kept.results.trials if trial.phase == "cross"]
    others = len(kept.results.trials) - len(crossed)
    assert others == 2 * 6 * 9 and len(crossed) == 9 and 10 * len(crossed) <= others
    assert {trial.arm for trial in crossed} == {"adam"} and not any(t.test for t in crossed)
    won = {t.config_hash: t.repeat for t in kept.results.trials if t.phase == "confirm"}
    per = Counter(trial.config_hash for trial in crossed)
    assert set(per.values()) == {3} and len(per) == 3
    splits = {r: kept.trials("adam", r)[0].split for r in range(1, 7)}
    for trial in crossed:
        assert trial.repeat != won[trial.config_hash] and trial.split == splits[trial.repeat]


def test_runs_on_other_splits_stay_a_tenth_when_another_arm_leads_after_an_extension(
    tmp_path: Path,
) -> None:
    leads = {("sgd", repeat): 0.3 if repeat <= 4 else -0.4 for repeat in range(1, 9)}
    text = searching("{method: random, trials: 8, repeats: 4}", TWO_ARMS).replace(", num: 3", "")
    kept = Kept.at(tmp_path, Script(leads=leads))
    kept.run(text)
    assert {t.arm for t in kept.results.trials if t.phase == "cross"} == {"sgd"}
    kept.run(text.replace("repeats: 4", "repeats: 8"))
    crossed = Counter(t.arm for t in kept.results.trials if t.phase == "cross")
    assert crossed["adam"] > 0
    assert 10 * sum(crossed.values()) <= len(kept.results.trials)


@pytest.mark.parametrize(
    "change",
    [
        ("confirm: {seeds: 1}", "confirm: {cross: false}"),
        ("digits", "{name: digits, split: fixed}"),
    ],
)
def test_no_run_crosses_splits_where_that_is_off_or_there_is_one_split(
    change: tuple[str, str], tmp_path: Path
) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching("{method: random, trials: 8, repeats: 4}", TWO_ARMS).replace(*change))
    assert {trial.phase for trial in kept.results.trials} == {"search", "confirm"}


def test_a_timeout_leaves_whole_repeats_and_one_search_its_winner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_clock(monkeypatch, seconds=60)
    text = searching("{method: random, trials: 4000, repeats: 1, timeout: 3600}", TWO_ARMS)
    kept = Kept.at(tmp_path)
    kept.run(text.replace(", num: 3", ""))
    assert [len(kept.trials(arm, 1, "confirm")) for arm in ("sgd", "adam")] == [1, 1]
    several = searching("{method: random, trials: 4000, repeats: 2, timeout: 3600}", TWO_ARMS)
    other = Kept.at(tmp_path / "other")
    give_clock(monkeypatch, seconds=60)
    other.run(several.replace(", num: 3", ""))
    assert {trial.phase for trial in other.results.trials} == {"search"}
    assert not other.results.finished


def test_repeats_need_no_comparison(tmp_path: Path) -> None:
    text = searching("{method: random, trials: 3, repeats: 3}", TWO_ARMS)
    kept = Kept.at(tmp_path)
    kept.run(text.replace("compare: {factor: optimizer}\n", "").replace(", num: 3", ""))
    # one arm without a name, whose trials are called so
    assert len(kept.results.search) == 9 and kept.results.finished
    assert resolve(document.parse(kept.results.spec.text, "kept")).design.claim is None


def test_a_file_reads_back_as_what_was_run(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    kept.run(repeated(4))
    assert kept.results.spec.design == read(repeated(4)).design


# --- looks that nobody noted ---------------------------------------------------------------------


def test_a_verdict_that_could_be_read_is_a_look_although_its_run_never_ended(
    tmp_path: Path,
) -> None:
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}))
    text = searching("{method: random, trials: 8, repeats: 6}", TWO_ARMS).replace(", num: 3", "")
    kept.run(text, stop_after=2 * 6 * 9 + 1)  # in the runs on other splits
    assert not kept.results.finished and kept.results.looks == []
    assert kept.comparison.pairs[0].result.verdict.better == "a"
    kept.run(text.replace("repeats: 6", "repeats: 9"))
    assert [look.repeats for look in kept.results.looks] == [6, 9]
    assert kept.comparison.design.level == 0.01


def test_other_configurations_for_the_fresh_seeds_are_another_look(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    for top in (1, 2, 3):
        kept.run(repeated(4).replace("seeds: 1", f"seeds: 1, top: {top}"))
    assert [look.top for look in kept.results.looks] == [1, 2]
    assert "third look" in kept.comparison.design.why_none


def test_searches_of_arms_cannot_become_shorter(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching("{method: random, trials: 4, repeats: 2}"))
    with pytest.raises(UserError, match=r"search\.trials was 4 and is 2: it can only be raised"):
        kept.run(searching("{method: random, trials: 2, repeats: 2}"))


def test_the_start_up_of_a_search_stays_when_it_becomes_longer(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    kept.run(searching("{method: tpe, trials: 6, repeats: 1}"))
    kept.run(searching("{method: tpe, trials: 30, repeats: 1}"), stop_after=1)
    assert "n_startup_trials=3" in kept.record.notes()["sampler"]


def test_the_looks_of_a_sequential_study_are_those_that_it_began_with(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path, Script(lead={"adam": 0.2}))
    kept.run(repeated("auto", FILE), stop_after=20)
    plan = {"looks": [5, 7], "level": 0.02, "futile": 0.4}
    kept.record.note({"sequence": plan})
    kept.run(repeated("auto", FILE))
    assert kept.results.spec.design.looks == (5, 7) and kept.results.spec.repeats == 7
    assert kept.comparison.design.level == 0.02
    assert max(trial.repeat for trial in kept.results.search) in (5, 7)


def test_from_arms_to_configurations_only_the_first_search_counts(tmp_path: Path) -> None:
    kept = Kept.at(tmp_path)
    text = searching("{method: random, trials: 4, repeats: 3}")
    kept.run(text)
    kept.run(
        text.replace("repeats: 3", "repeats: 1").replace(
            "{factor: optimizer", "{claim: configurations, factor: optimizer"
        )
    )
    found = kept.results
    assert {trial.repeat for trial in found.trials} == {1}
    assert {trial.phase for trial in found.trials} == {"search", "confirm"}
    assert len(found.search) == found.planned
