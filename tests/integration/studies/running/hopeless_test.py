"""An arm that cannot learn loses, within the repeats that a study has by default."""

from pathlib import Path

import pytest

from studies import results
from studies.analysis import compare
from studies.engines.inline import InlineEngine
from studies.engines.training import train_task
from studies.home import Home
from studies.records import Record
from studies.running.trial_loop import Display, Runner
from studies.sentences import verdicts
from studies.study_file import document, resolve

HOPELESS = """
study: hopeless
data: {name: wine, batch_size: 16}
model: {name: mlp, hidden: [8]}
optimizer:
  - {name: adam, label: learns, lr: {min: 3e-3, max: 3e-2, log: true}}
  - {name: adam, label: stands, lr: 1e-7, eps: {min: 1e-8, max: 1e-7, log: true}}
trainer: {epochs: 4}
search: {method: random, trials: 2}
compare: {factor: optimizer}
"""


@pytest.mark.slow
def test_an_arm_with_a_learning_rate_of_nothing_loses_within_six_repeats(tmp_path: Path) -> None:
    spec = resolve(document.parse(HOPELESS, "hopeless.yaml"))
    home = Home.at(tmp_path)
    engine, record = InlineEngine(train_task), Record.in_memory()
    Runner(spec, home, record, engine, Display()).run()
    engine.close()
    found = compare(results.read_results(record, home, spec.study))
    assert found.design.searches == 6 and found.design.part == "test"
    assert found.design.splits == 6
    (said,) = verdicts(found)
    assert said.startswith("learns beats stands when each is tuned with 2 trials: by ")
