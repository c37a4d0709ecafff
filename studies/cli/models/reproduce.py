"""`fairtune reproduce`: train a recorded trial again, and see whether the numbers are the same."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from lightning_modules.user_code import imports
from studies.api.opening import console, open_home
from studies.api.worker_plan import plan_workers
from studies.cli.options import (
    Allow,
    AllowCommand,
    HomeOption,
    Json,
    complete_runs,
    consent_to,
    print_json,
)
from studies.devices import discovery

NOT_REPRODUCED = 6
"""The exit code where the result is another."""

if TYPE_CHECKING:
    from rich.console import Console

    from studies.engines.places import Place
    from studies.models.reproduce import Reproduction


def reproduce(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="<study>/<trial>, or the id of a trial's MLflow run.",
            autocompletion=complete_runs,
        ),
    ],
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="Train with another seed.")
    ] = None,
    allow: Allow = None,
    allow_command: AllowCommand = False,
    home: HomeOption = None,
    as_json: Json = False,
) -> None:
    """Train a recorded configuration and seed again; nothing is written. Exit code 6 where the
    result is another."""
    imports.allow(allow or ())
    from lightning_modules.configuration import Configuration
    from studies.engines.local import LocalEngine
    from studies.engines.training import preload_for, train_task
    from studies.models.expectation import Likeness
    from studies.models.reproduce import find, reproduce
    from studies.study_file.command_template import command_line

    home_at = open_home(home)
    results, trial = find(home_at, run)
    again = ["reproduce", run, *([] if seed is None else ["--seed", str(seed)])]
    consent = consent_to([*again, "--home", str(home_at.path)], given=allow_command)
    screen = console(stderr=as_json)
    used = trial.seed if seed is None else seed
    screen.print(f"training {results.study}/{trial.key} again, seed {used}")
    configuration = Configuration.of(trial.configuration)
    if line := command_line(configuration, used, trial.split or 0, f"{trial.key}.pt"):
        screen.print(f"its program: {line}", soft_wrap=True)
    place = place_like(trial.device, str(configuration.trainer["accelerator"]))
    if trial.device and place.kind != trial.device and not discovery.may_have_others():
        here = f"of which none is found here: it is trained on {place.kind}"
        screen.print(f"recorded on {trial.device}, {here}", soft_wrap=True)
    preload = preload_for([configuration])
    with closing(LocalEngine(1, train_task, preload, [place])) as engine:
        found = reproduce(results, trial, engine, seed, consent)
    _print(found, screen)
    if as_json:
        print_json(
            {
                "study": found.study,
                "trial": found.trial.key,
                "seed": used,
                "mlflow_run_id": found.trial.run_id,
                "likeness": found.likeness,
                "epochs": found.epochs,
                "metrics": dict(found.metrics),
                "weights": found.weights,
                "failure": found.failure,
                "device": found.device,
                "expected": found.expected.likeness,
                "because": found.expected.because,
                "differences": list(found.differences),
            }
        )
    if found.likeness is Likeness.different:
        raise typer.Exit(NOT_REPRODUCED)


def place_like(device: str, accelerator: str) -> Place:
    """Where a training runs again: on the kind of device that it was recorded on, where there is
    one."""
    if device == "cpu" and accelerator == "auto":
        accelerator = "cpu"  # which may have a GPU beside it today
    places = plan_workers(accelerator, 1).places
    return min(places, key=lambda place: place.kind != device)


def _print(found: Reproduction, screen: Console) -> None:
    what = f"{found.epochs} epochs, {len(found.metrics)} metrics"
    what += " and the weights" if found.weights is not None else ", no weights are kept"
    unlike = {f"{name} differs": value for name, value in found.metrics.items() if value}
    if found.weights:
        unlike["the weights differ"] = found.weights
    if found.likeness == "identical":
        screen.print(f"identical to the last bit ({what})")
    else:
        equal = found.likeness == "equal"
        screen.print(f"{'equal within tolerance' if equal else 'different'} ({what})")
        screen.print(f"  {_why(found)}", soft_wrap=True)
    if found.failure:
        screen.print(f"  {found.failure}")
    for text, value in sorted(unlike.items(), key=lambda item: -item[1]):
        by = f"by {value:.1e} of its size at most" if value < float("inf") else "beyond any number"
        screen.print(f"  {text} {by}")
    for text in found.differences:
        screen.print(f"although {text}" if found.likeness == "identical" else f"cause? {text}")
    if found.likeness == "different" and not found.differences:
        screen.print("nothing that is recorded differs: seed, data, packages and hardware")


def _why(found: Reproduction) -> str:
    """Why a training is not identical, or that it should be."""
    expected = found.expected
    if expected.likeness == "identical":
        return "identical was expected: data, device, torch and numpy are as recorded"
    if expected.likeness is None:
        return f"likely cause: {expected.because}"
    if found.likeness == "equal":
        return f"as expected: {expected.because}"
    return f"likely cause: {expected.because}; small differences grow with every epoch"
