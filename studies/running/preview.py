"""What a study file will do, before anything is written: its plan, samples and a time estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import optuna

from lightning_modules.configuration import Configuration
from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.errors import UserError
from lightning_modules.optimization import METRICS, goal_of, objective_metrics
from studies.analysis.best_configuration import CANDIDATES, SHARE
from studies.home import Home
from studies.inputs.checks import LEARNING
from studies.inputs.data_summaries import loaded_summaries
from studies.inputs.training_ways import precision_hints, precision_warnings
from studies.results import plural
from studies.results.epoch_steps import few_steps
from studies.search.arm_search import Budget
from studies.search.left_to_chance import sampler_warnings
from studies.sentences.design_words import design_sentences
from studies.statistics import seeds_for_a_verdict
from studies.study_file import Arm, Spec, confirm_seeds, is_program, pair_count, splits_of
from studies.study_file.command_template import lacks_seed
from studies.study_file.methods.matched_draws import MatchedRandomSampler, salt_of
from studies.study_file.methods.samplers import STARTUP, model_trials

SAMPLES = 3
TWO_LOOKS = (
    "this study has given two verdicts: more repeats will give none and withdraw the last one; ask "
    "in a new study"
)
KNOWN = {metric for task in METRICS for metric in objective_metrics(task)}
"""Metrics whose better direction is known."""


@dataclass(frozen=True)
class Plan:
    """The sizes of a study; `trials` is None where a budget in epochs decides."""

    arms: Sequence[str]
    repeats: int
    """Searches of every arm, at most."""
    trials: int | None
    """Trials of all searches together."""
    trials_each: int | None
    """Trials of every search, the one of the defaults included."""
    confirmations: int
    crossed: int
    """Trainings on other splits, at most."""
    epochs: int
    """Epochs at most, everything together."""
    grid_points: int | None
    warnings: Sequence[str]
    design: Sequence[str]
    """What is claimed from what, on which rows, and what can be shown."""
    data: Sequence[DataSummary] = ()
    """What the data became."""
    hints: Sequence[str] = ()
    """What this machine could do better."""


def plan(spec: Spec, earlier: int = 0, rows: Mapping[str, int] | None = None) -> Plan:
    """The sizes of a study; raises UserError where its rows cannot be split as it says.

    `earlier`: how many verdicts the study has given on other designs, see `verdicts_given`.
    `rows`: those that train, see `training_rows`.
    """
    alternatives, splits = spec.arms, splits_of(spec)
    searches = len(alternatives) * spec.repeats
    grid = spec.sampler.name == "grid"
    points = sum(arm.space.grid_size() for arm in alternatives) if grid else None
    trials = None if points is None else points * spec.repeats
    if spec.trials_asked is not None:
        trials = spec.trials_asked * searches
    epochs = (spec.epochs or 0) * searches
    if trials is not None:
        epochs = trials * spec.max_epochs
    confirmations = 0
    if spec.confirm is not None:
        confirmations = searches * spec.design.top * confirm_seeds(spec)
    crossed = 0
    if splits.per_repeat and spec.design.cross and confirmations:
        whole = (trials or epochs // spec.max_epochs) + confirmations
        crossed = min(CANDIDATES * (spec.repeats - 1), int(SHARE * whole))
    return Plan(
        arms=[arm.name for arm in alternatives],
        repeats=spec.repeats,
        trials=trials,
        trials_each=spec.trials_asked,
        confirmations=confirmations,
        crossed=crossed,
        epochs=epochs + (confirmations + crossed) * spec.max_epochs,
        grid_points=points,
        warnings=[
            *_warnings(spec, alternatives),
            *sampler_warnings(spec),
            *([TWO_LOOKS] if earlier > 1 else []),
            *few_steps(spec, rows or {}),
            *precision_warnings(spec),
        ],
        hints=list(precision_hints(spec)),
        design=list(design_sentences(spec, splits, earlier)),
    )


def preview(spec: Spec, home: Home, checked: Sequence[DataSummary]) -> Plan:
    """The plan of a study in its home, with what its data became, of which some is `checked`."""
    found = plan(spec, verdicts_given(home, spec), training_rows(spec))
    return replace(found, data=[*checked, *loaded_summaries(spec)])


def training_rows(spec: Spec) -> dict[str, int]:
    """The fewest rows that train of every data set by its name; those of a data module of the
    user's are only known when it is read.

    Raises DataError where a data set cannot be used.
    """
    from lightning_modules.training.building import build_data

    found: dict[str, int] = {}
    seen: list[object] = []
    for configuration in spec.configurations:
        data = configuration.data
        read = {key: value for key, value in data.parameters.items() if key not in LEARNING}
        if is_program(configuration) or data.is_class or (data.name, read) in seen:
            continue
        seen.append((data.name, read))
        module: Any = build_data(configuration)
        rows = len(module.splits.train[-1])
        found[data.name] = min(rows, found.get(data.name, rows))
    return found


def verdicts_given(home: Home, spec: Spec) -> int:
    """How many verdicts about arms the home has of a study that had another design than now."""
    from studies import results
    from studies.analysis.arm_looks import earlier_looks  # scipy takes half a second

    if not results.exists(home):
        return 0
    try:
        found = results.load_results(home, spec.study)
    except UserError:
        return 0  # a new study
    return len(earlier_looks(replace(found, spec=spec)))


def _warnings(spec: Spec, alternatives: Sequence[Arm]) -> list[str]:
    found = []
    objective = spec.objective
    if objective.goal != goal_of(objective.metric) and objective.metric in KNOWN:
        found.append(
            f"objective.goal is {objective.goal}, though a better {objective.metric} is one that "
            f"you {goal_of(objective.metric)}"
        )
    for arm in alternatives:
        size = arm.space.size()
        of = f" of {arm.name}" if arm.name else ""
        if spec.sampler.name != "grid" and spec.trials is not None and size < spec.trials:
            found.append(
                f"the space{of} has {size:g} points and search.trials is {spec.trials}: repeated "
                "points reuse their result; `method: grid` trains each once"
            )
        if spec.epochs is not None and not Budget(None, spec.epochs, spec.max_epochs).allows(
            0, 0, 0
        ):
            found.append(
                f"search.epochs is {spec.epochs}, less than one training ({spec.max_epochs}): "
                "no trial will start"
            )
    startup = spec.sampler.parameters.get(STARTUP)
    if startup is not None and spec.trials is not None:
        name, trials = spec.sampler.name, spec.trials
        if model_trials(name, trials, startup) == 0:
            found.append(
                f"{name} with {plural(trials, 'trial')} is random search: the defaults and random "
                f"draws are the first {startup}, and its model chooses none; raise search.trials, "
                "or write method: random"
            )
    if spec.confirm is not None and lacks_seed(spec.configurations):
        found.append(
            "the program is not told its seed: runs on fresh seeds would be equal, or differ by "
            "chance alone; add {seed} to model.command"
        )
    configurations = spec.design.claim == "configurations"
    if spec.confirm is not None and len(alternatives) > 1 and configurations:
        seeds, needed = confirm_seeds(spec), seeds_for_a_verdict(pair_count(spec))
        if seeds < needed:
            found.append(
                f"confirm.seeds is {seeds}: no verdict is possible below {needed} seeds with "
                f"{len(alternatives)} arms"
            )
    return list(dict.fromkeys(found))


def sample(spec: Spec) -> list[Configuration]:
    """A few configurations: the first arm's default, then the draws of trials 1 and 2 of the arms,
    as a random search or the start-up of a model makes them."""
    alternatives = spec.arms
    found = []
    for number in range(SAMPLES):
        arm = alternatives[number % len(alternatives)]
        sampler = MatchedRandomSampler(salt_of(spec.seed, 1, number))
        study = optuna.create_study(sampler=sampler)
        if number == 0:
            study.enqueue_trial(arm.space.default())
        found.append(Configuration.resolve(arm.space.suggest(study.ask())))
    return found
