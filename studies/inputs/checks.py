"""What a study reads and runs, looked at before its first trial: a mistake is told once, not every
trial."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from lightning_modules.configuration import COMMAND, Configuration
from lightning_modules.configuration.program_words import asked_for, working_folder
from lightning_modules.data.columns.mistakes import Mistakes
from lightning_modules.data.preparation.summary import DataSummary
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import ConfigurationError, DataError, Problem, UserError
from lightning_modules.networks import NETWORKS
from lightning_modules.user_code import imports
from studies.home import Home
from studies.inputs.data_summaries import distinct
from studies.inputs.matrices import matrix_problems
from studies.inputs.network_sizes import network_problems
from studies.inputs.training_ways import check_training
from studies.inputs.weights import with_weights_file
from studies.study_file import Spec, is_program
from studies.study_file.command_template import function_of, needs_its_function

LEARNING = ("batch_size", "balance")
"""Parameters of a data set that change how it is learned, not what is read."""


def check_inputs(spec: Spec, home: Home, *, has_function: bool = False) -> list[DataSummary]:
    """Read the files of every data set and of weights that the study names, import the user's own
    classes, find the programs, count the weights of large networks; torch is imported for weights,
    own classes and large networks only. `has_function` says that the Python function of a study is
    there. Gives what the data became, as far as it was read, once for data that differs in how it
    is shown to the network alone.

    Raises DataError, UserCodeError, ConfigurationError or UserError where one cannot be used.
    """
    found: dict[str, object] = {}
    problems: list[Problem] = []
    seen: list[object] = []
    mistakes = Mistakes(UserError)
    for configuration in spec.configurations:
        with mistakes.gathered():
            problems += _user_code_problems(configuration)
        with mistakes.gathered():
            check_training(configuration)
        with mistakes.gathered():
            _check_program(configuration, has_function)
        with mistakes.gathered():
            _check_weights(configuration, home, seen)
        with mistakes.gathered():
            _check_data(configuration, found)
    if spec.metrics is not None and spec.metrics.way == "tensorboard":
        with mistakes.gathered():
            require_tensorboard()
    if problems:
        with mistakes.gathered():
            raise ConfigurationError(list(dict.fromkeys(problems)))
    mistakes.refuse()
    if spec.source is not None:
        spec.source.refuse([*network_problems(spec), *matrix_problems(spec)])
    return distinct([each for each in found.values() if isinstance(each, DataSummary)])


def _check_program(configuration: Configuration, has_function: bool) -> None:
    if not is_program(configuration):
        return
    if (name := function_of(configuration)) and not has_function:
        raise needs_its_function(name)
    if not name:
        _find_program(configuration.model.parameters)


def _check_weights(configuration: Configuration, home: Home, seen: list[object]) -> None:
    """Look at the weights of a model, unless they are among those that were seen."""
    model = with_weights_file(configuration, home).model
    network = NETWORKS.get(model.name)
    weights = (model.name, model.parameters.get("weights"))
    if network is not None and network.check is not None and weights not in seen:
        seen.append(weights)
        network.check(**model.parameters)


def _check_data(configuration: Configuration, found: dict[str, object]) -> None:
    """Read the data of a configuration, unless it is among what was found."""
    data = configuration.data
    row = DATASETS.get(data.name)
    reads = {name: value for name, value in data.parameters.items() if name not in LEARNING}
    if row is None or row.check is None:
        return
    key = json.dumps([data.name, reads])
    if key not in found:
        found[key] = None
        found[key] = row.check(**data.parameters)
    summary = found[key]
    classes = summary.outputs if isinstance(summary, DataSummary) else None
    binary = configuration.loss.name == "binary_cross_entropy"
    if binary and configuration.task == "classification" and classes not in (None, 2):
        raise DataError(
            f"loss: binary_cross_entropy needs two classes, but {data.name} has {classes}; "
            "write cross_entropy"
        )


def _user_code_problems(configuration: Configuration) -> list[Problem]:
    if not configuration.class_paths:
        return []
    for path in configuration.class_paths:
        imports.require_allowed(path)  # before torch is imported, which takes seconds
    from lightning_modules.user_code.learning import learning_problems
    from lightning_modules.user_code.modules import user_code_problems

    return [*user_code_problems(configuration), *learning_problems(configuration)]


def require_tensorboard() -> None:
    """Raise UserError where the package is missing that reads TensorBoard's files."""
    if find_spec("tensorboard") is None:
        raise UserError(
            "metrics: reading TensorBoard's files needs the package tensorboard; pip install "
            "'fairtune[tensorboard]'"
        )


def _find_program(program: Mapping[str, Any]) -> None:
    word, folder = program[COMMAND][0], working_folder(program)
    mistakes = Mistakes(UserError)
    if not folder.is_dir():
        mistakes.sentences.append(
            f"model.cwd: there is no folder {folder}; make it, or leave cwd out"
        )
    path = str(folder / word) if os.sep in word else word  # as it is found from there
    can_be_sought = folder.is_dir() or path == word
    if can_be_sought and not asked_for([word]) and shutil.which(path) is None:
        mistakes.sentences.append(f"model.command: there is no program {path} that could be run")
    mistakes.refuse()
