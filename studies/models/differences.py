"""What was otherwise when a trial was trained than it is now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lightning_modules.configuration import Configuration
from studies.inputs.environment import hardware, versions
from studies.inputs.identities import code, code_of, identity, is_script
from studies.records import RecordReader, Trial, TrialEnd
from studies.results import StudyResults


def changed_inputs(results: StudyResults, trial: Trial, seed: int, end: TrialEnd) -> Iterator[str]:
    """What a training reads and runs that was otherwise than it is, the likeliest cause first."""
    if seed != trial.seed:
        yield f"seed was {trial.seed}, is {seed}"
    if trial.data_hash and end.data_hash and trial.data_hash != end.data_hash:
        name = Configuration.of(trial.configuration).data.name
        yield f"data was {name}@{trial.data_hash}, is {name}@{end.data_hash}"
    if trial.weights_hash and end.weights_hash and trial.weights_hash != end.weights_hash:
        file = Configuration.of(trial.configuration).model.parameters["weights"]
        yield f"weights were {file}@{trial.weights_hash}, are {file}@{end.weights_hash}"
    if trial.code not in ("", code_of(results.spec, results.files)):
        yield f"the code was another version, {trial.code}: failed trials have run with a later one"
    for path in code(Configuration.of(trial.configuration)):
        before, is_now = results.files.get(str(path)), identity(path)
        if before is not None and before != is_now:
            yield f"{path} was {before}, is {is_now}"
    for name, before in results.files.items():
        if is_script(name) and not Path(name).exists():
            yield f"{name} was {before}, and is not in the current folder"


def changed_machine(results: StudyResults, trial: Trial, end: TrialEnd) -> Iterator[str]:
    """What of the device, the packages and the machine was otherwise than it is."""
    if trial.device and end.device and trial.device != end.device:
        yield f"device was {trial.device}, is {end.device}"
    now = versions() | hardware()
    then = {f"version:{name}": value for name, value in results.versions.items()}
    then |= {f"hardware:{name}": value for name, value in results.hardware.items()}
    with RecordReader.open(results.home, results.study) as record:
        if version := record.version(trial.id):
            then["version:fairtune"] = version
    for key in dict.fromkeys([*now, *then]):
        if key in then and then[key] != now.get(key):
            yield f"{key.partition(':')[2]} was {then[key]}, is {now.get(key, 'not known')}"
    if not results.versions:
        yield "which packages were used is not recorded: the study has never come to an end"
