"""`fairtune check`: what a study file will do; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studies.api.opening import console, load_spec, open_home
from studies.api.worker_plan import plan_for
from studies.cli.options import (
    Allow,
    HomeOption,
    Json,
    Overrides,
    PerGpu,
    StudyFile,
    Workers,
    print_json,
)
from studies.devices.loader_workers import loader_workers

if TYPE_CHECKING:
    from studies.running.preview import Plan


def check(
    file: StudyFile,
    home: HomeOption = None,
    workers: Workers = None,
    per_gpu: PerGpu = None,
    overrides: Overrides = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Check a study file, show its plan, three sampled configurations and a time estimate."""
    opened = open_home(home)
    spec = load_spec(file, overrides or (), allow or (), opened)
    plan = plan_for(spec, workers, per_gpu)
    from studies.api.progress import print_data
    from studies.inputs.checks import check_inputs
    from studies.inputs.weights import with_weights_file
    from studies.results import plural
    from studies.running.preview import preview, sample
    from studies.running.probe import probe, weight_counts
    from studies.study_file.command_template import command_line

    screen = console(stderr=as_json)
    planned = preview(spec, opened, check_inputs(spec, opened))
    several = planned.arms != [""]
    screen.print(f"study {spec.study}: {spec.description}".rstrip(": "))
    screen.print(f"  objective: {spec.objective.goal} {spec.objective.metric}")
    screen.print(f"  search:    {spec.sampler}; pruner {spec.pruner}; seed {spec.seed}")
    if several:
        screen.print(f"  arms:      {', '.join(planned.arms)}")
    screen.print(f"  trials:    {trials_words(planned)}")
    if planned.confirmations:
        fresh = plural(planned.confirmations, "training")
        screen.print(f"  confirm:   {fresh} on fresh seeds")
    if planned.crossed:
        crossed = plural(planned.crossed, "training")
        screen.print(f"  cross:     at most {crossed} on other splits")
    screen.print(f"  epochs:    {planned.epochs} at most")
    screen.print(f"  trained:   by {plan}")
    for sentence in planned.design:
        screen.print(f"  {sentence}")
    print_data(planned.data, screen)
    screen.print("searched:")
    parameters = [_parameter(name, node) for name, node in spec.space.parameters()]
    for row in parameters:
        screen.print(f"  {row['name']}: {row['values']}")
    samples = [with_weights_file(configuration, opened) for configuration in sample(spec)]
    screen.print("samples:")
    for configuration in samples:
        chosen = spec.space.open_values_of(configuration.flat())
        values = ", ".join(f"{path}={_shown(value)}" for path, value in chosen.items())
        weights = ""
        if counts := weight_counts(configuration):
            total, trained = counts
            frozen = f", {trained:,} of them trained from the start" if trained < total else ""
            weights = f" with {total:,} weights{frozen}"
        screen.print(f"  {configuration.model.name}{weights}: {values or 'no range'}")
        if line := command_line(configuration, spec.seed, 0, "best.pt"):
            screen.print(f"    {line}", soft_wrap=True)
    seconds = probe(samples, loader_workers(plan.count))
    if isinstance(seconds, str):
        screen.print(f"time: unknown, since {seconds}")
    else:
        estimate = seconds * planned.epochs / plan.count
        screen.print(
            f"time: {seconds:.2f} s per epoch here; at most about {_duration(estimate)} with "
            f"{plural(plan.count, 'worker')}, less where trials are pruned"
        )
    for warning in planned.warnings:
        screen.print(f"warning: {warning}")
    for hint in planned.hints:
        screen.print(f"hint: {hint}")
    if as_json:
        print_json(
            {
                "study": spec.study,
                "arms": [arm for arm in planned.arms if arm],
                "claim": spec.design.claim,
                "repeats": planned.repeats,
                "trials": planned.trials,
                "confirmations": planned.confirmations,
                "crossed": planned.crossed,
                "design": list(planned.design),
                "max_epochs": planned.epochs,
                "workers": plan.count,
                "devices": [place.kind for place in plan.places],
                "grid_points": planned.grid_points,
                "parameters": parameters,
                "warnings": list(planned.warnings),
                "hints": list(planned.hints),
                "data": [summary.as_values() for summary in planned.data],
            }
        )


def trials_words(planned: Plan) -> str:
    """The trials of all searches, as a product where there are several."""
    if planned.trials is None:
        return "as the epochs allow"
    factors = [
        f"{len(planned.arms)} arms" if len(planned.arms) > 1 else "",
        f"{planned.repeats} searches" if planned.repeats > 1 else "",
    ]
    several = [factor for factor in factors if factor]
    if planned.trials_each is None or not several:
        return str(planned.trials)
    return f"{planned.trials} ({' × '.join([*several, f'{planned.trials_each} trials'])})"


def _parameter(name: str, node: Any) -> Mapping[str, str]:
    from studies.study_file import Alternatives, Range

    if isinstance(node, Range):
        kind = "integers" if node.integer else "numbers"
        how = ", logarithmic" if node.log else f", step {node.step:g}" if node.step else ""
        how += f", {node.num} grid points" if node.num else ""
        return {"name": name, "values": f"{kind} from {node.low:g} to {node.high:g}{how}"}
    if isinstance(node, Alternatives):
        return {"name": name, "values": "alternatives " + ", ".join(node.options)}
    return {"name": name, "values": "one of " + ", ".join(str(value) for value in node.values)}


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
