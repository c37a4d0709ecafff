"""A/A: three arms that are the same optimizer under different names.

Arms with independent noise are simulated in benchmarks/calibration.py and verdicts_test.py.
"""

import json
from pathlib import Path

import pytest

from studies import document, results
from studies.archive import Archive
from studies.comparison import compare
from studies.comparison_json import as_json
from studies.engines.inline import InlineEngine
from studies.engines.trials import train_task
from studies.home import Home
from studies.runner import Display, Runner
from studies.spec import resolve
from tests.integration.runner_test import Nowhere

SAME = """
study: aa
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


@pytest.mark.slow
def test_equal_arms_get_equal_budgets_and_no_detectable_difference(tmp_path: Path) -> None:
    spec = resolve(document.parse(SAME, "aa.yaml"))
    home = Home.at(tmp_path)
    engine = InlineEngine(train_task)
    Runner(spec, home, Archive.open(home), Nowhere(), engine, Display()).run()
    engine.close()
    found = compare(results.load(home, "aa"))
    assert [dict(arm.outcomes) for arm in found.arms] == [{"completed": 4}] * 3
    assert [arm.epochs for arm in found.arms] == [16] * 3
    assert [len(arm.confirmed) for arm in found.arms] == [9] * 3  # auto: 7 for 3 pairs, plus 2
    assert {pair.result.verdict.better for pair in found.pairs} == {"none"}
    # the same sampler seeds and training seeds for every arm: equal to the last bit
    assert {pair.result.difference.estimate for pair in found.pairs} == {0.0}
    assert len({tuple(arm.confirmed.items()) for arm in found.arms}) == 1
    json.dumps(as_json(found, {}))
