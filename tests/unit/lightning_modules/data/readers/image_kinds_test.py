"""The ways to store an image: transparency, deep levels, formats, and what is not read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.data.tensors import Splits
from lightning_modules.errors import DataError, UserError

Drawn = Image.Image
READ = "(PNG, JPEG, WebP, BMP, TIFF and GIF are read)"


def drawing(name: str, number: int) -> Drawn:
    """Black strokes on nothing: upright of class `a`, level of class `b`."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    strokes = pixels if name == "a" else pixels.transpose(1, 0, 2)
    strokes[:, number % 8] = (0, 0, 0, 255)
    return Image.fromarray(pixels)


def on(background: str, image: Drawn) -> Drawn:
    """The same image as its author would lay it on a colour."""
    whole = Image.new("RGB", image.size, background)
    whole.paste(image, mask=image.getchannel("A"))
    return whole


def palette(image: Drawn) -> Drawn:
    """With a palette, of which the first colour is transparent."""
    codes = np.asarray(image)[:, :, 3] // 255
    found = Image.fromarray(codes)
    found.putpalette([90, 30, 200, 0, 0, 0])
    found.info["transparency"] = 0
    return found


def keyed(image: Drawn) -> Drawn:
    """Without alpha, one of its grays named as transparent (tRNS)."""
    codes = np.where(np.asarray(image)[:, :, 3] == 255, 0, 77).astype(np.uint8)
    found = Image.fromarray(codes)
    found.info["transparency"] = 77
    return found


TRANSPARENT: dict[str, Callable[[Drawn], Drawn]] = {
    "RGBA": lambda image: image,
    "LA": lambda image: image.convert("LA"),
    "palette": palette,
    "tRNS": keyed,
}


def write(folder: Path, change: Callable[[Drawn], Any], suffix: str = "png", **how: Any) -> Path:
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for number in range(8):
            image = change(drawing(name, number))
            if "transparency" in image.info:
                how["transparency"] = image.info["transparency"]
            image.save(folder / name / f"{number}.{suffix}", **how)
    return folder


def load(folder: Path, **given: Any) -> Splits:
    return load_data("images", path=str(folder), **{"size": 8, "validation": 0.25, **given}).splits


def notes(folder: Path, **given: Any) -> list[str]:
    row = DATASETS["images"]
    assert row.check is not None
    summary: Any = row.check(**{**row.defaults(), "path": str(folder), **given})
    return [*summary.notices]


def same(one: Splits, other: Splits) -> bool:
    return one.scaling == other.scaling and all(
        torch.equal(getattr(one, part)[0][:], getattr(other, part)[0][:])
        for part in ("train", "validation", "test")
    )


# Transparency


@pytest.mark.parametrize("kind", TRANSPARENT)
@pytest.mark.parametrize("color", ["rgb", "gray"])
def test_a_drawing_on_nothing_is_learned_as_one_on_white(
    kind: str, color: str, tmp_path: Path
) -> None:
    clear = write(tmp_path / "clear", TRANSPARENT[kind])
    white = write(tmp_path / "white", lambda image: on("white", image))
    assert same(load(clear, color=color), load(white, color=color))
    assert load(clear, color=color, standardize=False).train[0][:].std() > 0.1


def test_the_background_is_chosen(tmp_path: Path) -> None:
    clear = write(tmp_path / "clear", lambda image: image)
    grey = write(tmp_path / "grey", lambda image: on("#808080", image))
    assert same(load(clear, background="#808080"), load(grey))
    assert load(clear, background="gray").hash == load(clear, background="#808080").hash
    assert not same(load(clear, background="#808080"), load(clear))


def test_transparency_may_be_a_fourth_channel(tmp_path: Path) -> None:
    found = load(write(tmp_path, lambda image: image), color="rgba", standardize=False)
    inputs = found.train[0][:]
    assert inputs.shape[1:] == (4, 8, 8)
    assert inputs[:, :3].max() == 0 and inputs[:, 3].sum((1, 2)).tolist() == [8.0] * 8


def test_what_nobody_sees_is_no_input_of_four_channels(tmp_path: Path) -> None:
    def with_noise(image: Drawn) -> Drawn:
        pixels = np.asarray(image).copy()
        hidden = pixels[:, :, 3] == 0
        pixels[hidden, :3] = np.random.default_rng(0).integers(0, 256, (hidden.sum(), 3))
        return Image.fromarray(pixels)

    noisy = write(tmp_path / "noisy", with_noise)
    clean = write(tmp_path / "clean", lambda image: image)
    assert same(load(noisy, color="rgba"), load(clean, color="rgba"))
    assert same(load(noisy), load(clean))


def test_new_images_are_laid_on_the_background_that_was_learned(tmp_path: Path) -> None:
    for part in ("train", "validation", "test"):
        write(tmp_path / part, lambda image: image)
    read_new = DATASETS["images"].read_new
    assert read_new is not None
    for given in ({"background": "red"}, {"color": "rgba"}, {"color": "gray"}):
        splits = load_data("images", path=str(tmp_path), size=8, **given).splits
        [inputs] = read_new(str(tmp_path / "test"), splits.preparation)
        assert torch.equal(inputs, splits.test[0][:])


def test_a_network_of_before_is_shown_images_as_it_learned_them(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((4, 4, 4), (100, 50, 20, 0), np.uint8))
    image.save(tmp_path / "clear.png")
    Image.fromarray(np.full((4, 4), 100 * 256 + 200, np.uint16)).save(tmp_path / "deep.png")
    before = {"size": 4, "color": "rgb", "mean": [0.0] * 3, "deviation": [1.0] * 3}
    read_new = DATASETS["images"].read_new
    assert read_new is not None
    [inputs] = read_new(str(tmp_path), before)
    levels = torch.tensor([[100.0, 50.0, 20.0], [100.0] * 3]) / 255
    assert torch.equal(inputs, levels[:, :, None, None].expand(2, 3, 4, 4))


@pytest.mark.parametrize("wrong", ["whit", "#fff", "rgb(1,2,3)", 3, None])
def test_a_background_that_is_no_colour_is_refused(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"background: must be a colour such as white or \"#fff"):
        load(tmp_path, background=wrong)


def check(folder: Path, **given: Any) -> None:
    row = DATASETS["images"]
    assert row.check is not None
    row.check(**{**row.defaults(), "path": str(folder), **given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"background": "black"}, "data.background and color: rgba do not go together; keep one"),
        (
            {"augment": {"color_jitter": 0.2}},
            "data.augment.color_jitter changes images of 1 or 3 channels, and color: rgba has 4; "
            "leave one out",
        ),
    ],
)
def test_what_four_channels_do_not_take_is_refused(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, lambda image: image)
    with pytest.raises(DataError) as caught:
        check(folder, color="rgba", **given)
    assert str(caught.value) == said


def test_what_is_transparent_and_what_a_background_hides_are_said(tmp_path: Path) -> None:
    def in_white(image: Drawn) -> Drawn:
        pixels = np.asarray(image).copy()
        pixels[:, :, :3] = 255
        return Image.fromarray(pixels)

    assert notes(write(tmp_path / "solid", lambda image: on("white", image))) == []
    white = write(tmp_path / "white", in_white)
    place = "become white (data.background; color: rgba keeps transparency as a fourth channel)"
    assert notes(white) == [
        f"16 images may be transparent in places, which {place}",
        "on white nothing is left to see of 16 of 16 transparent images; choose another "
        "data.background, or color: rgba",
    ]
    assert len(notes(white, background="black")) == 1
    assert notes(white, color="rgba") == []


# Levels


def twelve_bits(image: Drawn) -> Drawn:
    """Levels that 8 of 16 bits cannot tell apart: the strokes 3,000, all else 3,010 or 4,000."""
    strokes = np.asarray(image)[:, :, 3] == 255
    levels = np.where(strokes, 3000, 3010)
    levels[0, 0] = 4000
    return Image.fromarray(levels.astype(np.uint16))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("cache", [1024.0, 0.0])
def test_twelve_bits_in_sixteen_keep_their_levels(
    suffix: str, cache: float, tmp_path: Path
) -> None:
    folder = write(tmp_path, twelve_bits, suffix)
    found = load(folder, color="gray", standardize=False, cache=cache)
    inputs = found.train[0][:]
    levels = torch.tensor([3000.0, 3010.0, 4000.0]) / 4095
    assert torch.equal(inputs.unique(), levels)
    assert found.preparation["integers"] == 4095.0
    assert notes(folder) == [
        "16 images with more than 8 bits a pixel (integers) keep all levels; by the "
        "largest value of the training part, 4095 is white"
    ]
    standardized = load(folder, color="gray", cache=cache).train[0][:]
    assert standardized.mean().abs() < 1e-5 and standardized.std() == pytest.approx(1, abs=0.01)


def test_sixteen_bits_reach_to_the_largest_value_of_sixteen(tmp_path: Path) -> None:
    folder = write(tmp_path, lambda image: Image.fromarray(np.asarray(twelve_bits(image)) * 16))
    found = load(folder, standardize=False)
    levels = torch.tensor([48000.0, 48160.0, 64000.0]) / 65535
    assert torch.equal(found.train[0][:].unique(), levels)
    read_new = DATASETS["images"].read_new
    assert read_new is not None
    [new] = read_new(str(folder / "a"), found.preparation)
    assert torch.equal(new.unique(), levels)


def test_files_of_eight_bits_beside_deep_ones_reach_as_far(tmp_path: Path) -> None:
    folder = write(tmp_path, twelve_bits)
    for name in "ab":
        for number in range(8, 12):
            Image.new("L", (8, 8), 51).save(folder / name / f"{number}.png")
    inputs = load(folder, color="gray", standardize=False).train[0][:]
    assert torch.tensor(0.2) in inputs and torch.tensor(3010.0) / 4095 in inputs


@pytest.mark.parametrize(("factor", "white"), [(1.0, 1.0), (255.0, 255.0), (1e6, 1e6)])
def test_numbers_with_a_point_are_read(factor: float, white: float, tmp_path: Path) -> None:
    def floats(image: Drawn) -> Drawn:
        return Image.fromarray((np.asarray(image)[:, :, 3] / 255 * factor).astype(np.float32))

    found = load(write(tmp_path, floats, "tiff"), color="gray", standardize=False)
    assert found.train[0][:].unique().tolist() == [0.0, 1.0]
    assert found.preparation["floats"] == white


def test_a_number_that_is_none_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, lambda image: image)
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(folder / "a" / "9.tif")
    with pytest.raises(DataError, match=r"a/9.tif: is no whole image \(it holds values that are"):
        load(folder, cache=0, split_seed=3, standardize=False).train[0][:], load(folder)


def test_a_gray_of_sixteen_bits_may_be_transparent(tmp_path: Path) -> None:
    def deep(image: Drawn) -> Drawn:
        levels = np.where(np.asarray(image)[:, :, 3] == 255, 0, 7777).astype(np.uint16)
        found = Image.fromarray(levels)
        found.info["transparency"] = 7777
        return found

    inputs = load(write(tmp_path, deep), color="gray", standardize=False).train[0][:]
    assert inputs.unique().tolist() == [0.0, 1.0]
    four = load(tmp_path, color="rgba", standardize=False).train[0][:]
    assert four[:, 3].sum((1, 2)).tolist() == [8.0] * 8


# Formats


FORMATS: dict[str, tuple[Callable[[Drawn], Drawn], dict[str, Any]]] = {
    "webp": (lambda image: image, {"lossless": True}),
    "gif": (palette, {}),
    "bmp": (lambda image: on("white", image), {}),
    "tif": (lambda image: image, {}),
    "tiff": (lambda image: on("white", image).convert("1"), {}),
    "png": (lambda image: on("white", image).convert("1"), {}),
    "TIF": (lambda image: on("white", image).convert("CMYK"), {}),
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_numbers(suffix: str, tmp_path: Path) -> None:
    change, how = FORMATS[suffix]
    found = load(write(tmp_path / "found", change, suffix, **how))
    assert same(found, load(write(tmp_path / "white", lambda image: on("white", image))))


def test_of_several_frames_the_first_is_read_and_said(tmp_path: Path) -> None:
    folder = write(tmp_path, lambda image: on("white", image), "gif")
    one = load(folder)
    for name in "ab":
        for number in range(8):
            path = folder / name / f"{number}.gif"
            with Image.open(path) as image:
                first = image.copy()
            first.save(path, save_all=True, append_images=[Image.new("L", (8, 8), 9)])
    assert notes(folder) == ["of 16 images with several frames or pages the first is read"]
    assert same(load(folder), one)


def test_colours_of_sixteen_bits_are_read_by_eight_which_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path, lambda image: on("white", image))
    add_deep_colours(folder / "a" / "9.png")
    assert notes(folder) == ["of 1 image in colour with 16 bits a channel 8 are read"]


def add_deep_colours(path: Path) -> None:
    """A PNG of 2 × 2 pixels, three channels of 16 bits: Pillow writes none."""
    import struct
    import zlib

    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        header = struct.pack(">2I5B", 2, 2, 16, 2, 0, 0, 0)
        PngImagePlugin.putchunk(file, b"IHDR", header)
        PngImagePlugin.putchunk(file, b"IDAT", zlib.compress((b"\0" + b"\x01\x02" * 6) * 2))
        PngImagePlugin.putchunk(file, b"IEND", b"")


# What is not read


def test_what_is_not_read_is_counted_by_kind(tmp_path: Path) -> None:
    folder = write(tmp_path, lambda image: on("white", image))
    others = ("a/1.heic", "a/deep/2.heic", "b/3.HEIC", "b/notes", "labels.csv", "0.png")
    hidden = ("a/.DS_Store", ".cache/x.png", "__MACOSX/a/y.png")
    for name in (*others, *hidden):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("something")
    assert notes(folder) == [
        "9 of 25 files are not read: 3 .heic, 3 hidden, 1 .csv, 1 outside the folders, "
        f"1 without a suffix {READ}"
    ]
    assert len(load(folder).train[-1]) == 8


def test_parts_count_what_lies_in_each(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write(tmp_path / part, lambda image: on("white", image))
        (tmp_path / part / "a" / "x.svg").write_text("<svg/>")
    (tmp_path / "README.md").write_text("text")
    assert notes(tmp_path) == [f"3 of 35 files are not read: 2 .svg, 1 .md {READ}"]


def test_a_network_of_three_channels_takes_no_fourth() -> None:
    data = {"name": "images", "path": "x", "color": "rgba"}
    with pytest.raises(UserError, match=r"data\.color: must be rgb or gray: resnet18 reads images"):
        Configuration.resolve({"data": data, "model": {"name": "resnet18"}})
    assert Configuration.resolve({"data": data, "model": "cnn"}).model.name == "cnn"
