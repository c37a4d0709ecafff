"""A training of a study that is done again in this process, with consent to its program."""

from collections.abc import Callable

from studies.engines.inline import InlineEngine
from studies.engines.training import train_task
from studies.home import Home
from studies.inputs.consent import Consent
from studies.models.reproduce import Reproduction, find, reproduce
from studies.records import Trial
from studies.results import StudyResults


def again(
    home: Home,
    run: str,
    seed: int | None = None,
    change: Callable[[StudyResults, Trial], tuple[StudyResults, Trial]] = lambda s, t: (s, t),
) -> Reproduction:
    found, trial = change(*find(home, run))
    engine = InlineEngine(train_task)
    try:
        return reproduce(found, trial, engine, seed, Consent("", given=True))
    finally:
        engine.close()
