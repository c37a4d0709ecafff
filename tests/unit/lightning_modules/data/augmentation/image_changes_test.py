"""Augmentation changes what a network learns from, and nothing that it is judged by."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as by_torchvision

from lightning_modules.configuration import Configuration
from lightning_modules.data.augmentation.data_statistics import DataStatistics
from lightning_modules.data.augmentation.table import AUGMENTATIONS, build_augmentation
from lightning_modules.data.table import load_data
from lightning_modules.errors import ConfigurationError, DataError

GRAY = DataStatistics(3, torch.tensor([0.25]), torch.tensor([0.5]))
BLACK = -0.5
"""A pixel of 0 under GRAY's moments."""


def images(count: int = 6, channels: int = 1, side: int = 5) -> Tensor:
    pixels = torch.arange(count * channels * side * side).remainder(97) / 97
    return (pixels.view(count, channels, side, side) - 0.25) / 0.5


def changed(name: str, inputs: Tensor, targets: Tensor | None = None, **given: Any) -> Any:
    change = build_augmentation({name: given}, GRAY)
    assert change is not None
    targets = torch.arange(len(inputs)) % 3 if targets is None else targets
    return change((inputs.clone(), targets))


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(1)


def test_nothing_asked_for_is_no_change() -> None:
    assert build_augmentation({}, GRAY) is None
    assert build_augmentation({"crop": None, "mixup": False}, GRAY) is None


@pytest.mark.parametrize(("name", "axis"), [("horizontal_flip", 3), ("vertical_flip", 2)])
def test_a_flip_mirrors_some_images_and_leaves_the_others(name: str, axis: int) -> None:
    inputs = images(200)
    outputs, targets = changed(name, inputs, p=0.3)
    mirrored = (outputs == inputs.flip(axis)).flatten(1).all(1)
    same = (outputs == inputs).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 40 <= mirrored.sum() <= 80  # 60 are expected, with a deviation of 6.5
    assert torch.equal(targets, torch.arange(200) % 3)
    assert torch.equal(changed(name, inputs, p=1.0)[0], inputs.flip(axis))


def test_a_crop_moves_every_image_by_at_most_the_padding_and_fills_with_black() -> None:
    inputs = images(50)
    outputs, _ = changed("crop", inputs, padding=1)
    bordered = torch.full((50, 1, 7, 7), BLACK)
    bordered[:, :, 1:6, 1:6] = inputs
    places = set()
    for index in range(50):
        fits = [
            (top, left)
            for top in range(3)
            for left in range(3)
            if torch.allclose(
                outputs[index], bordered[index, :, top : top + 5, left : left + 5], atol=1e-6
            )
        ]
        assert len(fits) == 1
        places.update(fits)
    assert len(places) == 9


def test_a_rotation_is_that_of_torchvision_with_an_angle_of_its_own_for_each_image() -> None:
    pixels = torch.rand(4, 2, 6, 9)
    facts = DataStatistics(3, torch.zeros(2), torch.ones(2))
    change = build_augmentation({"rotation": 30}, facts)
    assert change is not None
    torch.manual_seed(5)
    outputs, _ = change((pixels.clone(), torch.zeros(4)))
    torch.manual_seed(5)
    angles = (2 * torch.rand(4) - 1) * 30
    for image, output, angle in zip(pixels, outputs, angles, strict=True):
        wanted = by_torchvision.rotate(
            image, angle.item(), by_torchvision.InterpolationMode.BILINEAR
        )
        # outside the image torchvision blends its mask too; inside they agree
        assert torch.allclose(output[:, 2:4, 3:6], wanted[:, 2:4, 3:6], atol=1e-4)


def test_a_rotation_fills_with_black() -> None:
    outputs, _ = changed("rotation", torch.full((20, 1, 8, 8), 1.0), degrees=45)
    assert outputs.min() == pytest.approx(BLACK)
    assert outputs[:, :, 3:5, 3:5].min() == pytest.approx(1.0)


def test_other_brightness_is_another_factor_for_each_image() -> None:
    pixels = torch.full((30, 1, 4, 4), 0.5)
    outputs, _ = changed("color_jitter", (pixels - 0.25) / 0.5, brightness=0.4, contrast=0.0)
    shown = outputs * 0.5 + 0.25
    assert 0.3 - 1e-6 <= shown.min() < 0.4 < 0.6 < shown.max() <= 0.7 + 1e-6
    assert len({round(value, 4) for value in shown[:, 0, 0, 0].tolist()}) == 30


@pytest.mark.parametrize("given", [{"saturation": 0.5}, {"hue": 0.1}])
def test_gray_images_have_no_saturation_and_no_hue(given: dict[str, float]) -> None:
    with pytest.raises(DataError) as caught:
        changed("color_jitter", images(), **given)
    assert str(caught.value) == (
        "data.augment.color_jitter: gray images have no saturation and no hue; set both to 0"
    )


@pytest.mark.parametrize("name", ["rand_augment", "trivial_augment"])
def test_changes_by_policy_differ_between_images_and_stay_within_the_pixels(name: str) -> None:
    inputs = images(1, side=8).expand(40, 1, 8, 8)
    outputs, _ = changed(name, inputs)
    shown = outputs * 0.5 + 0.25
    assert shown.min() >= -1e-6 and shown.max() <= 1 + 1e-6
    assert len({tuple(image.flatten().tolist()) for image in outputs}) > 10


def test_erasing_sets_a_rectangle_of_the_asked_share_to_zero() -> None:
    inputs = torch.ones(300, 1, 20, 20)
    outputs, _ = changed("random_erasing", inputs, p=0.5, scale=[0.1, 0.2])
    holes = (outputs == 0).flatten(1).sum(1)
    touched = holes > 0
    assert 115 <= touched.sum() <= 185
    assert holes[touched].min() >= 25 and holes[touched].max() <= 95  # rounded to whole pixels
    assert set(outputs.unique().tolist()) == {0.0, 1.0}


def test_mixup_mixes_targets_as_it_mixes_images() -> None:
    inputs = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1).expand(3, 1, 4, 4)
    outputs, shares = changed("mixup", inputs, alpha=1.0)
    assert shares.shape == (3, 3)
    torch.testing.assert_close(shares.sum(1), torch.ones(3))
    torch.testing.assert_close(outputs[:, 0, 0, 0], shares @ torch.tensor([1.0, 2.0, 3.0]))


def test_cutmix_gives_a_target_the_share_of_the_pixels() -> None:
    inputs = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1).expand(3, 1, 10, 10)
    for _ in range(20):
        outputs, shares = changed("cutmix", inputs, alpha=1.0)
        for row, image in enumerate(outputs):
            counted = [(image == value).float().mean().item() for value in (1.0, 2.0, 3.0)]
            assert shares[row].tolist() == pytest.approx(counted)


def test_of_those_that_mix_one_is_drawn_for_every_batch() -> None:
    change = build_augmentation({"mixup": 1.0, "cutmix": 1.0}, GRAY)
    assert change is not None
    inputs = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 6, 6)
    whole = 0
    for _ in range(100):
        outputs, _ = change((inputs.clone(), torch.tensor([0, 1])))
        whole += bool(((outputs > 0.001) & (outputs < 0.999)).all())
    assert 30 <= whole <= 70


def test_rows_are_applied_in_the_order_of_the_table_whatever_the_order_of_the_file() -> None:
    inputs, targets = images(), torch.arange(6) % 3
    results = []
    for given in ({"crop": 2, "horizontal_flip": 0.5}, {"horizontal_flip": 0.5, "crop": 2}):
        torch.manual_seed(3)
        change: Callable[..., Any] | None = build_augmentation(given, GRAY)
        assert change is not None
        results.append(change((inputs.clone(), targets))[0])
    assert torch.equal(*results)


@pytest.mark.parametrize(
    "name", [name for name, row in AUGMENTATIONS.items() if "image" in row.kinds]
)
def test_only_training_batches_are_changed_and_the_data_itself_never(name: str) -> None:
    plain, data = load_data("digits"), load_data("digits", augment={name: {}})
    before = data.splits.hash
    torch.manual_seed(0)
    batches = list(data.train_dataloader())
    torch.manual_seed(0)
    raw = list(plain.train_dataloader())
    assert [len(batch[0]) for batch in batches] == [len(batch[0]) for batch in raw]
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(batches, raw, strict=True))
    for loader in ("val_dataloader", "test_dataloader", "predict_dataloader"):
        pairs = zip(getattr(data, loader)(), getattr(plain, loader)(), strict=True)
        assert all(torch.equal(x, y) for a, b in pairs for x, y in zip(a, b, strict=True))
    del data.splits.__dict__["hash"]
    assert data.splits.hash == before == plain.splits.hash


def test_the_pixels_of_digits_are_known_however_they_are_scaled() -> None:
    for standardize in (True, False):
        splits = load_data("digits", standardize=standardize).splits
        [mean], [deviation] = splits.scaling
        pixels = splits.train[0] * deviation + mean
        assert pixels.min().item() == pytest.approx(0, abs=1e-6)
        assert pixels.max().item() == pytest.approx(1, abs=1e-6)


# In a configuration


def resolve(data: str, **augment: Any) -> Configuration:
    return Configuration.resolve({"data": {"name": data, "augment": augment}, "model": "mlp"})


def test_equal_augmentations_have_equal_hashes() -> None:
    whole = resolve("digits", rotation={"degrees": 15.0}, crop=4)
    assert whole.data.parameters["augment"] == {"crop": {"padding": 4}, "rotation": {"degrees": 15}}
    assert whole.hash == resolve("digits", crop={}, rotation=15).hash
    plain = Configuration.resolve({"data": "digits", "model": "mlp"})
    assert plain.hash == resolve("digits").hash == resolve("digits", crop=None).hash
    assert whole.flat()["data.augment.rotation.degrees"] == 15


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ({"mixup": {"alpha": 0}}, "mixup.alpha must be a number > 0, got 0"),
        ({"rotation": math.inf}, "rotation.degrees must be a number >= 0 and <= 180, got inf"),
        ({"cropp": 4}, "there is no augmentation 'cropp'; did you mean crop?"),
        ({"crop": {"pad": 4}}, "crop.pad crop takes no such parameter; did you mean padding?"),
        ("flips", "must be {name: {parameters}, ...} with names of augmentations, got 'flips'"),
    ],
)
def test_what_no_augmentation_takes_is_said(augment: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve({"data": {"name": "digits", "augment": augment}, "model": "mlp"})
    assert [str(problem) for problem in caught.value.problems] == [f"data.augment: {message}"]


def test_a_table_takes_no_augmentation() -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve("wine", crop=4)
    [problem] = caught.value.problems
    assert str(problem).startswith("data.augment: wine takes no such parameter; it takes ")
