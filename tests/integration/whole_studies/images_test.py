"""Image files from the folder to the verdict, and every set and augmentation trained."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from lightning_modules.configuration import Configuration
from lightning_modules.data.augmentation.table import AUGMENTATIONS
from lightning_modules.data.table import load_data
from lightning_modules.errors import DataError
from lightning_modules.networks import NETWORKS
from lightning_modules.training.building import restore
from lightning_modules.training.train import train
from studies.cli import main
from studies.home import Home
from tests.support.accounts import last_line
from tests.support.published_files import write_cifar, write_idx

Output = pytest.CaptureFixture[str]
Tree = dict[str, Any]
CNN: Tree = {"name": "cnn", "channels": [4]}

STUDY = """
study: photos
data:
  name: images
  path: {path}
  size: 8
  color: gray
  augment:
    - {{label: none}}
    - {{label: upside-down, vertical_flip: 0.5}}
model: {{name: mlp, hidden: [16]}}
optimizer: {{name: adam, lr: 1e-2}}
trainer: {{epochs: 6, accelerator: cpu}}
search: {{method: random, trials: 1}}
compare: {{factor: data.augment, claim: configurations}}
confirm: {{top: 1, seeds: 7}}
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """360 handwritten digits as PNG files, a folder per digit."""
    folder = tmp_path_factory.mktemp("photos")
    digits = load_digits()
    for index in range(360):
        path = folder / f"digit {digits.target[index]}" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray((digits.images[index] * 15.9375).astype(np.uint8)).save(path)
    return folder


@pytest.mark.slow
def test_a_folder_of_images_from_file_to_verdict(
    photos: Path, tmp_path: Path, home: Home, capsys: Output
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(path=photos))
    where = ["--home", str(home.path)]
    assert main(["run", str(file), *where, "--workers", "1", "--json"]) == 0
    told = last_line(capsys.readouterr().out)
    assert told["trials"] == {"completed": 16}
    assert main(["compare", "photos", *where, "--json"]) == 0
    compared = json.loads(capsys.readouterr().out.splitlines()[-1])
    [pair] = compared["pairs"]
    # digits that stand on their heads are not the digits of the validation part
    assert (pair["a"], pair["b"], pair["verdict"]) == ("none", "upside-down", "a")
    best = {arm["arm"]: arm["mean"] for arm in compared["arms"]}
    assert best["none"] > 0.8


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "b" / "1.png").write_text("text"), "b/1.png: is no whole image"),
        (lambda folder: (folder / "c").mkdir(), "c: holds no image"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_what_is_wrong_with_a_folder_is_told_before_the_first_trial(
    command: str, spoil: Any, message: str, tmp_path: Path, capsys: Output
) -> None:
    for name in "ab":
        (tmp_path / "x" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (8, 8), number).save(tmp_path / "x" / name / f"{number}.png")
    spoil(tmp_path / "x")
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(path=tmp_path / "x"))
    where = ["--home", str(tmp_path / "home")] if command == "run" else []
    assert main([command, str(file), *where]) == 2
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said
    if command == "run":
        assert not (tmp_path / "home").exists()


def trained(tree: Tree, epochs: int = 2, **options: Any) -> dict[str, float]:
    configuration = Configuration.resolve(
        {"model": CNN, **tree, "trainer": {"epochs": epochs, "accelerator": "cpu"}}
    )
    result = train(configuration, 0, evaluate_test=True, **options)
    assert result.epochs == epochs and result.diverged is None
    numbers = {**result.best, **result.test}
    assert all(np.isfinite(value) for value in numbers.values())
    return numbers


@pytest.mark.parametrize("name", [n for n, row in AUGMENTATIONS.items() if "image" in row.kinds])
def test_every_augmentation_trains(name: str) -> None:
    data = {"name": "digits", "batch_size": 512, "augment": {name: {}}}
    numbers = trained({"data": data})
    plain = trained({"data": {**data, "augment": None}})
    assert numbers["train/loss"] != plain["train/loss"]


RECURRENT = {"hidden_size": 8}
SMALL: Tree = {
    "mlp": {"hidden": [8]},
    "cnn": {"channels": [4]},
    **{name: RECURRENT for name in ("rnn", "lstm", "gru")},
    "transformer": {"num_heads": 2, "head_size": 4},
    "squeezenet1_1": {"image_size": 32},
}
"""One of torchvision's is enough here: they have tests of their own."""


def test_no_network_of_images_is_forgotten() -> None:
    own = {name for name, row in NETWORKS.items() if "image" in row.kinds and row.check is None}
    assert own == SMALL.keys() - {"squeezenet1_1"}


@pytest.mark.parametrize("network", SMALL)
@pytest.mark.parametrize("cache", [0, 100])
def test_every_network_of_images_trains_on_a_folder(
    network: str, cache: int, photos: Path, tmp_path: Path
) -> None:
    model = {"name": network, **SMALL[network]}
    data = {"name": "images", "path": str(photos), "size": 8, "cache": cache, "color": "gray"}
    checkpoint = tmp_path / "best.pt"
    numbers = trained({"data": data, "model": model}, checkpoint=checkpoint)
    splits = load_data(**data).splits
    predicted = restore(checkpoint).predict(splits.test[0][:]).argmax(1)
    assert (predicted == splits.test[1]).float().mean().item() == pytest.approx(
        numbers["test/accuracy"]
    )


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_every_published_set_trains(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx(tmp_path / "MNIST" / "raw")
    write_idx(tmp_path / "FashionMNIST" / "raw")
    write_cifar(tmp_path, monkeypatch)
    data = {"name": name, "root": str(tmp_path), "augment": {"horizontal_flip": 0.5}}
    trained({"data": data})
    with pytest.raises(DataError, match="is missing"):
        trained({"data": {**data, "root": str(tmp_path / "elsewhere")}})


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
@pytest.mark.parametrize("balance", ["none", "weights", "sampling"])
def test_mixed_targets_go_with_every_balance_smoothing_and_the_loss_of_two_classes(
    name: str, balance: str, photos: Path, tmp_path: Path
) -> None:
    for digit in (0, 1):
        (tmp_path / str(digit)).symlink_to(photos / f"digit {digit}")
    data = {"name": "images", "path": str(tmp_path), "size": 8, "color": "gray", "batch_size": 8}
    tree: Tree = {
        "data": {**data, "balance": balance, "augment": {name: {"alpha": 1.0}}},
        "regularization": {"label_smoothing": 0.1},
        "optimizer": {"name": "adam", "lr": 0.02},
    }
    for loss in ("binary_cross_entropy", "cross_entropy"):
        numbers = trained({**tree, "loss": loss}, epochs=12)
        assert numbers["test/accuracy"] > 0.85 and 0.6 < numbers["train/accuracy"] <= 1
