"""Whether a study file continues the study that was started under its name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from lightning_modules.configuration.trainer import without_defaults
from lightning_modules.errors import UserError
from studies.records import RecordReader
from studies.study_file import Spec, Splits, document, resolve
from studies.study_file.loading import as_before_claims, with_trials
from studies.study_file.methods.samplers import STARTUP

MAY_CHANGE = ("description", "search.trials", "search.epochs", "search.timeout", "search.repeats",
              "compare.claim", "confirm", "trainer.trial_timeout", "env",
              "data.loader_workers")  # fmt: skip
"""Keys of a study file that may differ between two runs of the same study, some in one way only."""


def continued(spec: Spec, record: RecordReader) -> Spec:
    """The study file as it continues what is recorded.

    Raises UserError naming what differs from the file that the study was started with.
    """
    spec, changed = _compared(spec, record)
    if changed:
        raise UserError(
            f"study {spec.study} was started with another file: {'; '.join(changed)}. "
            "Give the changed study another name, or undo the change"
        )
    return spec


def changes(spec: Spec, record: RecordReader) -> list[str]:
    """What differs from the file that a study was started with and may not change while it goes
    on."""
    return _compared(spec, record)[1]


def _compared(spec: Spec, record: RecordReader) -> tuple[Spec, list[str]]:
    """The study file as it continues what is recorded, and what it may not change so."""
    file = recorded_file(record)
    if file is None:
        return spec, []
    before = resolve(document.parse(file, f"the stored file of {spec.study}"), recorded=True)
    if before.factors and not before.claims and spec.factors and not spec.claims:
        spec = as_before_claims(spec)
    spec = _with_its_trials(before, spec)
    spec = _as_begun(spec, record)
    return spec, [*_differences(before, spec), *_redesigned(before, spec)]


def design_notes(spec: Spec, splits: Splits) -> dict[str, Any]:
    """What a study is, as its record says it from before its first trial."""
    notes: dict[str, Any] = {
        "study": spec.study,
        "study_file": spec.text,
        "sampler": str(spec.sampler),
        "pruner": str(spec.pruner),
        "metric": spec.objective.metric,
        "goal": spec.objective.goal,
        "source": sys.argv[0],
    }
    if spec.metrics is not None:
        notes["metrics_from"] = spec.metrics.way
    if spec.design.sequential:
        notes["sequence"] = asdict(spec.design.plan)
    if splits.per_repeat:
        notes["redrawn"] = list(splits.rule.redrawn)
        notes["fixed_parts"] = splits.rule.why_fixed
    return notes


def recorded_file(record: RecordReader) -> str | None:
    """The file that a study was last run with."""
    return record.notes().get("study_file")


def _differences(before: Spec, now: Spec) -> Iterator[str]:
    old, new = (dict(_flat("", _as_meant(each.tree))) for each in (before, now))
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path) and not path.startswith(MAY_CHANGE):
            was, becomes = old.get(path, "not given"), new.get(path, "not given")
            yield f"{path} was {was!r} and is {becomes!r}"


def _as_meant(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """A file without the keys of `trainer` that say what is so anyway, or any at all."""
    trainer = tree.get("trainer")
    rest = {key: value for key, value in tree.items() if key != "trainer"}
    kept = without_defaults(trainer) if isinstance(trainer, Mapping) else trainer
    return {**rest, "trainer": kept} if kept else rest


def _with_its_trials(before: Spec, now: Spec) -> Spec:
    """The file with the trials that its searches had, where it says nothing of them.

    Their default follows from the number of repeats: more repeats would have shorter searches than
    the first one had.
    """
    given = now.tree.get("search") or {}
    if now.trials in (None, before.trials) or before.trials is None or given.get("trials"):
        return now
    return with_trials(now, before.trials)


def _as_begun(spec: Spec, record: RecordReader) -> Spec:
    """The file with what was fixed when the study began: the looks of a sequential comparison, and
    the start-up of the sampler, which follows from the trials unless the file gives it."""
    notes = record.notes()
    spec = spec.with_sequence(notes.get("sequence"))
    given = spec.tree.get("search", {}).get("method")
    recorded = notes.get("sampler", "")
    found = re.fullmatch(rf"{spec.sampler.name} \(.*\b{STARTUP}=(\d+)\b.*\)", recorded)
    if found is None or (isinstance(given, Mapping) and STARTUP in given):
        return spec
    return spec.with_startup(int(found[1]))


def _redesigned(before: Spec, now: Spec) -> Iterator[str]:
    """Changes of the design that would let one look for a verdict until there is one."""
    old, new = before.design, now.design
    if old.claim == "configurations" and new.claim == "arms":
        yield "compare.claim was 'configurations' and is 'arms', which other searches must show"
    if new.claim != old.claim:
        return  # from arms to configurations: the first repeat is what they are found by
    if old.sequential != new.sequential:
        repeats = ["auto" if each.sequential else str(each.repeats) for each in (old, new)]
        yield (
            f"search.repeats was {repeats[0]} and is {repeats[1]}: looks are planned before the "
            "start"
        )
    elif not new.sequential and new.repeats < old.repeats:
        yield f"search.repeats was {old.repeats} and is {new.repeats}: it can only be raised"
    if old.claim == "arms":
        for key in ("trials", "epochs"):
            was, becomes = getattr(before, key), getattr(now, key)
            if was is not None and becomes is not None and becomes < was:
                yield f"search.{key} was {was} and is {becomes}: it can only be raised"
    if old.sequential and new.sequential:
        for key in ("trials", "epochs"):
            was, becomes = getattr(before, key), getattr(now, key)
            if was != becomes:
                yield f"search.{key} was {was} and is {becomes}: with repeats: auto it is fixed"
        for key in ("seeds", "top"):
            was, becomes = getattr(old, key), getattr(new, key)
            if was != becomes:
                yield f"confirm.{key} was {was} and is {becomes}: with repeats: auto it is fixed"


def _flat(prefix: str, node: Any) -> Iterator[tuple[str, Any]]:
    items = node.items() if isinstance(node, Mapping) else enumerate(node)
    for key, value in items:
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping | list) and value:
            yield from _flat(path, value)
        else:
            yield path, value
