"""Which files a study reads, and what they are known by."""

import hashlib
from contextlib import closing
from pathlib import Path

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import DataError
from lightning_modules.training.train import train
from studies.home import Home
from studies.inputs.identities import identities
from studies.records.deliveries import Deliveries, store_name
from studies.study_file import document, resolve


def of(path: str) -> dict[str, str]:
    return files(f"{{name: arrays, path: {path}}}", "mlp")


def files(data: str, model: str) -> dict[str, str]:
    text = f"study: own\nmodel: {model}\n" + (f"data: {data}\n" if data else "")
    if "class" in data:
        text += "loss: cross_entropy\n"
    elif "class" in model:
        text += "optimizer: adam\n"
    elif not data:
        text += "objective: {metric: val/score, goal: maximize}\n"
    return dict(identities(resolve(document.parse(text, "study.yaml")), Home.at(Path("home"))))


def test_a_file_is_known_by_its_bytes_and_a_folder_by_everything_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert of("own") == {}
    folder = tmp_path / "own" / "class"
    folder.mkdir(parents=True)
    one = folder / "one.npz"
    one.write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert of("own/class/one.npz") == {"own/class/one.npz": f"3 bytes, SHA-256 {digest}"}
    seen = [of("own")["own"]]
    one.write_bytes(b"abd")
    seen.append(of("own")["own"])
    one.rename(folder / "two.npz")
    seen.append(of("own")["own"])
    assert len(set(seen)) == 3 and all(text.startswith("3 bytes") for text in seen)


def test_weights_are_known_by_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    start, run = Path("start.pth"), Path("home/studies/first/checkpoints/trial-0000.pt")
    fetched = tmp_path / "hub/hub/checkpoints/resnet18-f37072fd.pth"
    named = {"start.pth": start, "runs:/abc": run, "imagenet": fetched}
    for given, path in named.items():
        model = f"{{name: resnet18, image_size: 32, weights: '{given}'}}"
        assert files("digits", model) == {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"abc")
        if path == run:
            home = Home.at(Path("home"))
            with closing(Deliveries.open(home, "first")) as deliveries:
                store = store_name(home.mlflow_uri, home)
                deliveries.note("mlflow", store, [("trial-0000", 1, "abc")])
        name = str(fetched) if path == fetched else given
        digest = hashlib.sha256(b"abc").hexdigest()
        assert files("digits", model) == {name: f"3 bytes, SHA-256 {digest}"}
    Path("none").write_bytes(b"abc")
    assert files("digits", "{name: resnet18, image_size: 32}") == {}
    folder = Path("berts")
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    data = "{name: text, path: rows.csv, text: words, target: y, tokenizer: berts}"
    assert files(data, "{name: bert, weights: berts}").keys() == {"berts"}


def test_code_is_known_by_the_scripts_of_a_command_and_the_packages_of_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("train.py", "other.sh", "log.txt", "nets.py", "deep/a/b.py", "deep/notes.txt"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("abc")
    program = Path("run")
    program.write_text("abc")
    program.chmod(0o755)
    command = (
        '["./run", "train.py", "{model.script}", "--log", "log.txt", "{seed}.py", "-c", "a b"]'
    )
    found = files("", f"{{command: {command}, script: other.sh}}")
    assert found.keys() == {"run", "train.py", "other.sh"}
    Path("log.txt").chmod(0o755)
    command = '["/usr/bin/env", "python", "-m", "deep.a", "--conf=train.py", "--log", "log.txt"]'
    assert files("", f"{{command: {command}}}").keys() == {"train.py", "deep/a/b.py"}
    assert files("digits", '{class: "nets:Net"}').keys() == {"nets.py"}
    assert files('{class: "deep.a.b:Rows"}', "mlp").keys() == {"deep/a/b.py"}
    Path("nets").mkdir()  # a folder without code gives way to the module
    assert files("digits", '{class: "nets:Net"}').keys() == {"nets.py"}
    assert files('{class: "sklearn.none:Rows"}', "mlp") == {}


def test_a_published_set_is_known_by_the_files_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("sets/MNIST/raw")
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_bytes(b"abc")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"abc")
    (found,) = files("{name: mnist, root: sets}", "mlp").items()
    assert found[0] == "sets/MNIST/raw/train-images-idx3-ubyte"
    assert found[1].startswith("3 bytes, SHA-256")


def test_a_single_output_is_refused_for_more_than_two_classes(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "x,y\n" + "".join(f"{i},{'abc'[i % 3]}\n" for i in range(30))
    )
    data = {"name": "table", "path": str(tmp_path / "rows.csv"), "target": "y"}
    tree = {"data": data, "model": "mlp", "loss": "binary_cross_entropy"}
    with pytest.raises(DataError) as caught:
        train(Configuration.resolve(tree), 0)
    assert str(caught.value) == "binary_cross_entropy needs two classes, but the data has 3"
