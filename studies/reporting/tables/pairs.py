"""The pairs of arms, with the difference and the verdict of each."""

from __future__ import annotations

import math
from collections.abc import Callable

from studies.analysis import Comparison, PairResult
from studies.reporting.tables.table import Table
from studies.results import amount, in_unit, level_words
from studies.sentences import MATCHED, signed
from studies.sentences.claim_words import claim_words, interval_words, verdict_words
from studies.sentences.effects import percent, signed_spread


def pairs_table(comparison: Comparison) -> Table:
    """A row per pair of arms, in the order of the ranking."""
    design, words = comparison.design, claim_words(comparison)
    columns = _pair_columns(comparison)
    if words.unit == MATCHED:
        return Table(
            list(columns),
            [[cell(pair) for cell in columns.values()] for pair in comparison.pairs],
            f"The searches are read at {design.at} trials; their trials are matched by number.",
            wide=[at for at, head in enumerate(columns) if head == "verdict"],
        )
    said = (
        f"A and B stand in the order of the arms above. A better in: the share of {words.units} in "
        "which A's value is better, ties counting half. "
    )
    if design.logarithms:
        said += "Effects are ratios: how many percent A's value lies above B's, or below it. "
    if any(pair.lopsided for pair in comparison.pairs):
        said += (
            "Lopsided: the differences are skewed and few, so that the test finds a difference "
            "too often. "
        )
    what = f"difference{' (%)' if design.logarithms else in_unit(comparison.metric)}"
    said += f"Detectable is the smallest {what} that so many {words.units} show 8 times in 10"
    if design.claim == "configurations":
        said += (
            "; seeds needed is how many would show the observed difference 8 times in 10, if it "
            "is the true one; “–” where more than 1,000 would be needed"
        )
    elif "repeats needed" in columns:
        said += (
            "; repeats needed is how many would show the observed difference 8 times in 10 at a "
            "second look, if it is the true one; “–” where more than 1,000 would be needed"
        )
    return Table(
        list(columns),
        [[cell(pair) for cell in columns.values()] for pair in comparison.pairs],
        f"{said}. Differences have {interval_words(comparison)}.",
        wide=[at for at, head in enumerate(columns) if head == "verdict"],
    )


PairCell = Callable[[PairResult], str]


def _pair_columns(comparison: Comparison) -> dict[str, PairCell]:
    """What is told of every pair, by the heads of its columns."""
    design, metric = comparison.design, comparison.metric
    ofs = ("found for A", "found for B") if design.claim == "configurations" else ("A", "B")
    effect = "A above B (%)" if design.logarithms else f"A − B{in_unit(metric)}"
    columns: dict[str, PairCell] = {
        ofs[0]: lambda pair: pair.a,
        ofs[1]: lambda pair: pair.b,
        effect: lambda pair: signed(comparison, pair.result.difference.estimate),
        f"{level_words(design.level)} interval": lambda pair: signed_spread(
            comparison, pair.result.difference
        ),
    }
    if any(pair.test != "none" for pair in comparison.pairs):
        columns |= {
            "test": lambda pair: pair.test + (", lopsided" if pair.lopsided else ""),
            "p": lambda pair: _p(pair, pair.result.p),
            "p after Holm": lambda pair: _p(pair, pair.result.p_holm),
        }
    counted = claim_words(comparison).unit != MATCHED
    if counted:
        columns["A better in"] = lambda pair: _share(pair.result.probability_a_better.estimate)
    if not design.why_none:  # else the headline says so of all
        columns["verdict"] = lambda pair: verdict_words(comparison, pair)
    if not counted:
        return columns
    if design.claim == "configurations":
        columns["seeds"] = lambda pair: str(pair.result.seeds)
    else:
        columns[claim_words(comparison).units] = lambda pair: str(pair.repeats)
    if design.sequential:
        columns["closed after"] = lambda pair: "open" if pair.look is None else str(pair.look)
    columns["detectable"] = lambda pair: _detectable(comparison, pair)
    if design.claim == "configurations":
        columns["seeds needed"] = lambda pair: (
            "–" if pair.seeds_needed is None else str(pair.seeds_needed)
        )
    elif any(pair.repeats_needed is not None for pair in comparison.pairs):
        columns["repeats needed"] = lambda pair: (
            "–" if pair.repeats_needed is None else str(pair.repeats_needed)
        )
    return columns


def _p(pair: PairResult, p: float) -> str:
    return f"{p:.2g}" if math.isfinite(p) and pair.test != "none" else "–"


def _share(share: float) -> str:
    return f"{share:.0%}" if math.isfinite(share) else "–"


def _detectable(comparison: Comparison, pair: PairResult) -> str:
    if not math.isfinite(pair.detectable):
        return "–"
    if comparison.design.logarithms:
        return percent(comparison, pair.detectable)
    return amount(comparison.metric, pair.detectable)
