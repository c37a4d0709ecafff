"""Which files a study reads, and what they are known by."""

import hashlib
from pathlib import Path

import pytest

from lightning_modules.configuration import Configuration
from lightning_modules.errors import DataError
from lightning_modules.training import train
from studies import document
from studies.data_files import identities
from studies.spec import resolve


def of(path: str) -> dict[str, str]:
    text = f"study: own\ndata: {{name: arrays, path: {path}}}\nmodel: mlp\n"
    return dict(identities(resolve(document.parse(text, "study.yaml"))))


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


def test_a_single_output_is_refused_for_more_than_two_classes(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "x,y\n" + "".join(f"{i},{'abc'[i % 3]}\n" for i in range(30))
    )
    data = {"name": "table", "path": str(tmp_path / "rows.csv"), "target": "y"}
    tree = {"data": data, "model": "mlp", "loss": "binary_cross_entropy"}
    with pytest.raises(DataError) as caught:
        train(Configuration.resolve(tree), 0)
    assert str(caught.value) == "binary_cross_entropy needs two classes, but the data has 3"
