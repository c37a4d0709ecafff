"""How a study gets another name, with no state between the two.

The record is told the new name first; then its folder gets it, in one step; then the record
follows. Whoever reads a record whose folder has the name that it was told sees that name already,
and its next writer writes it down. Where the folder never got it nothing has happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from studies.records.names import RENAMED, with_name
from studies.records.superseding import FORMER, SupersedingRecord

FORMER_NAMES = "former_names"
"""The note that holds the names that the study had: mirrors find by them what they have of it."""


@dataclass
class RenamingRecord(SupersedingRecord):
    """A record whose study can be given another name."""

    def announce_name(self, name: str) -> None:
        """Say which name the folder is about to get."""
        with self._transaction(durable=True):
            self._write_notes({RENAMED: name})

    def settle_name(self) -> None:
        """Write the name that the folder has, where one was announced."""
        notes = self.written_notes()
        if RENAMED not in notes:
            return
        with self._transaction(durable=True):
            if notes[RENAMED] == self.path.parent.name:
                before, now = notes["study"], notes[RENAMED]
                names = [each.name for each in self.searches()]
                for name in names:
                    self.connection.execute(
                        "UPDATE searches SET name = ? WHERE name = ?",
                        [now + name.removeprefix(before), name],
                    )
                former = dict.fromkeys([*notes.get(FORMER, []), *names])
                known = dict.fromkeys([*notes.get(FORMER_NAMES, []), before])
                said = {FORMER: list(former), FORMER_NAMES: list(known)}
                if command := notes.get("command"):  # the file still has the former name
                    said["command"] = [now, *_allowed(command)]
                self._write_notes(with_name(notes, now) | said)
            self.connection.execute("DELETE FROM notes WHERE name = ?", [RENAMED])


def _allowed(command: Sequence[str]) -> list[str]:
    """What a command says of own modules; its overrides are in the recorded file."""
    pairs = pairwise(command)
    return [part for option, value in pairs if option == "--allow" for part in (option, value)]
