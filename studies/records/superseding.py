"""Trials whose place another one takes: queued again after a fix, or begun anew.

What such a trial was stays in the record, under a name of its own and in a phase that counts for
nothing; its epochs and attempts stay its own, since they belong to its row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from studies.records.reader import IDENTITY
from studies.records.rows import milliseconds
from studies.records.transactions import RecordTransactions
from studies.records.types import QUEUED, SUPERSEDED, Outcome, Trial

FORMER = "former_searches"
"""The note that holds the names of searches that the record had and has no more: mirrors delete
what they have of them."""
OF_PRUNER = "completed_rung_"
"""How notes of Optuna's pruners begin: a trial that is trained again has none."""
TAKEN = (
    "search, number, key, arm, repeat, split, seed, seed_index, is_default, config_hash, "
    "configuration, params, distributions"
)
"""What a trial that is queued again has of the one whose place it takes."""


@dataclass
class SupersedingRecord(RecordTransactions):
    """A record whose trials can be put aside for others."""

    def queue_again(
        self, trials: Sequence[Trial], notes: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Put trials aside, and queue others in their places that have the same configuration,
        seed and name; `notes` are written with that, all or nothing."""
        with self._transaction(durable=True):
            now = milliseconds()
            for trial in trials:
                self._put_aside(trial, self._superseded_search())
                state = {
                    name: value
                    for name, value in trial.sampler_state.items()
                    if not name.startswith(OF_PRUNER)
                }
                self.connection.execute(
                    f"INSERT INTO trials ({TAKEN}, sampler_state, started, ended, outcome, reason, "
                    "revision, queued) SELECT ?, ?, ?, arm, repeat, split, seed, seed_index, "
                    "is_default, config_hash, configuration, params, distributions, ?, ?, ?, ?, ?, "
                    "?, queued + 1 FROM trials WHERE id = ?",
                    [trial.search, trial.number, trial.key, json.dumps(state), now, now,
                     Outcome.interrupted, QUEUED, self._revise(), trial.id],
                )  # fmt: skip
            self._write_notes(notes)

    def start_anew(self) -> None:
        """Put all trials aside and forget the searches and what was noted, but for what the record
        is: the study may begin as another one of its name."""
        aside = [trial for trial in self.trials() if trial.phase != SUPERSEDED]
        names = [each.name for each in self.searches() if each.phase != SUPERSEDED]
        former = [*self.notes().get(FORMER, []), *names]
        with self._transaction(durable=True):
            for trial in aside:
                self._put_aside(trial, self._superseded_search())
            self.connection.execute("DELETE FROM searches WHERE phase <> ?", [SUPERSEDED])
            self.connection.execute("DELETE FROM notes WHERE name <> ?", [IDENTITY])
            self._write_notes({FORMER: list(dict.fromkeys(former))})

    def note_code(self, code: str) -> None:
        """What own code trials run with from here on. Where nobody wrote that down earlier trials
        had the same: code that has changed is refused."""
        self.code = code
        if not code or not self._all("SELECT 1 FROM trials WHERE code = '' LIMIT 1"):
            return
        with self._transaction():
            self.connection.execute("UPDATE trials SET code = ? WHERE code = ''", [code])

    def _put_aside(self, trial: Trial, search: int) -> None:
        """Move a trial to the superseded ones."""
        query = "SELECT count(*) FROM trials WHERE search = ?"
        (number,) = self.connection.execute(query, [search]).fetchone()
        key = f"{trial.key}-{SUPERSEDED}-{self._times_put_aside(trial.key) + 1}"
        self.connection.execute(
            "UPDATE trials SET search = ?, number = ?, key = ?, revision = ? WHERE id = ?",
            [search, number, key, self._revise(), trial.id],
        )

    def _superseded_search(self) -> int:
        """The row of the search that holds what was put aside, made where it is missing."""
        query = "SELECT id FROM searches WHERE phase = ?"
        found = self.connection.execute(query, [SUPERSEDED]).fetchone()
        if found is not None:
            return int(found[0])
        made = self.connection.execute(
            "INSERT INTO searches (name, arm, repeat, phase, goal) "
            "SELECT ?, '', 1, ?, goal FROM searches LIMIT 1",
            [f"{self.notes()['study']}:{SUPERSEDED}", SUPERSEDED],
        )
        assert made.lastrowid is not None
        return made.lastrowid

    def _write_notes(self, notes: Mapping[str, Any]) -> None:
        """Write notes within a transaction."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO notes VALUES (?, ?)",
            [(name, json.dumps(value)) for name, value in notes.items()],
        )
        self._revise()
