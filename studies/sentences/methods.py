"""How a study was made, in sentences that can stand in a paper."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from lightning_modules.components import Component
from lightning_modules.data.table import DATASETS
from studies.analysis import Comparison
from studies.records import Trial
from studies.results import StudyResults, duration, plural
from studies.sentences.description import budget
from studies.sentences.design_words import startup_sentence
from studies.sentences.statistics_words import statistics_sentences
from studies.study_file import SAMPLERS, confirm_seeds
from studies.study_file.methods.pruners import PRUNERS
from studies.study_file.spec import NamedComponent


def methods(results: StudyResults, comparison: Comparison) -> list[tuple[str, str]]:
    """The paragraphs of the methods of a study, each with its heading before it."""
    return [
        ("Data", " ".join(_data(results, comparison))),
        ("Search", " ".join(_search(results))),
        ("Confirmation", " ".join(_confirmation(results))),
        ("Statistics", " ".join(statistics_sentences(results, comparison))),
        ("Machine", " ".join(_machine(results))),
    ]


def _data(results: StudyResults, comparison: Comparison) -> Iterator[str]:
    """Every data set and split that a trial has met."""
    met = [trial.configuration.get("data", {}) for trial in results.trials]
    met = list({id(section): section for section in met}.values())  # most are one and the same
    sections = [{k: v for k, v in section.items() if k != "batch_size"} for section in met]
    for section in {json.dumps(section, sort_keys=True): section for section in sections}.values():
        yield _data_set(section, bool(results.redrawn) and results.spec.repeats > 1)
    if not sections:
        yield "No trial has started, so no data was read."
    objective = results.spec.objective
    yield (
        f"Every choice, between epochs, between trials and between configurations, was made by "
        f"{objective.metric} ({objective.goal}) at the best epoch of a training (ties go to the "
        "lower loss); the test part was met only by the runs on fresh seeds, once each, with the "
        "weights of that epoch."
    )
    if comparison.design.part == "test" and comparison.design.planned > 1 and comparison.factors:
        yield (
            "The arm whose configuration is to be used is the one with the best mean on the test "
            "parts."
        )


def _data_set(section: Mapping[str, object], redrawn: bool) -> str:
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
        seed = f"seed {section['split_seed']}"
        how = f"anew in every repeat (the first with {seed})" if redrawn else f"with {seed}"
        said += f", divided {how}, the same for all arms"
    if section.get("standardize"):
        said += "; inputs standardized by the training part"
    return said + "."


def _search(results: StudyResults) -> Iterator[str]:
    spec = results.spec
    count, repeats = len(results.arms), spec.repeats
    searches = f"{repeats} independent searches" if repeats > 1 else "a search"
    if spec.factors:
        yield (
            f"The {count} alternatives of {' × '.join(spec.factors)} are arms. Each has "
            f"{searches} with a sampler, a pruner and an equal budget of its own: {budget(spec)}, "
            f"at most {spec.max_epochs} epochs a trial."
        )
    else:
        yield f"There was {searches} with {budget(spec)}, at most {spec.max_epochs} epochs a trial."
    yield from _repeats(results)
    counts = [len(results.searched(arm, 1)) for arm in results.arms]
    if spec.trials_asked is not None and max(counts, default=0) > spec.trials_asked:
        yield (
            f"An earlier run had asked for more: {', '.join(map(str, counts))} trials are counted."
        )
    yield f"Sampler: {_component(spec.sampler, SAMPLERS)}."
    if said := startup_sentence(spec):
        yield f"{said[0].upper()}{said[1:]}."
    yield f"Pruner: {_component(spec.pruner, PRUNERS)}."
    if spec.sampler.name != "grid":
        yield (
            "The first trial of every search has the components' default hyperparameters, moved "
            "into the ranges where they lie outside: the column “defaults”."
        )
    yield (
        f"All seeds derive from {spec.seed}. Trial i of a search has the same seed in every arm, "
        "and random draws are matched: equal ranges get equal values, so that one more parameter "
        "in one arm moves nothing in another."
    )
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


def _repeats(results: StudyResults) -> Iterator[str]:
    """What repeats share and what they vary."""
    if results.spec.repeats == 1:
        return
    splits = len({trial.split for trial in results.ended}) or 1
    if splits == 1:
        yield (
            "All searches had the same split, so the luck of the split is no part of what was "
            "tested."
        )
        return
    stays = f" ({results.fixed_parts})" if results.fixed_parts else ""
    yield (
        f"Every repeat divided the rows anew{stays}: {splits} splits, the same for all arms. The "
        "repeats share rows, so nothing is claimed about new data sets."
    )


def _component(chosen: NamedComponent, table: Mapping[str, Component]) -> str:
    row = table[chosen.name]
    source = f" ({row.source})" if row.source else ""
    return f"{chosen}, {row.summary}{source}"


def _confirmation(results: StudyResults) -> Iterator[str]:
    spec, design = results.spec, results.spec.design
    if spec.confirm is None:
        yield (
            "Nothing was trained again on fresh seeds: what the search found is the best of many "
            "noisy values and therefore optimistic."
        )
        return
    used = {trial.seed for trial in results.ended if trial.phase == "confirm"}
    seeds = confirm_seeds(spec) if spec.repeats > 1 else len(used) or confirm_seeds(spec)
    which = "the best configuration" if design.top == 1 else f"the best {design.top} configurations"
    whose = " of every search" if spec.repeats > 1 else " of every arm" if spec.factors else ""
    if design.at is not None:
        on = f", each on {plural(confirm_seeds(spec), 'fresh seed')} of its own"
        which = f"the best {plural(design.top, 'draw')}"
    else:
        on = f" on {plural(seeds, 'fresh seed')}" + ", the same for every arm" * bool(spec.factors)
    yield (
        f"Then {which}{whose} trained again{on}; these seeds were used for no trial of a search "
        "and no run on them was pruned."
    )
    if design.top > 1 and design.at is None:
        yield (
            "Of several configurations the one with the best confirmed mean counts; where the same "
            "values judge it, its mean is optimistic."
        )
    crossed = sum(trial.phase == "cross" for trial in results.ended)
    if crossed:
        yield (
            f"The best winners of the leading arm were trained on the other splits too ({crossed} "
            "runs), to choose the configuration to use by validation; these runs read no test part."
        )
    yield (
        "Selection bias (optimism) is how much better the chosen trial looked in the search than "
        "its configuration on fresh seeds."
    )


def _machine(results: StudyResults) -> Iterator[str]:
    devices = {trial.device for trial in results.ended if trial.device}
    if devices:
        yield f"Trained on {', '.join(sorted(devices))}."
    known = ("processor", "memory", "gpus", "platform")
    hardware = [results.hardware.get(name) for name in known]
    cores = results.hardware.get("cores")
    if results.hardware:
        named = ", ".join(
            part for part in (hardware[0], f"{cores} cores", *hardware[1:]) if part is not None
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
