"""People write a note and tags about a study or a trial: what they may be, and where they go.

They are in the record first, also while the study runs; the mirrors follow.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_modules.components import suggestion
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.errors import FairtuneError, UserError, shown
from studies.home import Home, without_secrets
from studies.mirrors.left import sync_command
from studies.mirrors.mlflow.names import MAX_LENGTH, RESERVED, allowed, is_reserved
from studies.mirrors.sync import sync
from studies.records import Annotation, RecordReader
from studies.records.annotations import NOTE, annotating, annotation_of, row_of

MOST_CHARACTERS = 5000
"""Of a note, and of the value of a tag: every MLflow server keeps so many."""
MOST_TAGS = 30
"""Of a study, and of a trial."""
UNSEEN = ("Cc", "Cs")
"""Kinds of characters (unicodedata.category) that steer a terminal, or are none."""


@dataclass(frozen=True)
class Target:
    """A study, or one of its trials."""

    study: str
    trial: str | None = None

    @classmethod
    def of(cls, text: str) -> Target:
        """What `STUDY` or `STUDY/TRIAL` names; UserError where that is neither."""
        study, separator, trial = text.partition("/")
        if not study or bool(separator) != bool(trial):
            raise UserError(f"{shown(text)} is no study and no trial; write STUDY or STUDY/TRIAL")
        return cls(study, trial or None)

    def __str__(self) -> str:
        return self.study if self.trial is None else f"{self.study}/{self.trial}"


@dataclass(frozen=True)
class Annotated:
    """What stands of a study or a trial after a change."""

    annotation: Annotation
    left: str = ""
    """Why the mirrors do not have it yet, and what brings it there; empty where they do."""


def as_json(target: Target, found: Annotated) -> dict[str, Any]:
    """What `note` and `tag` say for programs."""
    said = found.annotation
    return {
        "study": target.study,
        "trial": target.trial,
        "note": said.note or None,
        "tags": dict(said.tags),
        "left": found.left or None,
    }


def read(home: Home, target: Target) -> Annotation:
    """What people have written; UserError where there is no such study or trial."""
    with RecordReader.open(home, target.study) as record:
        return annotation_of(record, row_of(record, target.study, target.trial))


def write_note(home: Home, target: Target, text: str | None) -> Annotated:
    """Give a study or a trial a note, or take it away; UserError where the text cannot be one."""
    return _write(home, target, {NOTE: None if text is None else note_of(text)})


def write_tags(
    home: Home, target: Target, given: Sequence[str], removed: Sequence[str]
) -> Annotated:
    """Set tags, which are given as `KEY=VALUE`, and take others away by their names.

    Raises UserError with every mistake at once; nothing is written then.
    """
    changes: dict[str, str | None] = {}
    mistakes = Mistakes(UserError)
    for text in given:
        with mistakes.gathered():
            key, value = tag_of(text)
            if changes.setdefault(key, value) != value:
                raise UserError(f"the tag {shown(key)} is given twice; give it one value")
    for key in removed:
        with mistakes.gathered():
            if changes.get(key) is not None:
                raise UserError(f"the tag {shown(key)} is given and removed; do one of both")
            changes[key] = None
    mistakes.refuse()
    return _write(home, target, changes)


def note_of(text: str) -> str:
    """A text as a note; UserError where it cannot be one."""
    text = without_secrets(_readable(text, "the note")).rstrip()
    if not text.strip():
        raise UserError("the note is empty; --delete takes a note away")
    return _short(text, "the note")


def tag_of(text: str) -> tuple[str, str]:
    """The name and the value of a tag; UserError where it is none."""
    key, separator, value = text.partition("=")
    if not separator:
        raise UserError(f"{shown(text)} is no tag; write KEY=VALUE")
    if not key or key != key.strip() or allowed(key) != key:
        raise UserError(
            f"{shown(key)} cannot be the name of a tag; use up to {MAX_LENGTH} letters, digits, "
            "spaces, and _ - . : /, with no space, slash or dots at the ends"
        )
    if is_reserved(key):
        raise UserError(
            f"the tag {shown(key)} would be taken for one of {key.partition('.')[0]} itself; "
            f"give it a name that does not begin with {' or '.join(RESERVED)}"
        )
    if "\n" in value or "\r" in value:
        raise UserError(f"the tag {shown(key)} has several lines; `fairtune note` keeps a text")
    said = without_secrets(_readable(f"{key}={value}", f"the tag {shown(key)}"))
    if not said.startswith(f"{key}="):
        raise UserError(f"the name of the tag {shown(said)} holds a secret; give it another name")
    return key, _short(said.removeprefix(f"{key}=").strip(), f"the tag {shown(key)}")


def _readable(text: str, what: str) -> str:
    """A text with plain ends of lines and spaces; UserError where something in it cannot be seen
    and would steer a terminal."""
    text = text.replace("\r\n", "\n").expandtabs(4).encode("utf-8", "replace").decode()
    for at, each in enumerate(text):
        if each != "\n" and unicodedata.category(each) in UNSEEN:
            raise UserError(f"{what} has the control character {each!r} at {at + 1}; leave it out")
    return text


def _short(text: str, what: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise UserError(
            f"{what} has {len(text):,} characters; at most {MOST_CHARACTERS:,} are kept: put the "
            "rest in a file and name that"
        )
    return text


def _write(home: Home, target: Target, changes: Mapping[str, str | None]) -> Annotated:
    with annotating(home, target.study) as (record, busy):
        row = row_of(record, target.study, target.trial)
        before = annotation_of(record, row)
        _check(target, before, changes)
        now = record.write(row, changes)
    if busy:
        again = sync_command(home, target.study)
        return Annotated(now, f"its run delivers that to the mirrors, or afterwards `{again}`")
    return Annotated(now, "" if now == before else _deliver(home, target.study))


def _check(target: Target, before: Annotation, changes: Mapping[str, str | None]) -> None:
    """Raise UserError where something is to be removed that is not there, where names differ in
    capitals only, which some databases take for one, and where there would be too many."""
    mistakes = Mistakes(UserError)
    held = before.texts
    for name, text in changes.items():
        with mistakes.gathered():
            if text is None and name not in held:
                what = "no note" if name == NOTE else f"no tag {shown(name)}"
                raise UserError(f"{target} has {what}{suggestion(name, before.tags)}")
    tags = {n: t for n, t in {**held, **changes}.items() if n != NOTE and t is not None}
    spelled: dict[str, str] = {}
    for name in tags:
        with mistakes.gathered():
            if (other := spelled.setdefault(name.casefold(), name)) != name:
                raise UserError(
                    f"the tags {shown(other)} and {shown(name)} differ in capitals only, which "
                    "some databases take for one; keep one of both"
                )
    with mistakes.gathered():
        if len(tags) > MOST_TAGS:
            raise UserError(
                f"{target} would have {len(tags)} tags; at most {MOST_TAGS} are kept: remove some "
                "with --remove"
            )
    mistakes.refuse()


def _deliver(home: Home, study: str) -> str:
    """Bring the mirrors up to the record; why that failed, and the way out, where it did."""
    try:
        sync(home, study)
    except FairtuneError as error:
        return f"{error}; then `{sync_command(home, study)}` brings the mirrors up to it"
    return ""
