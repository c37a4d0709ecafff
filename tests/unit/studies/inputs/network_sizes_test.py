"""Networks that no memory holds are refused by a count of their weights, with the line."""

from pathlib import Path
from typing import Any

import pytest

from lightning_modules.errors import UserError
from studies.home import Home
from studies.inputs import network_sizes
from studies.inputs.checks import check_inputs
from studies.study_file import document, resolve
from studies.study_file.space.variants import largest


def spec_of(model: str, *more: str) -> Any:
    text = "\n".join(["study: s", "data: digits", f"model: {model}", *more])
    return resolve(document.parse(text, "a.yaml"))


def refusal(spec: Any, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        check_inputs(spec, Home.at(folder))
    return str(caught.value)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{name: mlp, hidden: [1000000000]}", "a.yaml:3: model.hidden: makes mlp a network of 75,"),
        ("{name: mlp, hidden: [100000000000, 100000000000]}", "of more than 2^63 weights"),
        ("{name: mlp, hidden: [" + "9" * 60 + "]}", "of more than 2^63 weights"),
        ("{name: mlp, hidden: {values: [[4], [1000000000], [5]]}}", "model.hidden: makes mlp"),
        ("{name: cnn, channels: [100000, 10000000]}", "model.channels: makes cnn"),
        ("{name: cnn, channels: [90000, 90000], kernel_size: 999}", "makes cnn a network of 8"),
        ("{name: gru, hidden_size: {min: 8, max: 10000000}}", "model.hidden_size: makes gru"),
        ("{name: lstm, hidden_size: 1000000, num_layers: 1000}", "model.hidden_size: makes lstm"),
        (
            "{name: resnet18, image_size: 10000}",
            "a.yaml:3: model.image_size: with 64 images a step",
        ),
        ("[mlp, {name: rnn, hidden_size: 100000000}]", "model.1.hidden_size: makes rnn"),
    ],
)
def test_it_is_refused_with_its_weights_and_its_line(model: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(spec_of(model), tmp_path)


def test_the_ends_of_all_ranges_count_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each alone would fit: 4,096 units in a layer, or 1,000 layers of 8 units."""
    monkeypatch.setattr(network_sizes, "free_memory", lambda: 16 * 2**30)
    together = "{name: lstm, hidden_size: {min: 8, max: 4096}, num_layers: {values: [1, 1000, 2]}}"
    assert "makes lstm a network of 134," in refusal(spec_of(together), tmp_path)


def test_networks_of_an_embedding_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{word},{word}\n" for word in ("a", "b") * 20)
    Path("a.csv").write_text("kind,y\n" + rows)
    data = (
        "{name: table, path: a.csv, target: y, categories: embedding, embedding_size: 1000000000}"
    )
    text = f"study: s\ndata: {data}\nmodel: mlp\n"
    said = refusal(resolve(document.parse(text, "a.yaml")), tmp_path)
    assert "a.yaml:2: data.embedding_size: makes mlp a network of" in said


def test_torch_is_not_asked_about_small_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_sizes, "_count", lambda _: pytest.fail("torch was asked"))
    for model in ("mlp", "cnn", "{name: gru, hidden_size: {min: 8, max: 256}}", "resnet18"):
        check_inputs(spec_of(model), Home.at(tmp_path))


def test_the_largest_point_has_the_largest_of_every_value() -> None:
    spec = spec_of(
        "{name: mlp, hidden: {values: [[4], [9, 9], [10]]}, dropout: {values: [0.1, 0.5]}}",
        "trainer: {epochs: {min: 1, max: 7}}",
    )
    found = largest(spec.space.root).children
    assert found["model"].children["hidden"].value == [9, 9]  # type: ignore[attr-defined]
    assert found["trainer"].children["epochs"].value == 7  # type: ignore[attr-defined]
