"""How a study was made, in sentences that can stand in a paper."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from lightning_modules.components import Component
from lightning_modules.data.datasets import DATASETS
from studies.comparison import Comparison
from studies.confirmation import confirm_seeds
from studies.description import budget
from studies.levels import ALPHA
from studies.results import StudyResults, Trial
from studies.search import PRUNERS, SAMPLERS
from studies.spec import Choosing
from studies.verdicts import BETTER
from studies.wording import duration


def methods(results: StudyResults, comparison: Comparison) -> list[tuple[str, str]]:
    """Paragraphs, each with its heading."""
    return [
        ("Data", " ".join(_data(results))),
        ("Search", " ".join(_search(results))),
        ("Confirmation", " ".join(_confirmation(results))),
        ("Statistics", " ".join(_statistics(comparison))),
        ("Machine", " ".join(_machine(results))),
    ]


def _data(results: StudyResults) -> Iterator[str]:
    """Every data set and split that a trial has met."""
    sections = [
        {k: v for k, v in trial.configuration.get("data", {}).items() if k != "batch_size"}
        for trial in results.trials
    ]
    for section in {json.dumps(section, sort_keys=True): section for section in sections}.values():
        yield _data_set(section)
    if not sections:
        yield "No trial has started, so no data was read."
    objective = results.spec.objective
    yield (
        f"Every choice, between epochs, between trials and between configurations, was made by "
        f"{objective.metric} ({objective.goal}) at the best epoch of a training; the test part was "
        "met only by the runs on fresh seeds, once each, with the weights of that epoch."
    )


def _data_set(section: Mapping[str, object]) -> str:
    name = str(section.get("name") or section.get("class") or "data that only the program knows")
    row = DATASETS.get(name)
    about = "" if row is None else "; ".join(filter(None, (row.summary, row.source)))
    said = f"{name} ({about})" if about else name
    if section.get("path"):
        said = f"{section['path']}, {said}"
    validation, test = section.get("validation"), section.get("test")
    parts = []
    if isinstance(validation, float | int):
        if isinstance(test, float | int):
            parts = [f"{1 - validation - test:.0%} training", f"{test:.0%} test"]
        parts.insert(1, f"{validation:.0%} validation")
    if parts:
        said += f": {', '.join(parts)}"
    if "split_seed" in section:
        said += f", divided once with seed {section['split_seed']}, the same for every trial"
    if section.get("standardize"):
        said += "; inputs standardized by the training part"
    return said + "."


def _search(results: StudyResults) -> Iterator[str]:
    spec = results.spec
    count = len(results.arms)
    if spec.factors:
        yield (
            f"The {count} alternatives of {' × '.join(spec.factors)} are arms with a search, a "
            f"sampler, a pruner and an equal budget each: {budget(spec)}, at most "
            f"{spec.max_epochs} epochs a trial."
        )
    else:
        yield f"The search had {budget(spec)}, at most {spec.max_epochs} epochs a trial."
    counts = [sum(trial.arm == arm for trial in results.search) for arm in results.arms]
    if spec.trials is not None and max(counts, default=0) > spec.trials:
        yield (
            f"An earlier run had asked for more: {', '.join(map(str, counts))} trials are counted."
        )
    yield f"Sampler: {_component(spec.sampler, SAMPLERS)}."
    yield f"Pruner: {_component(spec.pruner, PRUNERS)}."
    if spec.sampler.name != "grid":
        yield (
            "The first trial of every search has the components' default hyperparameters, moved "
            "into the ranges where they lie outside: the column “untuned”."
        )
    yield f"All seeds derive from {spec.seed}; trial i of every arm has the same seed."
    limits = [
        f"{name} {value:g} s"
        for name, value in (
            ("search.timeout", spec.timeout),
            ("trainer.trial_timeout", spec.trial_timeout),
        )
        if value is not None
    ]
    if limits:
        yield f"Limits of time: {', '.join(limits)}."


def _component(chosen: Choosing, table: Mapping[str, Component]) -> str:
    row = table[chosen.name]
    source = f" ({row.source})" if row.source else ""
    return f"{chosen}, {row.summary}{source}"


def _confirmation(results: StudyResults) -> Iterator[str]:
    spec = results.spec
    if spec.confirm is None:
        yield (
            "Nothing was trained again on fresh seeds: what the search found is the best of many "
            "noisy values and therefore optimistic."
        )
        return
    top = spec.design.top
    used = {trial.seed for trial in results.ended if trial.phase == "confirm"}
    seeds = len(used) or confirm_seeds(spec)
    which = "the best configuration" if top == 1 else f"the best {top} configurations"
    whose = " of every arm" if spec.factors else " of the search"
    same = ", the same for every arm" if spec.factors else ""
    yield (
        f"Then {which}{whose} trained again on {seeds} fresh seeds{same}; these seeds were used "
        "for no trial of the search and no run on them was pruned."
    )
    if top > 1:
        yield (
            "Of several configurations the one with the best confirmed mean counts; the seeds that "
            "choose it also judge it, so its mean is optimistic."
        )
    yield (
        "Optimism is how much better the chosen trial looked in the search than its configuration "
        "on fresh seeds."
    )


def _statistics(comparison: Comparison) -> Iterator[str]:
    intervals = [arm.mean.method for arm in comparison.arms if arm.confirmed]
    if intervals:
        kinds = ", ".join(dict.fromkeys(intervals))
        yield f"Means over seeds have 95 % intervals ({kinds})."
    if not comparison.pairs:
        yield "No two arms have confirmed values, so none were compared."
        return
    pairs = len(comparison.pairs)
    yield (
        "Two arms are compared by their differences on equal seeds, with a two-sided sign-flip "
        f"permutation test; p is corrected for all {pairs} pairs by Holm's method."
        if pairs > 1
        else "The arms are compared by their differences on equal seeds, with a two-sided "
        "sign-flip permutation test."
    )
    yield (
        f"An arm is called better where that p is at most {ALPHA:g}, the 95 % interval of the "
        f"difference excludes zero, and it wins at least {BETTER:.0%} of the seeds (ties count "
        "half; Bouthillier 2021, arXiv:2103.03098). Everything else is “no detectable difference”, "
        "which does not mean equal. The detectable difference is the smallest that so many seeds "
        "would show 8 times in 10."
    )
    yield (
        "These error rates hold for a number of seeds that was fixed beforehand. Who adds seeds "
        "until a verdict appears finds one too often."
    )


def _machine(results: StudyResults) -> Iterator[str]:
    devices = {trial.device for trial in results.ended if trial.device}
    if devices:
        yield f"Trained on {', '.join(sorted(devices))}."
    told = [results.hardware.get(name) for name in ("processor", "memory", "platform")]
    cores = results.hardware.get("cores")
    if results.hardware:
        named = ", ".join(
            part for part in (told[0], f"{cores} cores", told[1], told[2]) if part is not None
        )
        yield f"Machine of the last run: {named}."
    else:
        yield "The machine was not recorded."
    if results.versions:
        packages = ", ".join(f"{name} {text}" for name, text in results.versions.items())
        yield f"Versions: {packages}."
    yield from _duration(results.ended)


def _duration(ended: Sequence[Trial]) -> Iterator[str]:
    starts = [trial.started for trial in ended if trial.started]
    ends = [trial.ended for trial in ended if trial.ended]
    if starts and ends:
        seconds = sum(trial.seconds for trial in ended)
        yield (
            f"Trained from {min(starts):%Y-%m-%d %H:%M} to {max(ends):%Y-%m-%d %H:%M}, "
            f"{duration(seconds)} of training in {sum(trial.epochs for trial in ended)} epochs."
        )
