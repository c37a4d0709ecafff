"""What the mirrors of a study lack, in words."""

from __future__ import annotations

from studies.home import Home, home_option
from studies.records import RecordReader
from studies.records.deliveries import revisions as delivered
from studies.records.deliveries import statuses

NAMES = {"optuna": "Optuna's storage", "mlflow": "MLflow"}
"""The mirrors."""


def missing(home: Home, study: str) -> dict[str, int]:
    """How many trials every mirror lacks that lacks something; 0 where only results are missing."""
    known = statuses(home, study)
    with RecordReader.open(home, study) as record:
        last = record.revision
        behind = [name for name in NAMES if name not in known or known[name].revision < last]
        if not behind:
            return {}
        revisions = {trial.key: trial.revision for trial in record.trials()}
    urls = {"optuna": home.optuna_url, "mlflow": home.mlflow_uri}
    found = {}
    for name in behind:
        there = delivered(home, study, name, urls[name])
        found[name] = sum(there.get(key) != at for key, at in revisions.items())
    return found


def what_is_left(home: Home, study: str) -> str:
    """What waits for which mirror, and the way out; empty where nothing does."""
    left = missing(home, study)
    if not left:
        return ""
    by_count: dict[int, list[str]] = {}
    for name, count in left.items():
        by_count.setdefault(count, []).append(NAMES[name])
    parts: list[str] = []
    for count, names in sorted(by_count.items(), reverse=True):
        of = "" if parts else f" of study {study}"
        what = "the results" if count == 0 else f"{count} trial{'s' * (count > 1)}"
        verb = "" if parts else (" waits" if count == 1 else " wait")
        parts.append(f"{what}{of}{verb} for {' and '.join(names)}")
    return f"{', '.join(parts)}; `{sync_command(home, study)}` delivers them"


def sync_command(home: Home, study: str, *options: str) -> str:
    """The command that brings the mirrors of a study up to its record."""
    return " ".join(["fairtune sync", study, *options]) + home_option(home.path)
