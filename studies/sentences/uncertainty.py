"""Where the uncertainty of a comparison of arms comes from, and what to buy more of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from studies.analysis import Comparison, PairResult, winner
from studies.analysis.variance_sources import CrossedWinners, VarianceSources, variance_sources
from studies.results import LARGEST_LOG, StudyResults, plural, size
from studies.results.commands import command
from studies.results.wording import listed
from studies.sentences.verdict_sentences import MOST_NEEDED
from studies.sentences.way_out import fresh_study
from studies.statistics import ALPHA, SECOND_LOOK_ALPHA


def sources(results: StudyResults, comparison: Comparison) -> list[str]:
    """What the repeats tell apart of the luck of search, split and seed; the rest is named.

    Of a search that is read at a smaller budget the winner is not what is compared, so that
    nothing is said of it.
    """
    found = variance_sources(results, comparison)
    if found is None:
        return []
    said = [*_together(found, comparison), *_seeds(found, comparison)]
    if found.crossed is not None:
        said.append(_split_and_search(results, comparison, found.crossed))
    return said


def _together(found: VarianceSources, comparison: Comparison) -> Iterator[str]:
    if math.isnan(found.winners):
        return
    design = comparison.design
    luck = "search, split and seed" if design.splits > 1 else "search and seed"
    yield (
        "the winners of an arm scatter from search to search by "
        f"{deviation_words(comparison, found.winners)} on the {design.part} part (one standard "
        f"deviation): the luck of {luck} together"
    )
    if not math.isnan(found.differences):
        yield (
            "the difference between two arms scatters by "
            f"{deviation_words(comparison, found.differences)}: what arms share in a repeat cancels"
        )


def _seeds(found: VarianceSources, comparison: Comparison) -> Iterator[str]:
    if math.isnan(found.seeds):
        yield (
            "how much of it is the training seed was not separated: every winner has one fresh "
            "seed (confirm.seeds: 2 separates it)"
        )
        return
    yield (f"by the training seed alone they scatter by {deviation_words(comparison, found.seeds)}")


def _split_and_search(
    results: StudyResults, comparison: Comparison, crossed: CrossedWinners
) -> str:
    parts, metric = crossed.parts, results.spec.objective.metric
    if parts is None:
        return "the luck of the split and that of the search were not separated"
    whose = f" of {crossed.arm}" if crossed.arm else ""
    sizes = (parts.sd_split, parts.sd_configuration, parts.residual)
    split, configuration, rest = (deviation_words(comparison, deviation) for deviation in sizes)
    return (
        f"{plural(parts.configurations, 'winner')}{whose} on {plural(parts.splits, 'split')}, by "
        f"{metric}: splits differ by {split}, these winners by {configuration}, and {rest} is left "
        "for the seed and for what suits one split only. They are the best winners, so that other "
        "configurations differ more"
    )


def deviation_words(comparison: Comparison, deviation: float) -> str:
    """A standard deviation; of logarithms it is a ratio."""
    if comparison.design.logarithms:
        return f"a factor of {math.exp(min(deviation, LARGEST_LOG)):.3g}"
    return size(comparison.metric, deviation)


def advice(results: StudyResults, comparison: Comparison) -> list[str]:
    """What to buy more of, with the command that does it; empty where nothing is open, and where
    the study has not ended, which `comparison.missing` says."""
    spec, design = results.spec, comparison.design
    if len(comparison.arms) < 2 or spec.confirm is None or design.claim != "arms":
        return []
    if not results.finished or (design.at is not None and design.planned == 1):
        return []
    undecided = [pair for pair in comparison.pairs if not winner(pair)]
    if not undecided or design.why_none:  # then `way_to_verdict` says more
        return []
    return list(_more_repeats(results, comparison, undecided))


def _more_repeats(
    results: StudyResults, comparison: Comparison, undecided: Sequence[PairResult]
) -> Iterator[str]:
    design = comparison.design
    if design.sequential or design.level < ALPHA:
        yield (
            "this study has had its looks, and a further one would find a difference too often; "
            f"{fresh_study(results)}"
        )
        return
    known = [(n, pair) for pair in undecided if (n := pair.repeats_needed) is not None]
    if known:
        needed, pair = min(known, key=lambda each: each[0])
        more = command(results, f"search.repeats={max(needed, design.planned + 1)}")
        nearest = f", the nearest of {len(undecided)} open pairs," if len(undecided) > 1 else ""
        yield (
            f"more repeats, not more seeds: `{more}` would tell {pair.a} and {pair.b}{nearest} "
            "apart 8 times in 10, if their difference is as observed. It is a second look, judged "
            f"at p <= {SECOND_LOOK_ALPHA:g}, and the last one. Or {fresh_study(results)}"
        )
        return
    if any(pair.lost_a != pair.lost_b for pair in undecided):
        lost = [f"{arm} {len(repeats)}" for arm, repeats in comparison.lost.items()]
        yield (
            f"of {plural(design.searches, 'repeat')} were lost: {listed(lost)}; an arm that lost "
            "more than another is never called better, so see first why its trainings failed"
        )
    if design.at is None and all(map(_is_small, undecided)):
        yield (
            f"the differences observed are so small that more than {MOST_NEEDED:,} repeats would "
            "be needed to show them"
        )


def _is_small(pair: PairResult) -> bool:
    """Whether a difference was seen, and no number of repeats that one can pay would show it."""
    difference = pair.result.difference.estimate
    is_known = math.isfinite(difference) and math.isfinite(pair.deviation)
    alike = pair.lost_a == pair.lost_b and pair.repeats_needed is None
    return is_known and alike and difference != 0 and pair.deviation > 0
