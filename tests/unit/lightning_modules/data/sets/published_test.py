"""torchvision's sets, read from tiny files in its own layout, without a network."""

from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torchvision.datasets import CIFAR10, mnist
from torchvision.datasets.utils import check_integrity

from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError
from tests.support.published_files import NAMES, pixels, write_cifar, write_idx


def check(name: str, root: Path, download: bool = False) -> None:
    row = DATASETS[name]
    assert row.check is not None
    row.check(**{**row.defaults(), "root": str(root), "download": download})


@pytest.mark.parametrize("name", NAMES)
def test_an_idx_set_is_read_with_its_published_test_part(name: str, tmp_path: Path) -> None:
    write_idx(tmp_path / NAMES[name] / "raw")
    check(name, tmp_path)
    splits = load_data(name, root=str(tmp_path), validation=0.3, standardize=False).splits
    shapes = [part[0].shape for part in (splits.train, splits.validation, splits.test)]
    assert shapes == [(70, 1, 28, 28), (30, 1, 28, 28), (20, 1, 28, 28)]
    assert splits.train[1].bincount().tolist() == [7] * 10
    wanted = torch.from_numpy(pixels(20, 28, 28)).float() / 255
    assert torch.equal(splits.test[0][:], wanted.unsqueeze(1))
    assert torch.equal(splits.test[1], torch.arange(20) % 10)
    assert len(splits.classes) == splits.outputs == 10


def test_cifar10_is_read_with_its_colours_and_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path, monkeypatch)
    check("cifar10", tmp_path)
    splits = load_data("cifar10", root=str(tmp_path)).splits
    assert splits.train[0].shape == (80, 3, 32, 32) and splits.test[0].shape == (20, 3, 32, 32)
    assert splits.classes == tuple("abcdefghij")
    assert splits.train[0][:].mean((0, 2, 3)).abs().max() < 1e-5
    red = torch.from_numpy(pixels(26, 3072)[0, :1024]).view(32, 32).float() / 255
    mean, deviation = (moment[0] for moment in splits.scaling)
    torch.testing.assert_close(splits.test[0][:1][0, 0] * deviation + mean, red)


def test_a_pickle_that_is_not_the_published_one_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path, monkeypatch)
    file = tmp_path / CIFAR10.base_folder / "test_batch"
    file.write_bytes(file.read_bytes() + b"more")

    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a foreign pickle was opened")

    monkeypatch.setattr("torchvision.datasets.cifar.pickle.load", opened)
    assert not check_integrity(str(file), CIFAR10.test_list[0][1])
    with pytest.raises(DataError) as caught:
        _ = load_data("cifar10", root=str(tmp_path)).splits
    folder = tmp_path / CIFAR10.base_folder
    assert str(caught.value) == (
        f"{folder}: CIFAR10 cannot be read (Dataset not found or corrupted); remove the folder and "
        "write download: true, or put torchvision's files there"
    )


def test_new_images_can_be_prepared_as_those_of_a_published_set(tmp_path: Path) -> None:
    from PIL import Image

    write_idx(tmp_path / "MNIST" / "raw")
    splits = load_data("mnist", root=str(tmp_path)).splits
    Image.fromarray(pixels(20, 28, 28)[3]).save(tmp_path / "three.png")
    read_new = DATASETS["mnist"].read_new
    assert read_new is not None
    [inputs] = read_new(str(tmp_path / "three.png"), splits.preparation)
    assert torch.equal(inputs, splits.test[0][3:4])


def test_files_that_were_written_again_are_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    write_idx(folder)
    first = load_data("mnist", root=str(tmp_path)).splits
    assert load_data("mnist", root=str(tmp_path)).splits is first
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    write_idx(folder, test=30)
    assert len(load_data("mnist", root=str(tmp_path)).splits.test[1]) == 30


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte"),
        ("fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte"),
        ("cifar10", "cifar-10-batches-py/data_batch_1"),
    ],
)
def test_a_missing_file_is_named_with_the_ways_out(name: str, file: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        check(name, tmp_path)
    kind = {**NAMES, "cifar10": "CIFAR10"}[name]
    assert str(caught.value) == (
        f"{tmp_path / file}: is missing, so {kind} cannot be read; put torchvision's files there, "
        "correct data.root, or write download: true"
    )


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_without_a_network_a_download_ends_in_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        print("Downloading")
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.datasets.utils.urllib.request.urlopen", unreachable)
    with pytest.raises(DataError) as caught:
        check(name, tmp_path / "new", download=True)
    kind = {**NAMES, "cifar10": "CIFAR10"}[name]
    assert str(caught.value) == (
        f"{tmp_path / 'new'}: {kind} cannot be downloaded (<urlopen error no route to host>); try "
        "again where there is a network, or put torchvision's files there"
    )
    assert capsys.readouterr().out == ""  # which belongs to the JSON of a command


def test_a_download_puts_the_files_where_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(url: str, download_root: str, filename: str, md5: str) -> None:
        folder = Path(download_root)
        if not list(folder.iterdir()):
            folder.rmdir()
            write_idx(folder)

    monkeypatch.setattr(mnist, "download_and_extract_archive", fetched)
    check("mnist", tmp_path, download=True)
    assert len(load_data("mnist", root=str(tmp_path), download=True).splits.test[1]) == 20


def test_a_damaged_file_is_told_with_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    write_idx(folder)
    (folder / "t10k-images-idx3-ubyte").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"MNIST/raw: MNIST cannot be read \(.*\); remove the"):
        _ = load_data("mnist", root=str(tmp_path)).splits


def test_a_share_that_cannot_hold_every_class_is_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "MNIST" / "raw", train=30)
    with pytest.raises(DataError, match=r"MNIST: data.validation: 30 rows cannot be divided so"):
        _ = load_data("mnist", root=str(tmp_path), validation=0.1).splits
