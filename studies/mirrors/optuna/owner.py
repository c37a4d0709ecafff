"""Whose a study of Optuna's storage is: what may be made anew there, and what is left alone.

A study there names the record that it is a copy of, and the home whose mirror writes it: a copied
home has the same record. Without a record named it was written by an earlier version.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from lightning_modules.errors import StorageError
from studies.home import Home, redact
from studies.home.database import within
from studies.home.writer import writer_of
from studies.mirrors.left import sync_command
from studies.mirrors.optuna import trial as optuna_trial
from studies.mirrors.optuna.attributes import KEY, STUDY, WRITER
from studies.records import RecordReader, Trial
from studies.records.reader import IDENTITY
from studies.records.superseding import FORMER


@dataclass(frozen=True)
class Claim:
    """What the mirror of a study may claim in Optuna's storage."""

    home: Home
    study: str
    record: str
    """The identity of the record."""
    rebuild: bool = False
    """Whether the user asked for the studies to be made anew."""
    writer: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Home, study: str, notes: Mapping[str, Any], *, rebuild: bool) -> Claim:
        """The claim of a study of a home, whose record has these notes."""
        return cls(home, study, str(notes[IDENTITY]), rebuild, writer_of(home))

    @property
    def stamp(self) -> dict[str, Any]:
        """What every study that is mirrored says first, so that its owner knows it again."""
        return {IDENTITY: self.record, WRITER: dict(self.writer)}

    def is_writer(self, attributes: Mapping[str, Any]) -> bool:
        """Whether this home has written a study with these attributes."""
        known = attributes.get(WRITER) or {}
        return any(known.get(name) == value for name, value in self.writer.items())

    def owns(
        self,
        name: str,
        attributes: Mapping[str, Any],
        wanted: Mapping[str, Any],
        there: Sequence[FrozenTrial],
        trials: Mapping[int, Trial],
    ) -> bool:
        """Whether a study that is there is of this record; False where it is to be replaced.

        `wanted` are the attributes that it would have, `trials` are those of the record by number.
        Raises StorageError where it belongs to somebody else.
        """
        record = attributes.get(IDENTITY)
        if record is None:
            if not _is_unnamed(attributes, wanted, there, trials):
                raise self._refusal(name, attributes)
            return True
        if record == self.record:
            if not (self.may_write(attributes) or self.rebuild):
                raise self._refusal(name, attributes)
            return True
        if self.rebuild and self.is_writer(attributes):
            return False
        raise self._refusal(name, attributes)

    def may_write(self, attributes: Mapping[str, Any]) -> bool:
        """Whether a study is of this record and not written by the mirror of a copied home: a
        database in the home has been copied with it."""
        if attributes.get(IDENTITY) != self.record:
            return False
        inside = within(self.home.optuna_url, self.home.path) is not None
        return inside or WRITER not in attributes or self.is_writer(attributes)

    def _refusal(self, name: str, attributes: Mapping[str, Any]) -> StorageError:
        record, place = attributes.get(IDENTITY), redact(self.home.optuna_url)
        other = "name another database with FAIRTUNE_STORAGE"
        rebuild = sync_command(self.home, self.study, "--rebuild")
        if record == self.record:
            why = "is written by a copy of this home"
            way_out = f"`{rebuild}` takes it over, or {other}"
        elif record is not None and self.is_writer(attributes):
            why = "is of an earlier record of this home"
            way_out = f"`{rebuild}` replaces it, or {other}"
        elif record is None and attributes.get(STUDY) == self.study:
            why = "is of an earlier version, and its trials are not those of this record"
            source = "" if os.environ.get("FAIRTUNE_STORAGE") else f" --from {self.home.path}"
            way_out = (
                f"`fairtune import {self.study}{source} --home OTHER` makes a record of it "
                f"elsewhere; to mirror this one, give it another name, or {other}"
            )
        else:
            why = "is of another record"
            way_out = (
                f"give this study another name, {other}, or, where nobody needs it, delete it "
                f"with optuna.delete_study(study_name={name!r}, storage={place!r})"
            )
        return StorageError(f"the Optuna study {name} in {place} {why}; {way_out}")


def remove_earlier(storage: RDBStorage, claim: Claim) -> None:
    """Delete what an earlier record of this home has left of a study that was started anew."""
    for each in storage.get_all_studies():
        attributes = each.user_attrs
        if (
            attributes.get(STUDY) == claim.study
            and attributes.get(IDENTITY) not in (None, claim.record)
            and claim.is_writer(attributes)
        ):
            optuna.delete_study(study_name=each.study_name, storage=storage)


def remove_former(storage: RDBStorage, claim: Claim, record: RecordReader) -> None:
    """Delete the studies of searches that the record had and has no more."""
    former = set(record.notes().get(FORMER, ())) - {each.name for each in record.searches()}
    remove_studies(storage, claim, former)


def remove_record(storage: RDBStorage, home: Home, study: str, record: RecordReader) -> None:
    """Delete all studies of a record."""
    notes = record.notes()
    names = {each.name for each in record.searches()} | set(notes.get(FORMER, ()))
    remove_studies(storage, Claim.of(home, study, notes, rebuild=False), names)


def remove_studies(storage: RDBStorage, claim: Claim, names: Iterable[str]) -> None:
    """Delete the studies of these names that are the record's."""
    for name in names:
        with suppress(KeyError):  # it is not there
            attributes = storage.get_study_user_attrs(storage.get_study_id_from_name(name))
            if claim.may_write(attributes):
                optuna.delete_study(study_name=name, storage=storage)


def _is_unnamed(
    attributes: Mapping[str, Any],
    wanted: Mapping[str, Any],
    there: Sequence[FrozenTrial],
    trials: Mapping[int, Trial],
) -> bool:
    """Whether a study that names no record is of this one all the same: it was just made, or every
    trial that was ever begun there is a trial of the record. What else is queued was never begun.
    """
    begun = [each for each in there if not _is_queued(each)]
    if not there:
        return all(wanted.get(name) == value for name, value in attributes.items())
    return (
        attributes.get(STUDY) == wanted.get(STUDY)
        and bool(begun)
        and [each.number for each in begun] == list(range(len(begun)))
        and all(
            each.number in trials and optuna_trial.agrees(each, trials[each.number])
            for each in begun
        )
    )


def _is_queued(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.WAITING and KEY not in trial.user_attrs
