"""What a design will test and what it leaves out, in sentences, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator

from studies.confirmation import confirm_seeds, pair_count
from studies.levels import ALPHA, LOOK_ALPHA, MIN_REPEATS
from studies.repeat_results import is_error
from studies.search import model_trials
from studies.spec import Spec
from studies.splits import ALL, Splits
from studies.wording import plural


def design_sentences(spec: Spec, splits: Splits) -> Iterator[str]:
    """What is claimed from what; on which rows; what the sampler decides; what can be shown."""
    if spec.factors:
        yield f"claim: {claim(spec)}"
    if spec.repeats > 1:
        yield f"splits: {split_sentence(splits)}"
    if start := startup_sentence(spec):
        yield f"sampler: {start}"
    if spec.factors and spec.design.claim == "arms":
        yield f"scale: {scale_sentence(spec)}"
        if shown := gap_sentence(spec):
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
    if design.at is not None and spec.repeats == 1:
        return (
            f"which arm is better when each is tuned with {design.at} trials, read from one random "
            f"search of {spec.trials} for each arm on one split; the defaults train beside"
        )
    if spec.repeats < MIN_REPEATS and design.at is None:
        return (
            f"none about arms: {plural(spec.repeats, 'search', 'searches')} of each cannot tell "
            f"the luck of a search from the arm; set search.repeats to {MIN_REPEATS} or more"
        )
    how = f"{spec.repeats} searches"
    if design.sequential:
        looks = [str(look) for look in design.looks]
        how = f"searches looked at after {', '.join(looks[:-1])} and {looks[-1]}"
    seeds = plural(confirm_seeds(spec), "fresh seed")
    return (
        f"which arm is better when each is tuned, from {how} of each; the winner of each search "
        f"trains on {seeds}"
    )


def split_sentence(splits: Splits) -> str:
    """What every repeat divides anew, and what that leaves out of the claim."""
    if not splits.per_repeat:
        why = splits.rule.why_fixed or "the file asks for it"
        return f"fixed ({why}), so the luck of the split is no part of what is tested"
    parts = " and ".join(splits.rule.redrawn)
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
    said = f"{spec.sampler.name}'s model chooses {chosen} of the {spec.trials} trials of a search"
    return f"{said}; the defaults and random draws start it"


def scale_sentence(spec: Spec) -> str:
    """How values are compared."""
    metric, wanted = spec.objective.metric, spec.design.scale
    if wanted == "log" or (wanted == "auto" and is_error(metric)):
        return f"{metric} is compared as logarithms, so that effects are ratios"
    return f"{metric} is compared as it is"


def gap_sentence(spec: Spec) -> str:
    """The difference that this family of pairs can show; empty where none or not yet."""
    from studies.arm_power import detectable_effect  # scipy takes half a second

    pairs = pair_count(spec)
    if spec.confirm is None or not pairs or spec.repeats < MIN_REPEATS:
        return ""
    level = LOOK_ALPHA if spec.design.sequential else ALPHA
    effect = detectable_effect(spec.repeats, alpha=level, pairs=pairs)
    return (
        f"{plural(spec.repeats, 'repeat')} and {plural(pairs, 'pair')} of arms show a difference "
        f"of {effect:.1f} standard deviations (of the difference between repeats) or more, 8 "
        "times in 10"
    )
