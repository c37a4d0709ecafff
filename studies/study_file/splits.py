"""Which rows the repeats of a study train, validate and test on."""

from __future__ import annotations

from dataclasses import dataclass

from lightning_modules.configuration import Configuration
from lightning_modules.errors import UserError
from lightning_modules.hashing import hash_number
from lightning_modules.training.split_rule import SplitRule, split_rule
from studies.study_file.command_template import is_program, tells_split
from studies.study_file.spec import Spec

LARGEST = 10**9
"""Seeds of a split are below this."""
ALL = ("train", "validation", "test")


@dataclass(frozen=True)
class Splits:
    """The split of every repeat."""

    rule: SplitRule
    per_repeat: bool
    """Whether every repeat has a split of its own."""
    study_seed: int
    split_seed: int
    """The split seed of the file, which is the first repeat's."""

    def seed(self, repeat: int) -> int | None:
        """The seed of a repeat's split; None for the file's own."""
        if repeat == 1 or not self.per_repeat:
            return None
        text = f"{self.study_seed}/split/{self.split_seed}/r{repeat}"
        return hash_number(text) % LARGEST


def splits_of(spec: Spec) -> Splits:
    """The splits of a study's repeats.

    Raises UserError where the file asks for a split per repeat and its rows are not divided at
    random, and UserCodeError where the class that divides them cannot be imported.
    """
    found = [rule_of(configuration) for configuration in spec.configurations]
    redrawn = tuple(part for part in ALL if all(part in rule.redrawn for rule in found))
    why = next((rule.why_fixed for rule in found if rule.why_fixed), "")
    wanted = spec.design.split == "per_repeat" and spec.repeats > 1
    if wanted and not redrawn and spec.split_given:
        raise UserError(
            f"data.split: {why}, so that no repeat can have a split of its own; write "
            "data.split: fixed, or leave it out"
        )
    first = spec.configurations[0].data.parameters
    base = first.get("split_seed")
    return Splits(
        SplitRule(redrawn, why),
        per_repeat=wanted and bool(redrawn),
        study_seed=spec.seed,
        split_seed=base if isinstance(base, int) else 0,
    )


def rule_of(configuration: Configuration) -> SplitRule:
    """What another split seed divides anew; of a program's data only the program knows."""
    if is_program(configuration):
        if tells_split(configuration):
            return SplitRule(ALL, "")
        return SplitRule((), "only the program knows its data, and its command has no {split}")
    return split_rule(configuration)
