"""What may be said of a comparison, in sentences that a student understands.

A sentence says no more than what was varied: about arms only where every arm was searched several
times, about the two configurations where one search of each was made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from studies.analysis import Comparison, PairResult, winner
from studies.analysis.comparison import loser
from studies.results import amount, level_words, mixed_code, mixed_devices, plural, size
from studies.sentences.effects import effect, observed, shown_from, spread
from studies.statistics import ALPHA, SECOND_LOOK_ALPHA, seeds_for_a_verdict

LISTED = 3
"""Undecided pairs up to which every one has a sentence of its own."""
MOST_NEEDED = 1_000
"""Seeds, or repeats, beyond which nobody counts how many a difference needs."""
LOPSIDED_FALSE, FAILING_FALSE = "3 to 6 %", "7 to 21 %"
"""Equal arms that are told apart where one of them fails by 10 standard deviations in 5 to 20 % of
its repeats, 4 to 8 repeats: of the pairs that are called lopsided, and of all. What misleads is the
failure that has not happened yet, and then nothing looks lopsided. From the rows `lopsided` of
benchmarks/calibration.py; docs/calibration.md has them."""


def summary(comparison: Comparison) -> list[str]:
    """Everything that may be said, the most important first."""
    return verdicts(comparison) + missing(comparison)


def missing(comparison: Comparison) -> list[str]:
    """What the comparison lacks, a sentence each."""
    return [f"missing: {text}" for text in comparison.missing]


def verdicts(comparison: Comparison) -> list[str]:
    """What may be said of all arms together, then of their pairs, and of what code and devices that
    is; empty where nothing may."""
    if not comparison.pairs:
        return []
    mixed = [*mixed_code(comparison.codes), *mixed_devices(comparison.devices)]
    return [*_of_pairs(comparison), *mixed]


def _of_pairs(comparison: Comparison) -> list[str]:
    if comparison.design.why_none:
        return [f"no verdict: {comparison.design.why_none}"]
    decided = [pair for pair in comparison.pairs if winner(pair)]
    undecided = [pair for pair in comparison.pairs if not winner(pair)]
    if len(comparison.pairs) == 1 and _can_decide(comparison):
        return [verdict_sentence(comparison, comparison.pairs[0])]
    said = [headline(comparison), *(verdict_sentence(comparison, pair) for pair in decided)]
    if len(undecided) <= LISTED:
        return said + [verdict_sentence(comparison, pair) for pair in undecided]
    return [*said, _together(comparison, undecided, others=bool(decided))]


def headline(comparison: Comparison) -> str:
    """What may be said of all arms together."""
    configurations = comparison.design.claim == "configurations"
    if not _can_decide(comparison):
        least, most = seeds_for_a_verdict(len(comparison.pairs)), _most_seeds(comparison)
        return f"no verdict is possible with {most} seeds: {least} at least are needed"
    if comparison.design.against is not None and not configurations:
        return _against(comparison, comparison.design.against)
    losers = {loser(pair) for pair in comparison.pairs} - {""}
    unbeaten = [a.arm for a in comparison.arms if (a.confirmed or a.lost) and a.arm not in losers]
    alone = len(unbeaten) == 1 and _beats_all(comparison, unbeaten[0])
    if configurations:
        if not losers:
            return "no configuration is detectably better than another"
        if alone:
            return f"the configuration found for {unbeaten[0]} is better than every other one"
        return "no other configuration is better than those found for " + ", ".join(unbeaten)
    if not losers:
        return "no arm is detectably better than another"
    if alone:
        tuned = f"when each is tuned {budget_words(comparison)}"
        return f"{unbeaten[0]} is better than every other arm {tuned}"
    return "not beaten by any other arm: " + ", ".join(unbeaten)


def _against(comparison: Comparison, arm: str) -> str:
    """What may be said of one arm and all others, which are not compared with each other."""
    better = [winner(pair) for pair in comparison.pairs if loser(pair) == arm]
    worse = [loser(pair) for pair in comparison.pairs if winner(pair) == arm]
    if not better and not worse:
        return f"no arm is detectably better or worse than {arm}"
    sides = [
        f"{which} than {arm}: {', '.join(arms)}"
        for which, arms in (("better", better), ("worse", worse))
        if arms
    ]
    tuned = f"when each is tuned {budget_words(comparison)}"
    return f"{'; '.join(sides)}, {tuned} (the others were not compared with each other)"


def _can_decide(comparison: Comparison) -> bool:
    """Whether so many fresh seeds allow a verdict about configurations at all."""
    if comparison.design.claim != "configurations":
        return True
    return _most_seeds(comparison) >= seeds_for_a_verdict(len(comparison.pairs))


def _most_seeds(comparison: Comparison) -> int:
    return max(pair.result.seeds for pair in comparison.pairs)


def verdict_sentence(comparison: Comparison, pair: PairResult) -> str:
    """What may be said of two arms, or of the configurations found for them."""
    if comparison.design.claim == "configurations":
        return _of_configurations(comparison, pair)
    return _of_arms(comparison, pair)


def budget_words(comparison: Comparison) -> str:
    """The budget that the claim is about: `with 8 trials`."""
    design = comparison.design
    trials = design.at or design.trials
    if trials is not None:
        return f"with {plural(trials, 'trial')}"
    if design.epochs is not None:
        return f"with {plural(design.epochs, 'epoch')} each"
    return "over the whole grid"


def part_words(comparison: Comparison) -> str:
    """Words for the part of the data whose rows were compared."""
    return f"on the {comparison.design.part} part"


def searches_words(comparison: Comparison, repeats: int) -> str:
    """From how many searches, on which splits."""
    design = comparison.design
    if design.at is not None and design.planned == 1:
        return (
            f"random searches of {design.trials} trials read at {design.at}, one for each arm, on "
            "one split"
        )
    splits = min(design.splits, repeats)
    rows = f"{splits} splits of these rows" if splits > 1 else "one split"
    read = f" of {design.trials} trials read at {design.at}" if design.at is not None else ""
    return f"{plural(repeats, 'search', 'searches')}{read} on {rows}"


def _of_arms(comparison: Comparison, pair: PairResult) -> str:
    better = winner(pair)
    if not better:
        return f"{pair.a} and {pair.b}: no detectable difference{_why_no_arm(comparison, pair)}"
    said = f"{better} beats {loser(pair)} when each is tuned {budget_words(comparison)}: "
    if pair.test == "sign test" and pair.lost_a != pair.lost_b:
        return said + _by_losses(comparison, pair)
    found, design = pair.result.difference, comparison.design
    rests = [
        f"{level_words(design.level)} interval {spread(comparison, found)}",
        searches_words(comparison, pair.repeats),
    ]
    if pair.look is not None and design.sequential:
        rests.append(f"decided at the look after {pair.look}")
    elif design.level < ALPHA:
        rests.append(f"second look, judged at p <= {design.level:g}")
    said += f"{effect(comparison, found.estimate)} {part_words(comparison)} ({'; '.join(rests)})"
    if pair.lopsided:
        said += (
            "; one repeat dominates these differences; where one of two equal arms fails now and "
            f"then, {FAILING_FALSE} of such comparisons end in a verdict, not 5 % "
            f"({LOPSIDED_FALSE} of those that look like this one)"
        )
    return said


def _by_losses(comparison: Comparison, pair: PairResult) -> str:
    """A verdict that rests on the repeats that gave an arm nothing."""
    lost = {pair.a: pair.lost_a, pair.b: pair.lost_b}
    count = comparison.design.searches
    better, worse = winner(pair), loser(pair)
    return (
        f"{worse} came to nothing in {lost[worse]} of {count} repeats and {better} in "
        f"{lost[better]} (sign test over repeats, a lost one counting as the worst value: p after "
        f"Holm {pair.result.p_holm:.2g})"
    )


def _why_no_arm(comparison: Comparison, pair: PairResult) -> str:
    design, found = comparison.design, pair.result.difference
    if pair.test == "none" or not math.isfinite(found.estimate):
        return f"; {'; '.join(pair.result.verdict.reasons)}"
    ahead = pair.a if (found.estimate > 0) == (comparison.goal == "maximize") else pair.b
    colon = ":" if design.logarithms else ""
    seen = observed(comparison, ahead, found.estimate)
    said = f"; observed{colon} {seen} {part_words(comparison)}"
    rests = searches_words(comparison, pair.repeats)
    if math.isfinite(pair.detectable) and pair.detectable > 0:
        rests += f", which would show {shown_from(comparison, pair.detectable)} 8 times in 10"
    said += f" ({rests})"
    if pair.lost_a != pair.lost_b:
        return f"{said}; lost repeats: {pair.a} {pair.lost_a}, {pair.b} {pair.lost_b}"
    needed = pair.repeats_needed
    if needed is not None and needed > design.planned:
        more = plural(needed - design.planned, "more repeat")
        level = f"judged at p <= {SECOND_LOOK_ALPHA:g}"
        said += f"; if that is the true difference, about {more}, {level}, would be needed"
    return said


def _together(comparison: Comparison, pairs: Sequence[PairResult], *, others: bool) -> str:
    """One sentence for many undecided pairs."""
    known = [p for p in pairs if math.isfinite(p.result.difference.estimate)]
    said = f"none of the {'other ' if others else ''}{len(pairs)} pairs is decided"
    if not known:
        return said
    widest = max(known, key=lambda pair: abs(pair.result.difference.estimate))
    found = widest.result.difference.estimate
    ahead, behind = widest.a, widest.b
    if (found > 0) != (comparison.goal == "maximize"):
        ahead, behind = behind, ahead
    seen = observed(comparison, ahead, found)
    if comparison.design.logarithms:
        said += f"; the largest difference observed: {seen}" + f" than {behind}'s" * (found != 0)
    else:
        said += f"; the largest difference observed is {seen}" + f" over {behind}" * (found != 0)
    gaps = [p.detectable for p in known if math.isfinite(p.detectable) and p.detectable > 0]
    if gaps:
        least = shown_from(comparison, max(gaps))
        said += f"; {least} would be seen in any of them 8 times in 10"
    return said


def _of_configurations(comparison: Comparison, pair: PairResult) -> str:
    metric, result = comparison.metric, pair.result
    better = winner(pair)
    if not better:
        return (
            f"the configurations found for {pair.a} and {pair.b}: no detectable difference"
            f"{_why_no_configuration(comparison, pair)}"
        )
    wins = pair.wins if result.verdict.better == "a" else result.seeds - pair.wins - pair.ties
    ties = f", equal in {pair.ties}," if pair.ties else ""
    low, high = sorted((abs(result.difference.low), abs(result.difference.high)))
    chosen_too = (
        "" if comparison.design.part == "test" else ", whose rows also chose both configurations"
    )
    return (
        f"the configuration found for {better} beats the one found for {loser(pair)} by "
        f"{size(metric, result.difference.estimate)} {part_words(comparison)}{chosen_too} (95 % "
        f"interval {amount(metric, low)} to {amount(metric, high)}; better in {wins}{ties} of "
        f"{result.seeds} seeds, one split). One search per arm: this does not say that {better} "
        "is better"
    )


def _why_no_configuration(comparison: Comparison, pair: PairResult) -> str:
    metric, result = comparison.metric, pair.result
    least = seeds_for_a_verdict(len(comparison.pairs))
    if result.seeds < least:
        return f"; {result.seeds} seeds allow no verdict, {least} at least do"
    if pair.withheld:
        return f"; {pair.withheld}"
    found, rests = result.difference.estimate, []
    if math.isfinite(pair.detectable) and pair.detectable > 0:
        shown = shown_from(comparison, pair.detectable)
        rests = [f"{result.seeds} seeds would show {shown} 8 times in 10"]
    said = f"; observed {size(metric, found, *rests)}"
    if pair.seeds_needed is None and found != 0:
        said += f"; more than {MOST_NEEDED:,} seeds would be needed"
    elif pair.seeds_needed is not None and pair.seeds_needed > result.seeds:
        more = plural(pair.seeds_needed - result.seeds, "more seed")
        said += f"; if that is the true difference, about {more} would be needed"
    return said


def _beats_all(comparison: Comparison, arm: str) -> bool:
    mine = [pair for pair in comparison.pairs if arm in (pair.a, pair.b)]
    return bool(mine) and all(winner(pair) == arm for pair in mine)
