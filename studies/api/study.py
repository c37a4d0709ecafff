"""A study as Python sees it: data frames and records."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from studies.analysis import Comparison
    from studies.results import StudyResults


@dataclass(frozen=True)
class Best:
    """The configuration of a study to use."""

    configuration: Mapping[str, Any]
    """Complete and plain, with no range left."""
    study_file: Mapping[str, Any]
    """A study of one trial that trains it: `fairtune.run(study.best.study_file)`."""
    metric: str
    value: float
    """What to expect of it: the mean over its fresh runs, else the value of its trial."""
    trial: str
    """The trial that found it."""
    arm: str
    """Empty where nothing is compared."""
    seed: int
    fresh_seeds: int
    """Runs on fresh seeds that `value` is the mean of; 0 where it was not confirmed."""
    checkpoint: Path | None
    """The weights of the network that stands for the study; None where they were not kept."""


@dataclass(frozen=True)
class Verdict:
    """What may be said of two arms; differences are a - b in the unit of the comparison."""

    a: str
    b: str
    better: str
    """The better arm; empty where no difference is detectable."""
    difference: float
    ci_low: float
    ci_high: float
    p: float | None
    p_holm: float | None
    """After Holm's correction over the pairs of the study."""
    sentence: str


class Study:
    """A study of a home, as its record was when it was read; `refresh` reads it again."""

    def __init__(self, results: StudyResults) -> None:
        self.results = results

    @property
    def name(self) -> str:
        """The study's name in its home."""
        return self.results.study

    @property
    def home(self) -> Path:
        """The folder that holds it."""
        return self.results.home.path

    @property
    def finished(self) -> bool:
        """Whether its last run left nothing to do."""
        return self.results.finished

    def refresh(self) -> Study:
        """The same study, as its record is now."""
        from studies import results

        return Study(results.load_results(self.results.home, self.name))

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row per trial: key, arm, phase, outcome, value, every value of the configuration by
        its dotted path, `best/<metric>` at the best epoch, and `test/<metric>`."""
        from studies.sentences.description import trials_table

        return trials_table(self.results)

    @cached_property
    def best(self) -> Best | None:
        """The configuration to use; None where no trial has completed."""
        from lightning_modules.configuration import COMMAND
        from studies.analysis import (
            choose,
            configuration_of,
            file_of_one_trial,
            recommended,
        )
        from studies.study_file.command_template import function_of

        found = recommended(self.results)
        if found is None:
            return None
        tree = configuration_of(found.trial).to_dict()
        file = file_of_one_trial(self.results, found.trial)
        if function_of(configuration_of(found.trial)):
            for each in (tree, file):
                del each["model"][COMMAND]
        checkpoint = self.results.home.checkpoint(self.name, choose(self.results).trial.key)
        return Best(
            configuration=tree,
            study_file=file,
            metric=found.metric,
            value=found.value,
            trial=found.trial.key,
            arm=found.trial.arm,
            seed=found.trial.seed,
            fresh_seeds=found.seeds,
            checkpoint=checkpoint if checkpoint.exists() else None,
        )

    @cached_property
    def comparison(self) -> Comparison:
        """The arms and their pairs by the study's objective, with all that is known of them."""
        from studies.analysis import compare

        return compare(self.results)

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """What may be said of every pair of arms; empty where nothing is compared, or where no
        verdict is given: `summary` says why."""
        from studies.analysis import winner
        from studies.sentences.verdict_sentences import verdict_sentence

        found = self.comparison
        if found.design.why_none:
            return []
        return [
            Verdict(
                pair.a,
                pair.b,
                winner(pair),
                pair.result.difference.estimate,
                pair.result.difference.low,
                pair.result.difference.high,
                pair.result.p,
                pair.result.p_holm,
                verdict_sentence(found, pair),
            )
            for pair in found.pairs
        ]

    @property
    def summary(self) -> Sequence[str]:
        """Everything that may be said of the arms, the most important first."""
        from studies.sentences.verdict_sentences import summary

        return summary(self.comparison) if self.results.spec.factors else []

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """A row per arm, the best mean first: what its winners reach on fresh seeds."""
        import pandas as pd

        columns = ["arm", "mean", "ci_low", "ci_high", "confirmed", "trials", "epochs", "seconds"]
        rows = [
            (
                arm.arm,
                arm.mean.estimate,
                arm.mean.low,
                arm.mean.high,
                len(arm.confirmed),
                sum(arm.outcomes.values()),
                arm.epochs,
                arm.seconds,
            )
            for arm in self.comparison.arms
        ]
        return pd.DataFrame(rows, columns=columns)

    def curves(self, metric: str | None = None) -> pd.DataFrame:
        """A metric after every epoch of every trial.

        Args:
            metric: such as `val/loss`; the study's objective unless given.

        Returns:
            Columns trial, arm, repeat, phase, epoch and value, a row per epoch.

        Raises:
            UserError: the metric was not logged.
        """
        import pandas as pd

        from lightning_modules.components import unknown
        from lightning_modules.errors import UserError
        from studies.records import RecordReader

        metric = metric or self.results.spec.objective.metric
        trials = {trial.key: trial for trial in self.results.trials}
        with RecordReader.open(self.results.home, self.name) as record:
            found = record.histories(list(trials), [metric])
        rows = [
            (key, trials[key].arm, trials[key].repeat, trials[key].phase, epoch, value)
            for key, curves in found.items()
            for epoch, value in curves.get(metric, {}).items()
        ]
        if not rows and any(trial.best for trial in trials.values()):
            logged = sorted({name for trial in trials.values() for name in trial.best})
            raise UserError(f"{self.name}: {unknown('metric', metric, logged)}")
        return pd.DataFrame(rows, columns=["trial", "arm", "repeat", "phase", "epoch", "value"])

    def report(self, form: Literal["html", "md", "csv"] = "html") -> str:
        """The study as one document, the text of a file; `csv` is the table of trials.

        Raises UserError for another form.
        """
        from lightning_modules.errors import UserError
        from studies.reporting.render import FILES, render

        if form not in FILES:
            raise UserError(f"a report is one of {', '.join(FILES)}, got {form!r}")
        return render(self.results, form)

    def __repr__(self) -> str:
        """What was found, in a few lines."""
        from studies.results import outcome_counts

        counts = outcome_counts(self.results.ended)
        ended = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        state = "finished" if self.finished else "not finished"
        lines = [f"study {self.name}: {state} ({ended or 'no trial has ended'})"]
        if self.best is not None:
            value = f"{self.best.metric} {self.best.value:.4g}"
            lines.append(f"best: {value}, found by {self.best.trial}")
        return "\n".join([*lines, *self.summary])

    def _repr_html_(self) -> str:
        """The same with the ranking, for a notebook."""
        lines = "".join(f"<div>{html.escape(line)}</div>" for line in repr(self).splitlines())
        ranking = self.ranking.to_html(index=False, border=0) if self.results.spec.factors else ""
        return f"<div>{lines}{ranking}</div>"
