"""Transfer learning from file to verdict: frozen parts, continued trainings, weights of a run."""

from collections.abc import Mapping
from contextlib import closing
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import load_data
from lightning_modules.errors import Interrupted, UserError
from lightning_modules.networks.pretrained.torchvision_networks import PretrainedNetwork
from lightning_modules.networks.pretrained.weights import ARCHITECTURES
from lightning_modules.training.building import build_data, build_module, restore
from lightning_modules.training.train import TrainingResult, train
from lightning_modules.training.trainer import build_trainer
from studies.cli import main
from studies.home import Home
from studies.records import RecordReader
from studies.records.deliveries import Deliveries, store_name
from tests.support.accounts import Runs, last_line

Tree = dict[str, Any]
Output = pytest.CaptureFixture[str]

pytestmark = pytest.mark.slow

FEW: Tree = {"name": "digits", "classes": [3, 8], "validation": 0.1, "test": 0.8, "batch_size": 12}
"""36 digits to learn from, and as many to validate."""


def tree(model: Tree, **changes: Any) -> Tree:
    return {
        "data": FEW,
        "model": {"image_size": 32, **model},
        "optimizer": {"name": "momentum", "lr": 0.01},
        "trainer": {"epochs": 2, "accelerator": "cpu"},
        **changes,
    }


def trained(
    given: Tree, last: int | None = None, **options: Any
) -> tuple[TrainingResult | None, list[dict[str, float]]]:
    """A training, interrupted after the epoch `last`, and what it reported."""
    epochs: list[dict[str, float]] = []

    def on_epoch(epoch: int, metrics: Mapping[str, float]) -> bool:
        epochs.append({key: value for key, value in metrics.items() if key != "time/epoch_s"})
        if epoch == last:
            raise Interrupted
        return True

    try:
        return train(Configuration.resolve(given), 5, on_epoch, **options), epochs
    except Interrupted:
        return None, epochs


def saved(path: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(path)["weights"])


# Every row


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_learns_from_random_weights(name: str) -> None:
    size = ARCHITECTURES[name].smallest
    given = tree(
        {"name": name, "image_size": size},
        data={**FEW, "batch_size": "full"},
        optimizer={"name": "sgd", "lr": 0.01},
        trainer={"epochs": 1, "accelerator": "cpu"},
    )
    result, [metrics] = trained(given)
    assert result is not None and result.weights_hash == ""
    assert all(isfinite(value) for value in metrics.values())


@pytest.mark.parametrize("name", ["inception_v3", "resnet18", "squeezenet1_1"])
def test_a_network_is_restored_without_the_file_it_started_from(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    size = ARCHITECTURES[name].smallest
    source = PretrainedNetwork(name, (1, 8, 8), 7, image_size=size).body
    file = tmp_path / "start.pth"
    torch.save(source.state_dict(), file)
    model = {"name": name, "image_size": size, "weights": str(file), "freeze": "backbone"}
    given = tree(model, trainer={"epochs": 1, "accelerator": "cpu"})
    result, [metrics] = trained(given, checkpoint=tmp_path / "best.pt")
    assert result is not None and len(result.weights_hash) == 12
    file.unlink()
    module = restore(tmp_path / "best.pt")
    head = "network.body." + ARCHITECTURES[name].head
    for key, value in module.state_dict().items():
        if key.startswith("network.body.") and not key.startswith(head):
            assert torch.equal(value, source.state_dict()[key.removeprefix("network.body.")]), key
    inputs, targets = load_data(**FEW).splits.validation
    with torch.no_grad():
        right = (module(inputs).argmax(1) == targets).float().mean()
    assert float(right) == pytest.approx(metrics["val/accuracy"])


# Freezing


@pytest.mark.filterwarnings("ignore:Found .* module.s. in eval mode")  # as they should be
def test_frozen_layers_stay_and_thawed_ones_learn() -> None:
    configuration = Configuration.resolve(
        tree(
            {"name": "squeezenet1_1", "freeze": "backbone", "unfreeze_every": 2},
            trainer={"epochs": 4, "accelerator": "cpu"},
            regularization={"weight_decay": 0.1, "l2": 1e-3},
        )
    )
    data = build_data(configuration)
    module = build_module(configuration, data)
    before = {key: value.clone() for key, value in module.network.body.state_dict().items()}
    build_trainer(configuration).fit(module, datamodule=data)
    after = module.network.body.state_dict()
    moved = {key for key, value in before.items() if not torch.equal(value, after[key])}
    assert {key.rpartition(".")[0] for key in moved} == {
        "features.12.squeeze", "features.12.expand1x1", "features.12.expand3x3", "classifier.1",
    }  # fmt: skip


CONTINUED: dict[str, Tree] = {
    "gradual unfreezing": tree(
        {"name": "squeezenet1_1", "freeze": "backbone", "unfreeze_every": 1, "backbone_lr": 0.1},
        schedule={"name": "cosine", "warmup": 1.5},
        optimizer={"name": "adam", "lr": 0.01},
        trainer={"epochs": 5, "accelerator": "cpu"},
    ),
    "frozen batch normalization": tree(
        {"name": "mobilenet_v3_small", "freeze": "until:features.9", "backbone_lr": 0.1},
        regularization={"weight_decay": 0.01},
        trainer={"epochs": 4, "accelerator": "cpu"},
    ),
}


@pytest.mark.parametrize("case", CONTINUED)
def test_a_continued_training_equals_a_whole_one(case: str, tmp_path: Path) -> None:
    given = CONTINUED[case]
    whole, epochs = trained(given, checkpoint=tmp_path / "whole.pt")
    assert whole is not None
    for last in (1, 3):
        assert trained(given, last, resume_folder=tmp_path / "state") == (None, epochs[:last])
    parts, told = trained(given, resume_folder=tmp_path / "state", checkpoint=tmp_path / "parts.pt")
    assert parts is not None and told == epochs
    one, other = saved(tmp_path / "whole.pt"), saved(tmp_path / "parts.pt")
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_state_that_started_from_other_weights_is_not_continued(tmp_path: Path) -> None:
    file = tmp_path / "start.pth"
    given = tree({"name": "squeezenet1_1", "weights": str(file)})
    for seed in (0, 1):
        torch.manual_seed(seed)
        torch.save(PretrainedNetwork("squeezenet1_1", (1, 8, 8), 2).body.state_dict(), file)
        _, epochs = trained(given, 1 if seed == 0 else None, resume_folder=tmp_path / "state")
        _, whole = trained(given)
        assert epochs == (whole[:1] if seed == 0 else whole)


# Images


def test_images_beyond_0_to_1_cannot_be_normalized_for_imagenet(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 17, (30, 8, 8)).astype(float)
    np.savez(tmp_path / "bright.npz", x=x, y=np.arange(30) % 3)
    given = tree({"name": "squeezenet1_1", "normalize": "imagenet"})
    path = str(tmp_path / "bright.npz")
    given["data"] = {"name": "arrays", "path": path, "kind": "image", "standardize": False}
    with pytest.raises(UserError, match=r"values from 0 to 1, but arrays gives 0 to 16"):
        trained(given)


# From file to verdict

STUDY = """
study: {study}
data: {{name: digits, classes: {classes}, validation: 0.1, test: 0.8, batch_size: 12}}
model:
{model}
optimizer: {{name: momentum, lr: 0.01}}
trainer: {{epochs: 2, accelerator: cpu}}
objective: {{metric: val/accuracy}}
search: {{method: random, trials: 1}}
{more}
"""


def study(path: Path, name: str, classes: str, *models: str, more: str = "") -> str:
    lines = "\n".join(f"  - {model}" for model in models)
    path.write_text(STUDY.format(study=name, classes=classes, model=lines, more=more))
    return str(path)


def run(capsys: Output, *argv: str) -> tuple[int, Any, str]:
    code = main([*argv])
    output = capsys.readouterr()
    return code, last_line(output.out) if output.out.strip() else None, output.err


def test_what_one_study_learned_another_one_starts_from(
    home: Home, tmp_path: Path, capsys: Output
) -> None:
    at = ["--home", str(home.path)]
    small = "{name: squeezenet1_1, image_size: 32}"
    first = study(tmp_path / "first.yaml", "first", "[0, 1]", small)
    code, told, err = run(capsys, "run", first, *at, "--workers", "1", "--json")
    assert code == 0, err
    run_id = Runs.of(home, "first").children[0].info.run_id
    again = "{{name: squeezenet1_1, label: {}, image_size: 32, weights: {}}}".format
    second = study(
        tmp_path / "second.yaml",
        "second",
        "[3, 8]",
        again("pretrained", f"'runs:/{run_id}'"),
        again("scratch", "none"),
        more="compare: {factor: model, claim: configurations}\nconfirm: {seeds: 2}",
    )
    code, _, err = run(capsys, "check", second, *at, "--json")
    assert code == 0, err
    code, told, err = run(capsys, "run", second, *at, "--workers", "1", "--json")
    assert code == 0, err
    assert told["trials"] == {"completed": 6}
    code, told, err = run(capsys, "compare", "second", *at, "--json")
    assert code == 0, err
    assert {told["pairs"][0]["a"], told["pairs"][0]["b"]} == {"pretrained", "scratch"}
    runs = Runs.of(home, "second").children
    hashes = {each.data.params["model.weights"]: each.data.tags.get("fairtune.weights")
              for each in runs}  # fmt: skip
    assert hashes.keys() == {f"runs:/{run_id}", "none"}
    assert hashes["none"] is None and len(hashes[f"runs:/{run_id}"] or "") == 12


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("{name: squeezenet1_1, weights: nowhere.pth}", "model.weights: there is no file nowhere"),
        ("{name: resnet18, weights: 'runs:/abc'}", "has a run abc; copy the id of a trial's run"),
        ("{name: resnet18, unfreeze_every: 2}", "model.0.unfreeze_every: has nothing to unfreeze"),
        ("{name: resnet18, normalize: imagenet}", "model.0.normalize: is for images as they are"),
        (
            "{name: resnet18, image_size: 8}",
            "model.0.image_size: must be an integer >= 32 and <= 10000, got 8",
        ),
        ("{name: resnet18, dropout: 0.5}", "model.0.dropout: resnet18 takes no such parameter"),
        ("{name: vgg11, weights: other.pth}", "fits no vgg11: it has no features.0.bias"),
    ],
)
def test_a_mistake_is_said_before_the_first_trial(
    model: str, complaint: str, home: Home, tmp_path: Path, capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, "other.pth")
    file = study(tmp_path / "s.yaml", "wrong", "[3, 8]", model)
    code, _, err = run(capsys, "run", file, "--home", str(home.path), "--workers", "1", "--json")
    assert code == 2
    assert complaint in " ".join(err.split()), err
    assert "Traceback" not in err
    if home.record("wrong").exists():
        with RecordReader.open(home, "wrong") as record:
            assert record.trials() == []


def test_a_run_whose_weights_were_not_kept_is_said_with_those_that_were(
    home: Home, tmp_path: Path, capsys: Output
) -> None:
    from studies.inputs.weights import checkpoint_of

    home.create("first")
    with closing(Deliveries.open(home, "first")) as deliveries:
        rows = [(f"trial-{i}", 1, f"run{i}") for i in (0, 1)]
        deliveries.note("mlflow", store_name(home.mlflow_uri, home), rows)
    home.checkpoint("first", "trial-1").touch()
    assert checkpoint_of("run1", home) == home.checkpoint("first", "trial-1")
    with pytest.raises(UserError) as told:
        checkpoint_of("run0", home)
    assert str(told.value) == (
        "model.weights: run run0 is trial trial-0 of study first, whose weights were not kept; "
        "kept are those of run1"
    )
