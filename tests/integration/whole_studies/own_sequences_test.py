"""Sequences and texts of one's own, from the file to the verdict and to the logged model."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import Interrupted
from lightning_modules.networks import NETWORKS
from lightning_modules.training.building import build_data, restore
from lightning_modules.training.train import train
from studies.cli import main
from studies.home import Home
from tests.support.accounts import last_line

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def vowels(count: int = 90) -> list[tuple[int, Any]]:
    """Series of 7 to 29 steps of two coefficients that follow an autoregressive process, whose
    feedback differs between three speakers."""
    rng = np.random.default_rng(0)
    found = []
    for at in range(count):
        steps = np.zeros((int(rng.integers(7, 30)), 2))
        for step in range(1, len(steps)):
            feedback = np.array([0.9, -0.5, 0.0])[at % 3]
            steps[step] = feedback * steps[step - 1] + rng.normal(size=2)
        found.append((at % 3, steps + at % 3))
    return found


def write_long_table() -> None:
    rows = [
        {"utterance": f"u{at}", "time": step, "c1": one, "c2": two, "speaker": "abc"[speaker]}
        for at, (speaker, steps) in enumerate(vowels())
        for step, (one, two) in enumerate(steps)
    ]
    pd.DataFrame(rows).to_csv("vowels.csv", index=False)


def write_ts() -> None:
    header = (
        "@problemName vowels\n@dimensions 2\n@equalLength false\n@classLabel true 0 1 2\n@data\n"
    )
    lines = [
        ":".join([*(",".join(f"{value:.6f}" for value in channel) for channel in steps.T), f"{at}"])
        for at, steps in vowels()
    ]
    Path("vowels_TRAIN.ts").write_text(header + "\n".join(lines[:60]))
    Path("vowels_TEST.ts").write_text(header + "\n".join(lines[60:]))


def write_reviews() -> None:
    """Sentences by a template; the mood is that of the adjective, turned by a negation."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(160):
        good, negated = rng.random(2) < 0.5
        adjective = rng.choice(["fine", "great", "lovely"] if good else ["dull", "awful", "weak"])
        what = rng.choice(["film", "play", "book", "song"])
        says = f"The {what} was {'not ' if negated else ''}{adjective}"
        rows.append((says + rng.choice([".", "!", ", really", " in the end"]), good != negated))
    frame = pd.DataFrame(rows, columns=["review", "mood"])
    frame["mood"] = frame["mood"].map({True: "happy", False: "sad"})
    frame.to_csv("reviews.csv", index=False)


STUDY = """
study: own
data: {data}
model:
  - {{name: gru, hidden_size: 8}}
  - {{name: {other}}}
optimizer: {{name: adam, lr: {{min: 0.01, max: 0.1, log: true}}}}
trainer: {{epochs: {epochs}, accelerator: cpu}}
search: {{method: random, trials: 2}}
compare: {{factor: model, claim: configurations}}
confirm: {{seeds: 2}}
"""


def verdict(
    capsys: pytest.CaptureFixture[str], home: Home, data: str, other: str, epochs: int
) -> Any:
    """Run a study of two networks through the command line; what it compares."""
    Path("study.yaml").write_text(STUDY.format(data=data, other=other, epochs=epochs))
    for command in (["check"], ["run", "--workers", "1", "--home", str(home.path)]):
        code = main([*command, "study.yaml", "--json"])
        output = capsys.readouterr()
        assert code == 0, output.err
    assert last_line(output.out)["trials"] == {"completed": 8}
    assert main(["compare", "own", "--home", str(home.path), "--json"]) == 0
    return last_line(capsys.readouterr().out)


ASK = """
import json, sys
import mlflow
import mlflow.pyfunc
import numpy as np
study = mlflow.get_experiment_by_name("own")
[found] = mlflow.MlflowClient().search_logged_models([study.experiment_id])
model = mlflow.pyfunc.load_model(f"models:/{found.model_id}")
example = model.input_example
padding = example * 0 if example.dtype.kind == "i" else example * np.nan
longer = np.concatenate([example, padding], 1)
answers = [model.predict(rows).tolist() for rows in (example, longer)]
said = [str(column.type) + str(column.shape) for column in model.metadata.signature.inputs]
print(json.dumps([example.tolist(), answers, said]))
"""


def asked(home: Home) -> tuple[Any, Any, list[str]]:
    """Example, answers to it and to the same padded further, and inputs, of the logged model."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": home.mlflow_uri}
    answer = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    example, answers, said = json.loads(answer.stdout.splitlines()[-1])
    return example, answers, said


def test_a_long_table_of_series_from_the_file_to_the_verdict(
    capsys: pytest.CaptureFixture[str], home: Home
) -> None:
    write_long_table()
    data = "{name: sequences, path: vowels.csv, series: utterance, target: speaker}"
    compared = verdict(capsys, home, data, "lstm", epochs=3)
    assert {pair["verdict"] for pair in compared["pairs"]} <= {"a", "b", "none"}
    assert all(arm["mean"] > 0.5 for arm in compared["arms"])  # chance is a third
    example, (answers, same), said = asked(home)
    assert np.shape(example)[0::2] == (2, 2) and np.shape(answers) == (2, 3)
    np.testing.assert_allclose(np.sum(answers, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(answers, same, rtol=1e-5)
    assert said == ["float32(-1, -1, 2)"]


def test_texts_from_the_file_to_the_verdict(capsys: pytest.CaptureFixture[str], home: Home) -> None:
    write_reviews()
    data = "{name: text, path: reviews.csv, text: review, target: mood, batch_size: 16}"
    compared = verdict(capsys, home, data, "cnn", epochs=6)
    assert all(arm["mean"] > 0.7 for arm in compared["arms"])
    example, (answers, same), said = asked(home)
    assert np.shape(answers) == (2, 2) and np.min(example) == 0
    np.testing.assert_allclose(answers, same, rtol=1e-5)
    assert said == ["int64(-1, -1)"]


def tree(name: str, model: str) -> dict[str, Any]:
    data: dict[str, Any] = {"name": name, "path": "reviews.csv", "text": "review", "target": "mood"}
    if name == "sequences":
        data = {"name": name, "path": "vowels_TRAIN.ts", "test_path": "vowels_TEST.ts"}
    return {
        "data": {**data, "batch_size": 16},
        "model": model,
        "optimizer": {"name": "adam", "lr": 0.01},
        "trainer": {"epochs": 8, "accelerator": "cpu"},
    }


READERS = [
    (name, model)
    for name in ("sequences", "text")
    for model, row in NETWORKS.items()
    if DATASETS[name].kind in row.kinds and not row.reads_tokens
]


@pytest.mark.parametrize(("name", "model"), READERS)
def test_every_network_that_reads_them_learns_and_answers_again(name: str, model: str) -> None:
    write_ts()
    write_reviews()
    configuration = Configuration.resolve(tree(name, model))
    losses: list[float] = []
    result = train(
        configuration,
        0,
        lambda _, metrics: not losses.append(metrics["train/loss"]),
        checkpoint=Path("best.pt"),
        evaluate_test=True,
    )
    assert losses[-1] < losses[0]
    module = restore(Path("best.pt"))
    *inputs, targets = build_data(configuration).splits.test
    with torch.no_grad():
        right = (module.predict(*inputs).argmax(1) == targets).float().mean().item()
    assert right == pytest.approx(result.test["test/accuracy"])


@pytest.mark.parametrize("model", ["gru", "cnn"])
def test_an_interrupted_training_continues_to_the_same_numbers(model: str) -> None:
    write_ts()
    given = tree("sequences", model)
    given["data"]["augment"] = {"window": {}, "time_mask": {}, "scaling": {}, "jitter": {}}
    given["regularization"] = {"dropout": 0.2}
    given["trainer"]["epochs"] = 4
    configuration = Configuration.resolve(given)

    def epochs(last: int, continuation: Path | None) -> list[Any]:
        seen: list[Any] = []

        def told(epoch: int, metrics: Mapping[str, float]) -> bool:
            seen.append({k: v for k, v in metrics.items() if k != "time/epoch_s"})
            if epoch == last:
                raise Interrupted
            return True

        with suppress(Interrupted):
            train(configuration, 1, told, resume_folder=continuation)
        return seen

    whole = epochs(9, None)
    assert epochs(2, Path("state")) == whole[:2]
    assert epochs(9, Path("state")) == whole


def test_a_wrong_file_is_told_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], home: Home
) -> None:
    write_ts()
    file = Path("vowels_TRAIN.ts")
    file.write_text(file.read_text().replace(":1\n", ",x:1\n", 1))
    Path("study.yaml").write_text(
        "study: own\ndata: {name: sequences, path: vowels_TRAIN.ts}\nmodel: gru\n"
        "search: {method: random, trials: 1}\n"
    )
    for command in (["check"], ["run", "--home", str(home.path)]):
        assert main([*command, "study.yaml"]) == 2
        said = capsys.readouterr().err
        assert "vowels_TRAIN.ts: line 7: channel 2, value " in said
        assert "'x' is no finite number; correct it, or write ? where it is missing" in said
