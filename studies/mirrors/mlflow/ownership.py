"""Which runs of MLflow are a record's, wherever somebody has put them.

A copied home has the same records: on a server that both use, the runs are those of the home that
has made them.
"""

from __future__ import annotations

from collections.abc import Iterator

from studies.home import Home
from studies.home.writer import writer_of
from studies.mirrors.mlflow.client import Experiment, MlflowClient, Run, ViewType
from studies.mirrors.mlflow.places import is_own

RECORD_TAG = "fairtune.record"
"""On the run of a study: the record that it belongs to."""
HOME_TAG = "fairtune.home"
"""On the run of a study: what tells the home that has made it from its copies."""
PAGE = 1000
MOST = 50_000
"""Runs that MLflow answers at a time, at most."""


def below(
    client: MlflowClient, experiment_id: str, parent: str, view: int = ViewType.ACTIVE_ONLY
) -> list[Run]:
    """The runs that MLflow shows below another one, its children."""
    asked = [experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'", view, PAGE
    page = client.search_runs(*asked)
    found = list(page)
    while page.token:
        page = client.search_runs(*asked, page_token=page.token)
        found += page
    return found


def home_mark(home: Home) -> str:
    """A home as the run of a study names it."""
    return " ".join(f"{name}:{value}" for name, value in writer_of(home).items())


def is_of_other_home(home: Home, run: Run) -> bool:
    """Whether the run of a study was made by a home of which this one is a copy. A database in the
    home was copied with it."""
    made_by = set(run.data.tags.get(HOME_TAG, "").split())
    return bool(made_by) and not is_own(home) and made_by.isdisjoint(home_mark(home).split())


def parents_of(client: MlflowClient, record: str) -> dict[str, list[Run]]:
    """The runs that are a record's own, deleted ones included, by the experiment; there may be
    several where somebody has copied or deleted some."""
    ids = [each.experiment_id for each in all_experiments(client)]
    found: dict[str, list[Run]] = {}
    for first in range(0, len(ids), PAGE):
        query = f"tags.`{RECORD_TAG}` = '{record}'"
        for run in client.search_runs(ids[first : first + PAGE], query, ViewType.ALL):
            found.setdefault(run.info.experiment_id, []).append(run)
    return found


def owned(
    client: MlflowClient, home: Home, experiment_id: str, record: str
) -> tuple[list[Run], bool]:
    """All runs of an experiment that are of a record of a home, its own run last, deleted ones
    included; and whether nobody else has runs there."""
    query = f"tags.`{RECORD_TAG}` = '{record}'"
    found = client.search_runs([experiment_id], query, ViewType.ALL)
    parents = [run for run in found if not is_of_other_home(home, run)]
    children = [
        run
        for parent in parents
        for run in below(client, experiment_id, parent.info.run_id, ViewType.ALL)
    ]
    ours = [*children, *parents]
    known = {run.info.run_id for run in ours}
    there = client.search_runs(
        [experiment_id], "", ViewType.ALL, max_results=min(len(known) + 1, MOST)
    )
    return ours, all(run.info.run_id in known for run in there)


def all_experiments(client: MlflowClient) -> Iterator[Experiment]:
    """Every experiment, deleted ones included."""
    page = client.search_experiments(ViewType.ALL, PAGE)
    yield from page
    while page.token:
        page = client.search_experiments(ViewType.ALL, PAGE, page_token=page.token)
        yield from page
