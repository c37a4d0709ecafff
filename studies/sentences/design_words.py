"""What a design will test and what it leaves out, in sentences, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator

from studies.results import plural
from studies.results.repeat_results import is_error
from studies.results.wording import listed
from studies.statistics import ALPHA, MIN_REPEATS, SECOND_LOOK_ALPHA
from studies.statistics.levels import LOOK_ALPHA
from studies.study_file import Spec, Splits, confirm_seeds, pair_count
from studies.study_file.methods.samplers import model_trials
from studies.study_file.splits import ALL


def design_sentences(spec: Spec, splits: Splits, earlier: int = 0) -> Iterator[str]:
    """What is claimed from what; on which rows; what the sampler decides; what can be shown.

    `earlier`: how many verdicts the study has given on other designs.
    """
    if spec.factors:
        yield f"claim: {claim(spec)}"
    if spec.repeats > 1:
        yield f"splits: {split_sentence(spec, splits)}"
    if start := startup_sentence(spec):
        yield f"sampler: {start}"
    if spec.factors and spec.design.claim == "arms":
        yield f"scale: {scale_sentence(spec)}"
        if earlier == 1 and not spec.design.sequential:
            yield f"look: a second look, judged at p <= {SECOND_LOOK_ALPHA:g}, and the last one"
        if shown := gap_sentence(spec, earlier):
            yield f"power: {shown}"


def claim(spec: Spec) -> str:
    """What a verdict will be about."""
    design = spec.design
    if spec.confirm is None:
        return "none, since nothing is confirmed on fresh seeds"
    if design.claim == "configurations":
        return (
            "which of the configurations that one search of each arm finds is better, on one "
            f"split, over {confirm_seeds(spec)} fresh seeds; nothing about the arms themselves"
        )
    seeds = plural(confirm_seeds(spec), "fresh seed")
    if design.at is not None and (spec.repeats == 1 or spec.repeats >= MIN_REPEATS):
        read = f"one random search of {spec.trials} trials for each arm on one split"
        if spec.repeats > 1:
            read = f"{spec.repeats} random searches of {spec.trials} trials each"
        return (
            f"which arm is better when each is tuned with {plural(design.at, 'trial')}, read from "
            f"{read}; the best {design.top} of each train on {seeds}, and the defaults train beside"
        )
    if spec.repeats < MIN_REPEATS:
        return (
            f"none about arms: {plural(spec.repeats, 'search', 'searches')} of each cannot tell "
            f"the luck of a search from the arm; set search.repeats to {MIN_REPEATS} or more"
        )
    how = f"from {spec.repeats}"
    if design.sequential:
        how = f"looked at after {listed([str(look) for look in design.looks])}"
    winners = "the winner of each search trains"
    if design.top > 1:
        winners = f"the best {design.top} of each search train"
    return f"which arm is better when each is tuned, {how} searches of each; {winners} on {seeds}"


def split_sentence(spec: Spec, splits: Splits) -> str:
    """What every repeat divides anew, and what that leaves out of the claim."""
    if not splits.per_repeat:
        asked = spec.design.split == "fixed" and splits.rule.redrawn
        why = "the file asks for it" if asked else splits.rule.why_fixed
        return f"fixed ({why}), so the luck of the split is no part of what is tested"
    parts = listed(splits.rule.redrawn)
    said = f"every repeat divides the rows anew ({parts}), the same for all arms"
    if set(splits.rule.redrawn) != set(ALL):
        said += f"; {splits.rule.why_fixed}, so nothing is said about other rows there"
    return f"{said}. Repeats share rows, so nothing is claimed about new data sets"


def startup_sentence(spec: Spec) -> str:
    """How many trials the sampler's model chooses; empty where it has none."""
    startup = spec.sampler.parameters.get("n_startup_trials")
    if startup is None or spec.trials is None:
        return ""
    chosen = model_trials(spec.sampler.name, spec.trials, startup)
    trials = f"of the {spec.trials} trials of a search"
    if chosen == 0:
        return f"{spec.sampler.name}'s model chooses none {trials}, which are random search"
    said = f"{spec.sampler.name}'s model chooses {chosen} {trials}"
    return f"{said}; the defaults and random draws start it"


def scale_sentence(spec: Spec) -> str:
    """A sentence that says whether values are compared as logarithms."""
    metric, wanted = spec.objective.metric, spec.design.scale
    if wanted == "log" or (wanted == "auto" and is_error(metric)):
        return f"{metric} is compared as logarithms, so that effects are ratios"
    return f"{metric} is compared as it is"


def gap_sentence(spec: Spec, earlier: int = 0) -> str:
    """The difference that this family of pairs can show; empty where none or not yet."""
    from studies.statistics.arm_power import (  # scipy takes half a second
        detectable_effect,
        noncentrality,
    )

    pairs, at = pair_count(spec), spec.design.at
    if spec.confirm is None or not pairs or earlier > 1:
        return ""
    level = SECOND_LOOK_ALPHA if earlier else ALPHA
    if at is not None and spec.trials is not None and spec.repeats == 1:
        errors = noncentrality(spec.trials / at, level / pairs)
        return (
            f"a search of {spec.trials} trials read at {at}, with {plural(pairs, 'pair')} of arms, "
            f"shows a difference of {errors:.1f} standard errors 8 times in 10"
        )
    if spec.repeats < MIN_REPEATS:
        return ""
    level = LOOK_ALPHA if spec.design.sequential else level
    effect = detectable_effect(spec.repeats, alpha=level, pairs=pairs)
    return (
        f"{plural(spec.repeats, 'repeat')} and {plural(pairs, 'pair')} of arms show a difference "
        f"of {effect:.1f} standard deviations (of the difference between repeats) or more, 8 "
        "times in 10"
    )
