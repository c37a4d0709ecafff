"""Many metrics, parameters and tags for a run, in batches that every store takes.

What a store refuses for its content does not hold up the rest: it is left out, and a tag says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from studies.mirrors.mlflow.client import (
    Metric,
    MlflowClient,
    MlflowException,
    Param,
    RunTag,
    is_refusal,
)
from studies.mirrors.mlflow.names import MAX_TAG_LENGTH, storable

MAX_ENTRIES, MAX_LABELS = 900, 100
"""Entries of a batch, and how many of them may be parameters, or tags."""
MAX_BYTES = 500_000
"""Of a batch; a server takes a million."""
OVERHEAD = 100
"""Bytes of an entry beside its name and value."""
REFUSED_TAG = "fairtune.refused"

Entry = Metric | Param | RunTag


@dataclass(frozen=True)
class BatchWriter:
    """Writes to one run."""

    client: MlflowClient
    run_id: str

    def write(
        self, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Write everything that the store does not refuse."""
        entries: list[Entry] = [Param(name, storable(value)) for name, value in params.items()]
        entries += [RunTag(*item) for item in storable_tags(tags).items()]
        refused: dict[str, str] = {}
        for batch in batches([*entries, *metrics]):
            self._write(batch, refused)
        if refused:
            said = storable(json.dumps(refused, ensure_ascii=False), MAX_TAG_LENGTH)
            self.client.set_tag(self.run_id, REFUSED_TAG, said)

    def _write(self, batch: Sequence[Entry], refused: dict[str, str]) -> None:
        try:
            self.client.log_batch(
                self.run_id,
                metrics=[each for each in batch if isinstance(each, Metric)],
                params=[each for each in batch if isinstance(each, Param)],
                tags=[each for each in batch if isinstance(each, RunTag)],
                synchronous=True,
            )
        except MlflowException as error:
            if not is_refusal(error) or not self._is_active():
                raise
            if len(batch) == 1:
                refused[batch[0].key] = str(error)
                return
            middle = len(batch) // 2
            self._write(batch[:middle], refused)
            self._write(batch[middle:], refused)

    def _is_active(self) -> bool:
        """Whether the run takes anything at all."""
        return bool(self.client.get_run(self.run_id).info.lifecycle_stage == "active")


def storable_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags whose values every store can hold."""
    return {name: storable(value, MAX_TAG_LENGTH) for name, value in tags.items()}


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in batches within MLflow's limits."""
    batch: list[Entry] = []
    size = labels = 0
    for entry in entries:
        value = "" if isinstance(entry, Metric) else entry.value
        cost = len(json.dumps([entry.key, value])) + OVERHEAD
        label = not isinstance(entry, Metric)
        is_full = len(batch) >= MAX_ENTRIES or size + cost > MAX_BYTES
        if batch and (is_full or labels + label > MAX_LABELS):
            yield batch
            batch, size, labels = [], 0, 0
        batch.append(entry)
        size, labels = size + cost, labels + label
    if batch:
        yield batch
