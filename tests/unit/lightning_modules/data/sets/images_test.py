"""Folders of images: which parts they make, what a network sees of them, and what is wrong."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_modules.data.readers.image_files import check_folder, decode
from lightning_modules.data.readers.image_pixels import Look
from lightning_modules.data.sets.images import Files, Pixels, histogram, moments_of
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.data.tensors import Splits
from lightning_modules.errors import DataError
from tests.support.checkout import ROOT


def write(path: Path, seed: int = 0, size: tuple[int, int] = (6, 6), mode: str = "RGB") -> Path:
    """A file of random pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def make(folder: Path, count: int = 5, classes: str = "ab", suffix: str = "png") -> Path:
    for index, name in enumerate(classes):
        for number in range(count):
            write(folder / name / f"{number}.{suffix}", seed=1000 * index + number)
    return folder


def load(folder: Path, **given: Any) -> Splits:
    return load_data("images", path=str(folder), **{"size": 4, **given}).splits


def sizes(splits: Splits) -> list[int]:
    return [len(part[-1]) for part in (splits.train, splits.validation, splits.test)]


# Parts and classes


def test_a_folder_per_class_is_divided_by_shares_and_by_class(tmp_path: Path) -> None:
    make(tmp_path / "x", 10, "abc")
    splits = load(tmp_path / "x")
    assert splits.classes == ("a", "b", "c") and splits.outputs == 3
    assert sizes(splits) == [18, 6, 6]
    assert [part[-1].bincount().tolist() for part in (splits.train, splits.test)] == [
        [6, 6, 6],
        [2, 2, 2],
    ]
    assert splits.train[0].shape == (18, 3, 4, 4)
    assert splits.train[0][:2].dtype == torch.float32


def test_files_may_be_nested_hidden_ones_and_other_kinds_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, 3)
    write(tmp_path / "a" / "deep" / "er" / "x.JPEG", seed=7)
    (tmp_path / "a" / "notes.txt").write_text("not an image")
    (tmp_path / "a" / ".hidden.png").write_text("not an image")
    (tmp_path / ".cache").mkdir()
    assert sum(sizes(load(tmp_path, validation=0.3, test=0.3))) == 7


@pytest.mark.parametrize("validation", ["validation", "val", "Valid"])
def test_folders_of_parts_are_the_parts(validation: str, tmp_path: Path) -> None:
    make(tmp_path / "train", 5)
    make(tmp_path / validation, 2)
    make(tmp_path / "test", 1)
    splits = load(tmp_path)
    assert sizes(splits) == [10, 4, 2]
    look = Look(4, "rgb", "white")
    files = [tmp_path / "test" / name / "0.png" for name in "ab"]
    rows = torch.stack([torch.from_numpy(decode(file, look)) for file in files])
    assert torch.equal(splits.test[0].pixels, rows)


def test_a_share_of_a_part_with_a_folder_of_its_own_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "train", 5)
    make(tmp_path / "validation", 2)
    with pytest.raises(DataError) as caught:
        check(tmp_path, validation=0.4)
    assert str(caught.value) == (
        f"data.validation and the folder {tmp_path / 'validation'} do not go together; keep one"
    )


@pytest.mark.parametrize(("own", "wanted"), [("test", [8, 2, 4]), ("validation", [8, 4, 2])])
def test_a_part_without_a_folder_is_divided_from_the_training_folder(
    own: str, wanted: list[int], tmp_path: Path
) -> None:
    make(tmp_path / "train", 5)
    make(tmp_path / own, 2)
    assert sizes(load(tmp_path)) == wanted


def test_a_class_may_be_called_like_a_part(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / "train" / f"{number}.png", seed=number)
        write(tmp_path / "plane" / f"{number}.png", seed=10 + number)
    assert load(tmp_path).classes == ("plane", "train")


# What a network sees


def test_the_largest_square_at_the_centre_is_resized(tmp_path: Path) -> None:
    pixels = np.zeros((4, 10), np.uint8)
    pixels[:, 3:7] = 200
    path = tmp_path / "wide.png"
    Image.fromarray(pixels).save(path)
    assert decode(path, Look(4, "gray", "white")).tolist() == [[[200] * 4] * 4]
    assert decode(path, Look(2, "rgb", "white")).tolist() == [[[200] * 2] * 2] * 3


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4), np.uint8)
    pixels[0] = 255
    path, exif = tmp_path / "turned.png", Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(pixels).save(path, exif=exif)
    assert decode(path, Look(4, "gray", "white"))[0, :, 0].tolist() == [0, 0, 0, 255]


def test_inputs_are_standardized_by_the_training_part(tmp_path: Path) -> None:
    make(tmp_path, 10)
    raw, splits = load(tmp_path, standardize=False), load(tmp_path)
    before, after = raw.train[0][:], splits.train[0][:]
    assert before.min() >= 0 and before.max() <= 1
    mean, deviation = before.double().mean((0, 2, 3)), before.double().std((0, 2, 3), correction=0)
    assert splits.scaling[0] == pytest.approx(mean.tolist())
    assert splits.scaling[1] == pytest.approx(deviation.tolist())
    assert after.mean((0, 2, 3)).abs().max() < 1e-6
    torch.testing.assert_close(
        splits.test[0][:], (raw.test[0][:] - mean.view(-1, 1, 1)) / deviation.view(-1, 1, 1),
        check_dtype=False,
    )  # fmt: skip


def test_the_deviation_of_a_single_colour_is_one() -> None:
    scaling = moments_of(histogram(torch.full((3, 1, 2, 2), 51, dtype=torch.uint8)))
    assert scaling[0] == pytest.approx([0.2]) and scaling[1] == [1.0]


def test_what_is_decoded_when_asked_for_equals_what_is_kept(tmp_path: Path) -> None:
    make(tmp_path, 6)
    kept, asked = load(tmp_path), load(tmp_path, cache=0)
    assert isinstance(kept.train[0], Pixels) and isinstance(asked.train[0], Files)
    assert kept.hash == asked.hash
    for rows in (slice(1, 3), slice(None), torch.tensor([2, 0, 2])):
        assert torch.equal(kept.train[0][rows], asked.train[0][rows])
    assert kept.scaling == asked.scaling


def test_the_hash_follows_the_content_of_the_files_and_what_is_made_of_them(tmp_path: Path) -> None:
    make(tmp_path, 6)
    changes = ({}, {"size": 5}, {"color": "gray"}, {"standardize": False}, {"split_seed": 1})
    hashes = [load(tmp_path, **change).hash for change in changes]
    assert len(set(hashes)) == 5
    assert load(tmp_path, balance="sampling", batch_size=3).hash == hashes[0]
    write(tmp_path / "b" / "3.png", seed=99)
    assert load(tmp_path).hash not in hashes


def test_new_images_are_prepared_as_those_that_were_learned(tmp_path: Path) -> None:
    make(tmp_path / "train", 4)
    make(tmp_path / "validation", 2)
    make(tmp_path / "test", 2)
    splits = load(tmp_path, color="gray", size=3)
    read_new = DATASETS["images"].read_new
    assert read_new is not None
    parameters = {"path": "elsewhere", "batch_size": 64}
    [inputs] = read_new(str(tmp_path / "test"), splits.preparation, **parameters)
    assert torch.equal(inputs, splits.test[0][:])
    [one] = read_new(str(tmp_path / "test" / "a" / "1.png"), splits.preparation)
    assert torch.equal(one, splits.test[0][1:2])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: holds no image; PNG, JPEG, WebP, BMP"):
        read_new(str(tmp_path / "empty"), splits.preparation)


# What is wrong


def broken(path: Path) -> None:
    content = write(path, size=(60, 60)).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def add_text(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("text")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (
        lambda root: None,
        "{root}: there is no such folder (relative paths start at {cwd}); correct data.path",
    ),
    "file": (
        lambda root: root.write_text("text"),
        "{root}: is a file; data.path must be a folder with a folder per class",
    ),
    "flat": (
        lambda root: write(root / "1.png"),
        "{root}: has no folders; the images of each class belong in a folder with its name",
    ),
    "one": (
        lambda root: make(root, 3, "a"),
        "{root}: holds one class only, 'a'; at least two folders of classes are needed",
    ),
    "empty": (
        lambda root: (make(root, 3), (root / "c").mkdir()),
        "{root}/c: holds no image; PNG, JPEG, WebP, BMP, TIFF and GIF are read: add some, or "
        "remove the folder",
    ),
    "others": (
        lambda root: (make(root, 3), add_text(root / "c", ["1.heic", "2.heic", "notes"])),
        "{root}/c: holds no image, only 3 other files (.heic, without a suffix); PNG, JPEG, WebP, "
        "BMP, TIFF and GIF are read: add some, or remove the folder",
    ),
    "few": (
        lambda root: (make(root, 3), make(root, 2, "c")),
        "{root}: class 'c' has 2 images, and three parts need one each; add images, leave "
        "the class out with rare_classes: drop, or write stratify: false",
    ),
    "few to train": (
        lambda root: (make(root / "train", 1), make(root / "test", 1)),
        "{root}: class 'a' has 1 image, and two parts need one each; add images, leave the "
        "class out with rare_classes: drop, or write stratify: false",
    ),
    "mixed": (
        lambda root: (make(root / "train", 3), write(root / "cats" / "1.png")),
        "{root}: holds 'train', a part of the data, beside 'cats', which is none; keep parts and "
        "classes in folders of their own",
    ),
    "twice": (
        lambda root: [make(root / part, 3) for part in ("train", "val", "validation")],
        "{root}: 'val' and 'validation' are both the validation part; keep one",
    ),
    "unknown class": (
        lambda root: (make(root / "train", 3), make(root / "test", 1, "abz")),
        "{root}/test/z: the training part has no class 'z'; add images of it there, or leave it "
        "out here",
    ),
    "no image": (
        lambda root: (make(root, 3), (root / "a" / "4.png").write_text("text")),
        "{root}/a/4.png: is no whole image (none of PNG, JPEG, WEBP, BMP, TIFF, GIF); replace or "
        "remove the file",
    ),
    "another format": (
        lambda root: (make(root, 3), Image.new("L", (4, 4)).save(root / "a" / "4.png", "ppm")),
        "{root}/a/4.png: is no whole image (none of PNG, JPEG, WEBP, BMP, TIFF, GIF); replace or "
        "remove the file",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_the_check_says_what_is_wrong_and_where(what: str, tmp_path: Path) -> None:
    spoil, message = BAD[what]
    root = tmp_path / "photos"
    spoil(root)
    with pytest.raises(DataError) as caught:
        check(root)
    assert str(caught.value) == message.format(root=root, cwd=Path.cwd())


def check(root: Path, **given: Any) -> None:
    check_folder(**{**DATASETS["images"].defaults(), "path": str(root), **given})


def test_the_check_accepts_what_can_be_used(tmp_path: Path) -> None:
    check(make(tmp_path, 5, suffix="jpg"))


def test_images_that_stand_in_two_parts_are_counted(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        make(tmp_path / part, 4, suffix="bmp")
    for seed, name in enumerate("abcdefgh"):
        write(tmp_path / "test" / "ab"[seed % 2] / f"{name}.bmp", seed=5000 + seed)
    for number in range(4):
        write(tmp_path / "val" / "a" / f"{number}.bmp", seed=7000 + number)
    summary = check_folder(**{**DATASETS["images"].defaults(), "path": str(tmp_path)})
    first = {part: tmp_path / part / "ab"[part == "val"] / "0.bmp" for part in ("val", "test")}
    assert [each.partition(", so that")[0] for each in summary.warnings[:2]] == [
        f"{count} images of the {part} part stand in the training part too "
        f"({file} is {tmp_path / 'train' / file.relative_to(tmp_path / short)})"
        for count, part, short, file in (
            ("4 of 8", "validation", "val", first["val"]),
            ("8 of 16", "test", "test", first["test"]),
        )
    ]


def test_images_that_stand_twice_in_one_part_are_not(tmp_path: Path) -> None:
    for seed, part in enumerate(("train", "val", "test")):
        for name in ("a/1", "a/2", "b/3", "b/4"):
            write(tmp_path / part / f"{name}.bmp", seed=seed)
    summary = check_folder(**{**DATASETS["images"].defaults(), "path": str(tmp_path)})
    assert not any("stand in the training part" in each for each in summary.warnings)


def test_a_folder_has_to_be_named() -> None:
    row = DATASETS["images"]
    assert row.check is not None
    with pytest.raises(DataError) as caught:
        row.check(**row.defaults())
    assert str(caught.value) == (
        "data.path is missing: name the folder with a folder of images per class"
    )


def test_a_truncated_file_is_found_by_the_check_where_its_kind_allows(tmp_path: Path) -> None:
    make(tmp_path, 3)
    broken(tmp_path / "b" / "9.png")
    with pytest.raises(DataError, match=r"b/9\.png: is no whole image \("):
        check(tmp_path)


def test_what_only_decoding_can_find_is_named_then(tmp_path: Path) -> None:
    make(tmp_path, 3)
    broken(tmp_path / "b" / "9.jpg")
    check(tmp_path)
    with pytest.raises(DataError, match=r"b/9\.jpg: is no whole image \(.*truncated"):
        load(tmp_path)


def test_a_large_folder_is_checked_by_the_heads_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning_modules.data.readers import image_files

    make(tmp_path, 5)
    broken(tmp_path / "b" / "9.png")
    monkeypatch.setattr(image_files, "WHOLE", 0)
    check(tmp_path)
    (tmp_path / "b" / "9.png").write_text("text")
    with pytest.raises(DataError, match="none of PNG, JPEG"):
        check(tmp_path)


def test_classes_too_small_to_be_in_every_part_need_stratify_false(tmp_path: Path) -> None:
    make(tmp_path, 8)
    make(tmp_path, 2, "c")
    assert sum(sizes(load(tmp_path, stratify=False))) == 18


def test_a_share_that_leaves_a_class_out_is_refused(tmp_path: Path) -> None:
    make(tmp_path, 3, "abcd")
    with pytest.raises(DataError, match="12 rows cannot be divided so"):
        check(tmp_path, validation=0.1, test=0.1)


def test_the_check_does_not_import_torch(tmp_path: Path) -> None:
    import subprocess

    make(tmp_path, 5)
    code = (
        "import sys; from lightning_modules.data.table import DATASETS;"
        "row = DATASETS['images'];"
        f"row.check(**{{**row.defaults(), 'path': {str(tmp_path)!r}}});"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_digest_is_that_of_the_files(tmp_path: Path) -> None:
    file = write(tmp_path / "a.png")
    column = Files([file], Look(4, "rgb", "white"), ([0.0], [1.0]))
    content = hashlib.sha256(hashlib.sha256(file.read_bytes()).digest()).digest()
    assert column.content == content
    assert column.digest() == Pixels(torch.zeros(1), ([0.0], [1.0]), content).digest()
