"""The winners of the searches, and the configuration to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lightning_modules.configuration import Configuration
from studies.analysis import choose, file_of_one_trial, recommended
from studies.records import Trial
from studies.reporting.tables.table import Table
from studies.results import StudyResults, plural, value_text
from studies.sentences.expectation import expectation
from studies.study_file import Arm
from studies.study_file.reading.yaml_text import yaml_of


@dataclass(frozen=True)
class Winner:
    """The configuration that a search of an arm chose."""

    arm: str
    trial: str
    values: Mapping[str, str]
    """What the search chose, by its place in the configuration."""
    file: str
    """The whole configuration as a study file."""
    repeat: int = 1
    split: str = ""
    """The seed of the split of its search."""


@dataclass(frozen=True)
class ConfigurationToUse:
    """The configuration of a study to use."""

    winner: Winner
    how: str
    """Which trial it is, and how it was chosen."""
    network: str
    """Which trained network stands for it."""
    expected: str
    """What to expect of it, and what that rests on."""


def find_winners(results: StudyResults) -> list[Winner]:
    """The winner of every search, which was confirmed or would be, by arm and repeat."""
    found = []
    for arm in results.spec.arms:
        for repeat in range(1, results.spec.repeats + 1):
            trial, _ = results.winner(arm.name, repeat)
            if trial is not None:
                found.append(_winner(results, arm, trial))
    return found


def _winner(results: StudyResults, arm: Arm, trial: Trial) -> Winner:
    values = arm.space.open_values_of(Configuration.resolve(trial.configuration).flat())
    texts = {path: value_text(value) for path, value in values.items()}
    split = trial.split_seed
    return Winner(
        arm.name,
        trial.key,
        texts,
        yaml_of(file_of_one_trial(results, trial)),
        repeat=trial.repeat,
        split="–" if split is None else str(split),
    )


def winners_table(results: StudyResults, found: Sequence[Winner]) -> Table:
    """A row per winner; the columns are the places of all that was searched."""
    several = results.spec.repeats > 1
    places = list(dict.fromkeys(path for each in found for path in each.values))
    rows = [
        [
            each.arm or results.study,
            *([str(each.repeat), each.split] if several else []),
            each.trial,
            *(each.values.get(path, "–") for path in places),
        ]
        for each in found
    ]
    note = (
        "Values to four digits; what no search chose is as the study file and the components' "
        "defaults have it."
    )
    if several:
        note = f"A row is the winner of one search; split is the seed of its rows. {note}"
    where = ["repeat", "split"] if several else []
    head = [" × ".join(results.spec.factors) or "study", *where, "trial", *places]
    return Table(head, rows, note, [each.arm for each in found])


def configuration_to_use(results: StudyResults) -> ConfigurationToUse | None:
    """The configuration to use; None where no trial has completed."""
    best = recommended(results)
    if best is None:
        return None
    arm = next(arm for arm in results.spec.arms if arm.name == best.trial.arm)
    whose = f"{best.trial.arm}'s" if best.trial.arm else "the"
    if best.repeats:
        how = (
            f"of the winners of {whose} {plural(best.repeats, 'search', 'searches')} the one that "
            f"is best by validation on all splits that it has met, in "
            f"{plural(best.seeds, 'fresh run')}"
        )
    elif best.seeds:
        one = "the configuration that the search found"
        if best.trial.arm:
            one = f"the configuration found for {best.trial.arm}, which has the best mean of all"
        how = f"{one}, with {plural(best.seeds, 'fresh seed')}"
    else:
        how = "the best trial of the search, which looks better than it is: it was not confirmed"
    expected = expectation(results)
    return ConfigurationToUse(
        _winner(results, arm, best.trial),
        how=f"{best.trial.key}: {how}",
        network=f"The network to use: {choose(results).words}",
        expected="" if expected is None else expected.words,
    )
