"""Series of one length as signals: networks see where in a series a step stands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lightning_modules.configuration import Configuration
from lightning_modules.configuration.validation import problems
from lightning_modules.data.table import DATASETS, load_data
from lightning_modules.errors import DataError
from lightning_modules.training.building import build_data, build_module

ROW = DATASETS["sequences"]
HEADER = "@problemName peaks\n@univariate true\n@classLabel true a b\n@data\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named from the current folder."""
    monkeypatch.chdir(tmp_path)


def write(name: str = "peaks.ts", series: int = 10, steps: int = 6, last: int = 6) -> None:
    """Series whose class says whether the peak comes first or last."""
    rows = np.zeros((series, steps))
    rows[::2, 0] = rows[1::2, -1] = 3.0
    lines = [
        ",".join(map(str, row[: last if at == series - 1 else steps])) + ":" + "ab"[at % 2]
        for at, row in enumerate(rows)
    ]
    Path(name).write_text(HEADER + "\n".join(lines) + "\n")


def said(**given: Any) -> Any:
    assert ROW.check is not None
    return ROW.check(**{**ROW.defaults(), "path": "peaks.ts", **given})


def test_a_signal_is_channels_by_steps_without_lengths() -> None:
    write()
    splits = load_data("sequences", path="peaks.ts", kind="signal", standardize=False).splits
    inputs, targets = splits.train
    assert tuple(inputs.shape) == (6, 1, 6) and tuple(targets.shape) == (6,)
    whole = load_data("sequences", path="peaks.ts", standardize=False).splits.train
    assert torch.equal(inputs, whole[0].transpose(1, 2)), "the rows and values of sequences"


@pytest.mark.parametrize("network", ["mlp", "cnn", "gru"])
def test_networks_of_signals_read_them(network: str) -> None:
    write()
    tree = {"data": {"name": "sequences", "path": "peaks.ts", "kind": "signal"}}
    configuration = Configuration.resolve({**tree, "model": {"name": network}})
    data = build_data(configuration)
    module = build_module(configuration, data)
    answers = module(data.splits.train[0])
    assert tuple(answers.shape) == (6, 2)


def peaks(kind: str) -> tuple[torch.Tensor, ...]:
    """What a convolutional network answers to a peak at step 8 and to one at step 11 of 20."""
    write(steps=20, last=20)
    data = {"name": "sequences", "path": "peaks.ts", "kind": kind}
    configuration = Configuration.resolve({"data": data, "model": {"name": "cnn"}})
    torch.manual_seed(0)
    module = build_module(configuration, build_data(configuration)).eval()
    series = torch.zeros(2, 1, 20)
    series[0, 0, 8] = series[1, 0, 12] = 3.0  # the same to pooling by 4, far from both ends
    given = (series,) if kind == "signal" else (series.transpose(1, 2), torch.tensor([20, 20]))
    answers: torch.Tensor = module(*given)
    return tuple(answers)


def test_the_convolutional_network_tells_where_in_a_signal_a_peak_is() -> None:
    """In a sequence a peak is the same to it wherever it is, since it pools over all steps."""
    assert torch.allclose(*peaks("sequence"), atol=1e-6)
    assert not torch.allclose(*peaks("signal"), atol=1e-2)


def test_series_of_other_lengths_are_no_signals() -> None:
    write(last=4)
    with pytest.raises(DataError) as caught:
        said(kind="signal")
    assert str(caught.value) == (
        "peaks.ts: series 10 has 4 steps, and others 6; signals have one length: cut them to it, "
        "or leave kind out"
    )
    write()
    write("short.ts", steps=4)
    with pytest.raises(DataError, match=r"^short.ts: series 1 has 4 steps, and others 6; "):
        said(kind="signal", test_path="short.ts")


def test_new_series_need_the_length_that_the_network_knows() -> None:
    write()
    splits = load_data("sequences", path="peaks.ts", kind="signal").splits
    assert ROW.read_new is not None
    given = {**ROW.defaults(), "path": "peaks.ts", "kind": "signal"}
    (inputs,) = ROW.read_new("peaks.ts", splits.preparation, **given)
    assert tuple(inputs.shape) == (10, 1, 6)
    write("short.ts", steps=4)
    with pytest.raises(DataError, match=r"^short.ts: series 1 has 4 steps, and others 6; "):
        ROW.read_new("short.ts", splits.preparation, **given)


def test_equal_lengths_are_said_where_nothing_learns_from_them() -> None:
    write()
    assert said().notices == (
        "all series have 6 steps: where it matters at which step something happens, write kind: "
        "signal, which cnn, mlp and others read",
    )
    assert said(kind="signal").notices == ()
    write(last=4)
    assert said().notices == ()


def test_a_network_of_signals_says_how_series_become_some() -> None:
    tree = {"data": {"name": "sequences", "path": "peaks.ts"}, "model": {"name": "mlp"}}
    assert [problem.message for problem in problems(tree)] == [
        "mlp reads tables or signals or images, but sequences is a sequence; where all series have "
        "one length, write data.kind: signal"
    ]
