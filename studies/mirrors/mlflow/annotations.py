"""What people have written about a study or a trial, as the description and the tags of its run.

A run says itself which of its tags come from there, so that those that people give in MLflow stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from studies.mirrors.mlflow.batches import BatchWriter, storable_tags
from studies.mirrors.mlflow.client import MlflowClient
from studies.mirrors.mlflow.names import is_reserved
from studies.records import Annotation

NOTE_TAG = "mlflow.note.content"
"""What MLflow shows as the description of a run."""
OURS = "fairtune.user_tags"
"""Of a run: the names of its tags that come from the record, in JSON."""


def annotate(
    client: MlflowClient, run_id: str, held: Mapping[str, str], annotation: Annotation
) -> dict[str, str]:
    """Give a run what people have written, and take away what they have; its tags then.

    `held` are the tags that it has.
    """
    note = {NOTE_TAG: annotation.note} if annotation.note else {}
    # a record of somebody else's may hold any name
    tags = {n: text for n, text in annotation.tags.items() if not is_reserved(n)}
    wanted = storable_tags({**tags, **note})
    before = _ours(held)
    for name in before:
        if name not in wanted and name in held:
            client.delete_tag(run_id, name)
    said = {OURS: json.dumps(sorted(wanted), ensure_ascii=False)} if wanted or before else {}
    changed = {n: text for n, text in {**wanted, **said}.items() if held.get(n) != text}
    BatchWriter(client, run_id).write([], {}, changed)
    kept = {n: text for n, text in held.items() if n in wanted or n not in before}
    return {**kept, **changed}


def _ours(held: Mapping[str, str]) -> list[str]:
    """The tags that were written here, as the run says; people may have changed that."""
    try:
        names = json.loads(held.get(OURS, "[]"))
    except ValueError:
        return []
    found = [str(name) for name in names] if isinstance(names, list) else []
    return [name for name in found if name == NOTE_TAG or not is_reserved(name)]
