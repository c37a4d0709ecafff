"""Arms that are the same optimizer under different names get equal budgets and equal draws.

They tie by construction: this says nothing of how often unequal luck is taken for a difference,
which benchmarks/calibration.py and arm_verdicts_test.py simulate.
"""

import json
from pathlib import Path

import pytest

from studies import results
from studies.analysis import compare
from studies.engines.inline import InlineEngine
from studies.engines.training import train_task
from studies.home import Home
from studies.records import Record
from studies.results import StudyResults
from studies.running.trial_loop import Display, Runner
from studies.sentences.comparison_json import as_json
from studies.study_file import document, resolve

SAME = """
study: same
data: {name: iris, batch_size: 32}
model: {name: mlp, hidden: [4]}
optimizer:
  - {name: adam, label: first, lr: {min: 1e-3, max: 1e-1, log: true}}
  - {name: adam, label: second, lr: {min: 1e-3, max: 1e-1, log: true}}
  - {name: adam, label: third, lr: {min: 1e-3, max: 1e-1, log: true}}
trainer: {epochs: 4}
objective: {metric: val/loss}
search: {method: tpe, trials: 4}
compare: {factor: optimizer}
"""


def found(home: Home, text: str) -> StudyResults:
    """The study, run to its end."""
    engine = InlineEngine(train_task)
    spec = resolve(document.parse(text, "same.yaml"))
    with Record.writing(home, "same") as record:
        Runner(spec, home, record, engine, Display()).run()
    engine.close()
    return results.load_results(home, "same")


@pytest.mark.slow
def test_one_search_of_equal_arms_finds_the_same_to_the_last_bit(tmp_path: Path) -> None:
    text = SAME.replace("{factor: optimizer}", "{factor: optimizer, claim: configurations}")
    compared = compare(found(Home.at(tmp_path), text))
    assert [dict(arm.outcomes) for arm in compared.arms] == [{"completed": 4}] * 3
    assert [arm.epochs for arm in compared.arms] == [16] * 3
    assert [len(arm.confirmed) for arm in compared.arms] == [9] * 3  # auto: 7 for 3 pairs, plus 2
    assert {pair.result.verdict.better for pair in compared.pairs} == {"none"}
    # the same sampler seeds and training seeds for every arm: equal to the last bit
    assert {pair.result.difference.estimate for pair in compared.pairs} == {0.0}
    assert len({tuple(arm.confirmed.items()) for arm in compared.arms}) == 1
    json.dumps(as_json(compared, {}))


@pytest.mark.slow
def test_every_search_of_equal_arms_finds_the_same_and_another_one_something_else(
    tmp_path: Path,
) -> None:
    text = SAME.replace("trials: 4", "trials: 4, repeats: 4")
    study = found(Home.at(tmp_path), text)
    compared = compare(study)
    assert compared.design.part == "test" and compared.design.splits == 4
    assert [dict(arm.outcomes) for arm in compared.arms] == [{"completed": 16}] * 3
    assert [arm.epochs for arm in compared.arms] == [64] * 3
    (values,) = {tuple(arm.confirmed.items()) for arm in compared.arms}
    assert [repeat for repeat, _ in values] == [1, 2, 3, 4]
    assert len({value for _, value in values}) == 4
    assert {pair.result.difference.estimate for pair in compared.pairs} == {0.0}
    assert {pair.result.verdict.better for pair in compared.pairs} == {"none"}
    hashes = {
        arm: [(trial.repeat, trial.number, trial.seed, trial.config_hash) for trial in trials]
        for arm in study.arms
        for trials in [[trial for trial in study.search if trial.arm == arm]]
    }
    assert hashes["first"] == hashes["second"] == hashes["third"]
    json.dumps(as_json(compared, {}))
