"""Arrays of one's own: what they become, and what is said of archives that cannot be used."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import ConfigurationError, DataError

ROW = DATASETS["arrays"]
rng = np.random.default_rng(0)
X = rng.normal(3, 2, (30, 4))
Y = np.arange(30) % 3


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def write(**arrays: Any) -> None:
    np.savez("data.npz", **{"x": X, "y": Y, **arrays})


def splits(**given: Any) -> Any:
    return load_data("arrays", path="data.npz", **given).splits


def outputs_of(**given: Any) -> int:
    assert ROW.check is not None
    found: Any = ROW.check(**{**ROW.defaults(), "path": "data.npz", **given})
    outputs: int = found.outputs
    return outputs


def refusal(**given: Any) -> str:
    assert ROW.check is not None
    with pytest.raises(DataError) as caught:
        ROW.check(**{**ROW.defaults(), "path": "data.npz", **given})
    return str(caught.value)


# What arrays become


@pytest.mark.parametrize(
    ("kind", "shape", "wanted"),
    [
        ("table", (4,), (4,)),
        ("signal", (2, 5), (2, 5)),
        ("signal", (5,), (1, 5)),
        ("image", (3, 6, 5), (3, 6, 5)),
        ("image", (6, 5), (1, 6, 5)),
    ],
)
def test_every_kind_has_its_shape_and_is_scaled_by_the_training_part(
    kind: str, shape: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    x = rng.integers(0, 255, (30, *shape)).astype(np.uint8)
    write(x=x)
    found = splits(kind=kind)
    assert found.train[0].shape == (18, *wanted)
    assert found.train[0].dtype == torch.float32
    axes = (0, *range(2, len(wanted) + 1))
    torch.testing.assert_close(found.train[0].mean(axes), torch.zeros(wanted[0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.train[0].std(axes, correction=0), torch.ones(wanted[0]))
    raw = splits(kind=kind, standardize=False)
    rows = sorted(raw.train[0].flatten(1).tolist() + raw.validation[0].flatten(1).tolist()
                  + raw.test[0].flatten(1).tolist())  # fmt: skip
    assert rows == sorted(x.reshape(30, -1).tolist())


def test_labels_may_be_numbers_or_texts_and_values_may_be_several() -> None:
    write(y=np.array(["b", "a", "c"])[Y])
    assert splits().classes == ("a", "b", "c")
    write(y=(Y + 9.0)[:, None])
    assert (splits().classes, splits().outputs) == (("9", "10", "11"), 3)
    write(y=X[:, :2])
    found = splits(task="regression")
    assert (found.outputs, found.classes, found.test[1].shape) == (2, (), (6, 2))
    assert found.test[1].dtype == torch.float32


def test_parts_may_have_arrays_of_their_own() -> None:
    write(x_test=X[:6] + 1, y_test=Y[:6])
    found = splits(standardize=False)
    assert [len(part[1]) for part in (found.train, found.validation, found.test)] == [24, 6, 6]
    assert found.test[0].tolist() == (X[:6] + 1).astype(np.float32).tolist()
    write(x_test=X[:6], y_test=Y[:6], x_validation=X[6:9], y_validation=Y[6:9])
    found = splits()
    assert [len(part[1]) for part in (found.train, found.validation, found.test)] == [30, 3, 6]
    assert refusal(test=0.5) == "data.test and an array x_test do not go together; keep one"


def test_new_rows_are_prepared_as_those_of_the_training() -> None:
    assert ROW.read_new is not None
    write(a=X, b=Y)
    given = {"inputs": "a", "targets": "b", "path": "data.npz"}
    found = load_data("arrays", **given).splits
    preparation = json.loads(json.dumps(found.preparation))
    parameters = {**ROW.defaults(), **given}
    raw = load_data("arrays", **given, standardize=False).splits.test[0].numpy()
    np.savez("new.npz", a=raw)
    np.save("new.npy", raw)
    for name in ("new.npz", "new.npy"):
        (new,) = ROW.read_new(Path(name), preparation, **parameters)
        torch.testing.assert_close(new, found.test[0])
    np.save("new.npy", raw[:, :3])
    with pytest.raises(DataError, match=r"new.npy: array a has rows of the shape \(3,\), and the"):
        ROW.read_new("new.npy", preparation, **parameters)


def test_the_kind_says_which_networks_read_them() -> None:
    tree = {"data": {"name": "arrays", "path": "data.npz"}, "model": "cnn"}
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve(tree)
    assert str(caught.value) == (
        "model: cnn reads signals or images or sequences or texts, but arrays is a table"
    )
    image = {"name": "arrays", "path": "data.npz", "kind": "image"}
    assert Configuration.resolve({**tree, "data": image}).data.parameters["kind"] == "image"


def test_images_can_be_augmented_and_tables_cannot() -> None:
    write(x=rng.integers(0, 200, (30, 6, 5)).astype(np.uint8))
    found = splits(kind="image", augment={"horizontal_flip": {"p": 0.5}})
    mean, deviation = (torch.tensor(moment).view(-1, 1, 1) for moment in found.scaling)
    pixels = found.train[0] * deviation + mean
    assert pixels.min() >= 0 and pixels.max() == pytest.approx(1.0)
    flips = {"name": "arrays", "path": "data.npz", "augment": {"horizontal_flip": 0.5}}
    with pytest.raises(ConfigurationError) as caught:
        Configuration.resolve({"data": flips, "model": "mlp"})
    wanted = "data.augment.horizontal_flip: horizontal_flip changes images, but arrays is a table"
    assert str(caught.value) == wanted


# What is said of archives that cannot be used

FEW = {"task": "regression"}
BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no such array": (
        {},
        {"inputs": "pixels"},
        "there is no array 'pixels'; it has x, y",
    ),
    "objects": (
        {"y": np.array([{}] * 30)},
        {},
        "array y holds Python objects; save numbers of one type and shape",
    ),
    "lengths": ({"y": Y[:29]}, {}, "array y has 29 rows, and its inputs 30; give each a target"),
    "NaN": (
        {"x": np.where(np.arange(30)[:, None] == 4, np.nan, X)},
        {},
        "array x, row 5: nan is no finite number; fill it in or remove the row",
    ),
    "NaN in the targets": (
        {"y": np.where(Y == 2, np.nan, Y)},
        {},
        "array y, row 3: is missing (10 rows in all); fill it in, or write missing_targets: drop, "
        "which leaves such rows out",
    ),
    "texts": ({"x": X.astype(str)}, {}, "array x holds texts; save numbers"),
    "dimensions": (
        {},
        {"kind": "image"},
        "array x has the shape (30, 4), and kind: image needs rows × channels × height × width; "
        "reshape it or write kind: table",
    ),
    "channels last": (
        {"x": np.zeros((30, 8, 8, 3))},
        {"kind": "image"},
        "array x has the shape (30, 8, 8, 3), with the channels last; put them first with "
        "numpy.moveaxis(x, -1, 1)",
    ),
    "one-hot targets": (
        {"y": np.eye(3)[Y]},
        {},
        "array y has the shape (30, 3); classes need one label for every row: "
        "numpy.argmax(y, 1), or write task: regression, or task: multilabel where a row has "
        "several labels of 0 and 1",
    ),
    "values in place of classes": (
        {"y": X[:, 0]},
        {},
        "array y has 30 different values; write task: regression",
    ),
    "texts in place of values": (
        {"y": np.array(["a", "b", "c"])[Y]},
        FEW,
        "array y has the shape (30,) and holds texts; a regression needs numbers, one or some for "
        "every row; save them so, or write task: classification",
    ),
    "a constant": (
        {"y": np.ones(30)},
        FEW,
        "array y is 1 in every row; there is nothing to learn; name another target",
    ),
    "half a part": ({"x_test": X}, {}, "has an array x_test but no y_test; add it"),
    "another shape": (
        {"x_test": X[:, :2], "y_test": Y},
        {},
        "array x_test has rows of the shape (2,), and x of (4,); make them equal",
    ),
    "an untrained class": (
        {"x_test": X, "y_test": Y + 1},
        {},
        "class '3' is in the test part, but has no row in the training part; divide the rows "
        "otherwise or leave the class out",
    ),
    "no rows": ({"x": X[:0]}, {}, "array x has no rows; write the data into it"),
    "one number": ({"x": np.array(3.0)}, {}, "array x has no rows; write the data into it"),
}


@pytest.mark.parametrize("what", BAD)
def test_arrays_that_cannot_be_used_are_named(what: str) -> None:
    arrays, given, message = BAD[what]
    write(**arrays)
    assert refusal(**given) == f"data.npz: {message}"


def test_files_that_are_no_archives_are_named() -> None:
    for content in (b"age,outcome\n", b"PK\x03\x04" + bytes(60), b"\x80\x04."):
        Path("data.npz").write_bytes(content)
        message = "data.npz: is no whole .npz archive; write it with numpy.savez"
        assert refusal() == message
    np.save("data.npy", X)
    assert refusal(path="data.npy") == (
        "data.npy: is one array; save inputs and targets together with numpy.savez"
    )
    assert refusal(path="nowhere.npz").startswith("nowhere.npz: there is no such file; ")


@pytest.mark.parametrize("name", ["color_jitter", "rand_augment", "trivial_augment"])
def test_colours_that_images_do_not_have_are_refused_before_a_training(name: str) -> None:
    pixels = rng.integers(0, 200, (30, 4, 6, 5)).astype(np.float32)
    write(x=pixels)
    given: dict[str, Any] = {"kind": "image", "augment": {name: {}}}
    assert refusal(**given) == (
        f"data.npz: array x has 4 channels, and data.augment.{name} changes images of 1 or 3; "
        f"leave {name} out, or save such images"
    )
    write(x=pixels[:, :3] - 100)
    for standardize in (True, False):
        assert refusal(**given, standardize=standardize) == (
            f"data.npz: array x has values below 0, which data.augment.{name} would cut off; "
            f"leave {name} out, or save pixels from 0 up"
        )
    flips = {"kind": "image", "augment": {"horizontal_flip": {}, name: False}}
    assert outputs_of(**flips) == 3
    for channels in (1, 3):
        write(x=pixels[:, :channels])
        assert outputs_of(**given) == 3


@pytest.mark.parametrize("parameter", ["saturation", "hue"])
def test_gray_images_have_no_saturation_and_no_hue(parameter: str) -> None:
    write(x=rng.random((30, 6, 5)))
    assert refusal(kind="image", augment={"color_jitter": {parameter: 0.1}}) == (
        "data.augment.color_jitter: gray images have no saturation and no hue; set both to 0"
    )
