"""The design of a comparison: its defaults, and what does not go together, with the way out."""

from collections.abc import Sequence

import pytest

from studies.study_file import Spec, document, resolve
from studies.study_file.design import Design
from studies.study_file.document import StudyFileError
from studies.study_file.loading import as_before_claims

FILE = """study: designed
data: {name: digits}
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: sgd, lr: {min: 1e-3, max: 1.0, log: true, num: 3}}
  - {name: adam, lr: {min: 1e-4, max: 1e-1, log: true, num: 3}}
objective: {metric: val/loss}
search: {method: random}
compare: {factor: optimizer}
confirm: {}
"""
SEARCH, COMPARE, CONFIRM = "method: random", "factor: optimizer", "confirm: {}"
CONFIGURATIONS = (COMPARE, f"{COMPARE}, claim: configurations")
AUTO = (SEARCH, f"{SEARCH}, repeats: auto")
AT = (COMPARE, f"{COMPARE}, at: 5")
NO_CONFIRM = (CONFIRM, "confirm: null")
Change = tuple[str, str]


def read(*changes: Change, recorded: bool = False) -> Spec:
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return resolve(document.parse(text, "study.yaml"), recorded=recorded)


def refusal(*changes: Change) -> list[str]:
    """What a file that is changed so is refused with, line by line."""
    with pytest.raises(StudyFileError) as caught:
        read(*changes)
    return str(caught.value).splitlines()


# --- defaults ------------------------------------------------------------------------------------


def test_arms_are_claimed_from_six_searches_of_eight_trials_on_splits_of_their_own() -> None:
    spec = read()
    assert spec.design == Design(
        claim="arms",
        repeats=6,
        sequential=False,
        against=None,
        at=None,
        scale="auto",
        split="per_repeat",
        top=1,
        seeds=1,
        cross=True,
    )
    assert (spec.trials, spec.trials_asked, spec.design.looks) == (8, 8, (6,))
    assert spec.tree["compare"] == {"factor": "optimizer", "claim": "arms"}


def test_the_confirmation_may_be_left_out_of_the_file_but_not_out_of_the_study() -> None:
    assert read((CONFIRM, "")).design == read().design


@pytest.mark.parametrize(
    ("changes", "claim", "repeats", "trials", "split", "top", "seeds"),
    [
        ([NO_CONFIRM], "arms", 1, 20, "fixed", 1, 1),
        ([(SEARCH, f"{SEARCH}, repeats: 1")], "arms", 1, 20, "fixed", 1, 1),
        ([(SEARCH, f"{SEARCH}, repeats: 3")], "arms", 3, 8, "per_repeat", 1, 1),
        ([(SEARCH, f"{SEARCH}, trials: 5")], "arms", 6, 5, "per_repeat", 1, 1),
        ([(SEARCH, f"{SEARCH}, epochs: 50")], "arms", 6, None, "per_repeat", 1, 1),
        ([("method: random", "method: grid")], "arms", 6, None, "per_repeat", 1, 1),
        ([AUTO], "arms", 8, 8, "per_repeat", 1, 1),
        ([CONFIGURATIONS], "configurations", 1, 20, "fixed", 1, None),
        ([AT], "arms", 1, 20, "fixed", 8, 1),
        ([AT, (SEARCH, f"{SEARCH}, trials: 31")], "arms", 1, 31, "fixed", 13, 1),
        ([AT, (SEARCH, f"{SEARCH}, repeats: 4")], "arms", 4, 20, "per_repeat", 8, 1),
        ([("at: 5", "at: 9"), AT][::-1], "arms", 1, 36, "fixed", 8, 1),
        ([("{name: digits}", "{name: digits, split: fixed}")], "arms", 6, 8, "fixed", 1, 1),
        ([(CONFIRM, "confirm: {top: 2, seeds: 3}")], "arms", 6, 8, "per_repeat", 2, 3),
    ],
)
def test_what_a_file_says_decides_what_it_leaves_open(
    changes: Sequence[Change],
    claim: str,
    repeats: int,
    trials: int | None,
    split: str,
    top: int,
    seeds: int | None,
) -> None:
    spec = read(*changes)
    made = spec.design
    assert (made.claim, made.repeats, spec.trials) == (claim, repeats, trials)
    assert (made.split, made.top, made.seeds) == (split, top, seeds)


def test_searches_without_a_comparison_are_one_of_twenty_trials_and_claim_nothing() -> None:
    alone = ("compare: {factor: optimizer}\nconfirm: {}\n", "")
    spec = read(alone)
    assert (spec.design.claim, spec.repeats, spec.trials, spec.confirm) == (None, 1, 20, None)
    several = read((SEARCH, f"{SEARCH}, repeats: 3"), alone)
    assert (several.repeats, several.trials, several.design.split) == (3, 8, "per_repeat")
    assert "compare" not in several.tree


def test_looks_are_at_4_6_and_8_repeats_where_they_are_automatic() -> None:
    assert read(AUTO).design.looks == (6, 8)
    assert read((SEARCH, f"{SEARCH}, repeats: 9")).design.looks == (9,)


def test_the_defaults_are_no_draw_of_a_search_that_is_read_at_fewer_trials() -> None:
    spec = read(AT)
    assert (spec.trials, spec.trials_asked) == (20, 21)
    assert not spec.design.by_repeats
    assert read(AT, (SEARCH, f"{SEARCH}, repeats: 4")).design.by_repeats


def test_the_unit_is_the_repeat_where_there_are_several() -> None:
    assert read().design.by_repeats
    assert not read((SEARCH, f"{SEARCH}, repeats: 1")).design.by_repeats
    assert not read(CONFIGURATIONS).design.by_repeats


def test_keys_of_the_design_are_no_part_of_the_configuration() -> None:
    spec = read(
        ("{name: digits}", "{name: digits, split: fixed}"),
        ("metric: val/loss", "metric: val/loss, scale: raw"),
        (COMPARE, f"{COMPARE}, against: sgd"),
        (CONFIRM, "confirm: {cross: false}"),
    )
    made = spec.design
    assert (made.split, made.scale, made.against, made.cross) == ("fixed", "raw", "sgd", False)
    chosen = spec.space.default()
    assert chosen == read().space.default()
    plain = resolve(document.parse(FILE, "study.yaml")).objective
    assert spec.objective == plain and spec.split_given and not read().split_given


@pytest.mark.parametrize(
    ("method", "trials", "startup"), [("tpe", 8, 3), ("tpe", 15, 5), ("tpe", 20, 10), ("gp", 6, 3)]
)
def test_a_short_search_has_a_short_startup(method: str, trials: int, startup: int) -> None:
    changes = [(SEARCH, f"method: {method}, trials: {trials}")]
    assert read(*changes).sampler.parameters["n_startup_trials"] == startup
    kept = read(*changes, CONFIGURATIONS)
    assert resolve(document.parse(kept.text, "kept"), recorded=True).sampler == kept.sampler


# --- files of before claims ----------------------------------------------------------------------


def test_a_recorded_file_without_a_claim_compares_configurations_and_keeps_its_text() -> None:
    spec = read((SEARCH, "method: tpe, trials: 8"), recorded=True)
    assert (spec.design.claim, spec.repeats, spec.design.split) == ("configurations", 1, "fixed")
    assert spec.tree["compare"] == {"factor": "optimizer"} and not spec.claims
    assert spec.sampler.parameters["n_startup_trials"] == 10
    again = as_before_claims(read((SEARCH, "method: tpe, trials: 8")))
    assert (again.text, again.design, again.sampler) == (spec.text, spec.design, spec.sampler)


def test_a_recorded_file_with_a_claim_is_read_as_it_was_meant() -> None:
    kept = read()
    again = resolve(document.parse(kept.text, "kept"), recorded=True)
    assert (again.design, again.trials, again.claims) == (kept.design, kept.trials, True)


# --- what does not go together -------------------------------------------------------------------

NEEDS_ARMS = (
    "study.yaml:8: search.repeats: auto needs verdicts about arms to look for; write "
    "compare.claim: arms with confirm, or a number"
)
ONE_SEARCH = (
    "study.yaml:8: search.repeats: does not go with compare.claim: configurations, which compares "
    "what one search of each arm found; write search.repeats: 1, or claim arms"
)
INDEPENDENT = (
    "study.yaml:9: compare.at: reads independent draws that were trained to their end; write "
    "search.method: random and search.pruner: none, or drop at"
)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            [(SEARCH, f"{SEARCH}, repeats: 0")],
            [
                "study.yaml:8: search.repeats: must be greater than or equal to 1 or 'auto', got 0",
            ],
        ),
        (
            [(SEARCH, f"{SEARCH}, repeats: often")],
            [
                "study.yaml:8: search.repeats: must be a valid integer or 'auto', got 'often'",
            ],
        ),
        ([AUTO, NO_CONFIRM], [NEEDS_ARMS]),
        ([AUTO, ("compare: {factor: optimizer}\n", "")], [NEEDS_ARMS]),
        ([AUTO, CONFIGURATIONS], [NEEDS_ARMS]),
        ([(SEARCH, f"{SEARCH}, repeats: 6"), CONFIGURATIONS], [ONE_SEARCH]),
        (
            [(COMPARE, f"{COMPARE}, claim: arm")],
            ["study.yaml:9: compare.claim: must be 'arms' or 'configurations', got 'arm'"],
        ),
        (
            [(COMPARE, f"{COMPARE}, claims: arms")],
            ["study.yaml:9: compare.claims: is no key of a study file; did you mean claim?"],
        ),
        (
            [(COMPARE, f"{COMPARE}, against: adm")],
            ["study.yaml:9: compare.against: there is no arm 'adm'; did you mean adam?"],
        ),
        (
            [(COMPARE, f"{COMPARE}, against: rmsprop")],
            [
                "study.yaml:9: compare.against: there is no arm 'rmsprop'; the arms are sgd, adam",
            ],
        ),
        (
            [(COMPARE, f"{COMPARE}, at: 0")],
            ["study.yaml:9: compare.at: must be greater than or equal to 1, got 0"],
        ),
        (
            [(COMPARE, f"{COMPARE}, at: 5, claim: configurations")],
            ["study.yaml:9: compare.at: is about arms; drop it, or write compare.claim: arms"],
        ),
        ([AT, (SEARCH, "method: tpe")], [INDEPENDENT]),
        ([AT, (SEARCH, f"{SEARCH}, pruner: median")], [INDEPENDENT]),
        (
            [AT, (SEARCH, f"{SEARCH}, epochs: 100")],
            [
                "study.yaml:9: compare.at: counts trials; write search.trials in place of "
                "search.epochs"
            ],
        ),
        (
            [AT, (SEARCH, f"{SEARCH}, trials: 19")],
            [
                "study.yaml:9: compare.at: needs a search of at least 4 times as many trials: "
                "write search.trials: 20, or a smaller at"
            ],
        ),
        (
            [AT, AUTO],
            [
                "study.yaml:9: compare.at: does not go with search.repeats: auto; write a number "
                "of repeats"
            ],
        ),
        (
            [AT, (SEARCH, f"{SEARCH}, repeats: 3")],
            [
                "study.yaml:9: compare.at: takes one search, or 4 repeats and more of which each "
                "is a unit; got 3"
            ],
        ),
        (
            [AT, (CONFIRM, "confirm: {top: 2}")],
            ["study.yaml:10: confirm.top: does not go with compare.at, which decides it; drop top"],
        ),
        (
            [(CONFIRM, "confirm: {top: 0}")],
            ["study.yaml:10: confirm.top: must be greater than or equal to 1, got 0"],
        ),
        (
            [(CONFIRM, "confirm: {cross: maybe}")],
            ["study.yaml:10: confirm.cross: must be a valid boolean, got 'maybe'"],
        ),
        (
            [(CONFIRM, "confirm: {crosses: true}")],
            ["study.yaml:10: confirm.crosses: is no key of a study file; did you mean cross?"],
        ),
        (
            [("{name: digits}", "{name: digits, split: per_trial}")],
            ["study.yaml:2: data.split: must be per_repeat or fixed, got 'per_trial'"],
        ),
        (
            [
                (
                    "{name: digits}",
                    "[{name: digits, split: fixed}, {name: digits, label: b, split: per_repeat}]",
                )
            ],
            ["study.yaml:2: data.0.split: must be the same for every alternative"],
        ),
        (
            [("metric: val/loss", "metric: val/loss, scale: linear")],
            ["study.yaml:7: objective.scale: must be auto or log or raw, got 'linear'"],
        ),
        (
            [AT, (SEARCH, f"{SEARCH}, trials: 3, repeats: 2, pruner: median")],
            [
                INDEPENDENT,
                "study.yaml:9: compare.at: needs a search of at least 4 times as many trials: "
                "write search.trials: 20, or a smaller at",
                "study.yaml:9: compare.at: takes one search, or 4 repeats and more of which each "
                "is a unit; got 2",
            ],
        ),
    ],
)
def test_every_wrong_combination_is_refused_in_its_line(
    changes: Sequence[Change], lines: Sequence[str]
) -> None:
    assert refusal(*changes) == list(lines)


def test_two_arms_that_read_like_each_others_repeats_are_refused() -> None:
    (line,) = refusal(("{name: adam,", "{name: sgd, label: sgd-r2,"))
    assert line == (
        "study.yaml:9: compare.factor: the arm 'sgd-r2' is called as a repeat or a fresh run of "
        "'sgd' is; give it another `label:`"
    )
