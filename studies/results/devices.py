"""Which kinds of device a study's trials have run on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from studies.records import Trial
from studies.records.types import TRAINED
from studies.results.code_versions import Counts, each_counted
from studies.results.wording import plural


@dataclass(frozen=True)
class Devices:
    """The kinds of device under a comparison."""

    counts: Counts = field(default_factory=dict)
    """How many trials of every arm have trained on each kind, by its name."""
    torn: int = 0
    """Seeds whose arms have run on different kinds."""

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Devices:
        """Those that trials have numbers of, in the order of the trials: one that failed has none,
        and where it ran is not always known; one that took the result of another was not trained.
        """
        counts: dict[str, Counter[str]] = {}
        kinds: defaultdict[tuple[str, int, int], set[str]] = defaultdict(set)
        for trial in trials:
            if trial.outcome in TRAINED and trial.device and trial.duplicate_of is None:
                counts.setdefault(trial.device, Counter())[trial.arm] += 1
                kinds[trial.phase, trial.repeat, trial.seed].add(trial.device)
        return cls(counts, sum(len(each) > 1 for each in kinds.values()))


def mixed_devices(devices: Devices) -> list[str]:
    """That trials ran on different kinds of device; nothing where they did not."""
    if len(devices.counts) < 2:
        return []
    on = f"the trials ran on {len(devices.counts)} kinds of device ({each_counted(devices.counts)})"
    arms = {arm for counts in devices.counts.values() for arm in counts}
    if not devices.torn:
        same = ", all arms of a seed on the same one" if len(arms) > 1 else ""
        return [f"{on}{same}: numbers repeat on one kind only, and times cannot be compared"]
    seeds = plural(devices.torn, "seed")
    return [
        f"{on}, and the arms of {seeds} on different ones, as the study went on on another "
        "machine, so that differences may come from the device; only a new study on one kind has "
        "the same for all arms"
    ]
