"""A study as one document: what may be said, what it rests on, and how it was found.

Everything that a person wrote, names among it, is shown as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lightning_modules.data.preparation.summary import summary_lines
from studies.analysis import Comparison, DesignWarning, design_warnings, recommended
from studies.reporting import tables as report_tables
from studies.reporting.answer import Answer, answer
from studies.reporting.tables import ConfigurationToUse, Table, Winner
from studies.results import StudyResults, level, plural
from studies.sentences import verdicts
from studies.sentences.claim_words import ClaimWords, claim_words
from studies.sentences.methods import methods
from studies.sentences.uncertainty import advice, sources
from studies.sentences.way_out import way_to_verdict


@dataclass(frozen=True)
class Report:
    """Everything that a report says but its figures, in its order."""

    study: str
    question: str
    answer: Answer
    """What was found, on one card."""
    note: str
    """What people have written about the study."""
    tags: Sequence[tuple[str, str]]
    headline: str
    """What may be said of all arms together."""
    verdicts: Sequence[str]
    missing: Sequence[str]
    words: ClaimWords
    """What its tables and figures are called."""
    ranking: Table
    pairs: Table
    design_warnings: Sequence[DesignWarning]
    warnings: Sequence[str]
    uncertainty: Sequence[str]
    """Where the uncertainty comes from."""
    advice: Sequence[str]
    """What would make it smaller; commands stand in backticks."""
    budget: Table
    """What more repeats or seeds would show."""
    use: ConfigurationToUse | None
    """The configuration to use."""
    winners: Sequence[Winner]
    """The winner of every search."""
    configurations: Table
    data: Sequence[str]
    """What the data became, line by line."""
    methods: Sequence[tuple[str, str]]
    space: Table
    outcomes: Table
    causes: Table
    """In which ways trials failed."""
    annotations: Table
    """What people have written about its trials."""
    environment: Table
    study_file: str

    @property
    def files(self) -> Sequence[Winner]:
        """The winners that are shown as study files, beside the configuration to use: one for
        each arm. With several repeats there are too many."""
        used = self.use.winner.trial if self.use is not None else ""
        several = any(each.repeat > 1 for each in self.winners)
        return [] if several else [each for each in self.winners if each.trial != used]


def report(results: StudyResults, comparison: Comparison) -> Report:
    """Everything that a report says of a study."""
    winners = report_tables.find_winners(results)
    said, way = verdicts(comparison), way_to_verdict(results, comparison)
    headline, *rest = said or [_best(results)]
    missing = [text for text in comparison.missing if text != headline]
    way = _sentence(way, results.arms) if way else ""
    names = results.arms
    headline = _sentence(headline, names)
    advised = [_sentence(text, names) for text in advice(results, comparison)]
    use = report_tables.configuration_to_use(results)
    return Report(
        study=results.study,
        question=results.spec.description,
        answer=answer(results, comparison, headline, [way, *advised], use),
        note=results.annotation.note,
        tags=list(results.annotation.tags.items()),
        headline=headline,
        verdicts=[_sentence(text, names) for text in rest],
        missing=[_sentence(text, names) for text in missing],
        words=claim_words(comparison),
        ranking=report_tables.ranking_table(comparison),
        pairs=report_tables.pairs_table(comparison),
        design_warnings=[
            replace(alarm, message=_sentence(alarm.message, names))
            for alarm in design_warnings(results, comparison)
        ],
        warnings=[_sentence(text, names) for text in results.warnings],
        uncertainty=[_sentence(text, names) for text in sources(results, comparison)],
        advice=advised,
        budget=report_tables.budget_table(results, comparison),
        use=use,
        winners=winners,
        configurations=report_tables.winners_table(results, winners),
        data=[line.strip() for each in results.data for line in summary_lines(each)],
        methods=methods(results, comparison),
        space=report_tables.search_space_table(results),
        outcomes=report_tables.outcomes_table(results),
        causes=report_tables.causes_table(results),
        annotations=report_tables.annotations_table(results),
        environment=report_tables.environment_table(results),
        study_file=results.spec.text,
    )


def _best(results: StudyResults) -> str:
    """What there is to say where no two arms can be compared."""
    best = recommended(results)
    if best is None:
        return "no trial has completed, so nothing can be said yet"
    value = level(best.metric, best.value)
    who = f" of {best.trial.arm}" if best.trial.arm else ""
    if best.repeats:
        searches = plural(best.repeats, "search", "searches")
        return f"the winners{who} have {best.metric} {value}, the mean of {searches}"
    if best.seeds:
        return (
            f"the best configuration{who} has {best.metric} {value}, the mean of {best.seeds} "
            "fresh seeds"
        )
    return f"the best trial{who} of the search has {best.metric} {value}, which is optimistic"


def _sentence(text: str, names: Sequence[str]) -> str:
    """With a capital, unless it begins with the name of an arm, and with a full stop."""
    if not any(name and text.startswith(name) for name in names):
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "`")) else f"{text}."
