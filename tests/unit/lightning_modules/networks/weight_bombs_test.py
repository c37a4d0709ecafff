"""Files of weights that are small and would become far more than memory holds."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from lightning_modules.data.readers import memory
from lightning_modules.errors import UserError
from lightning_modules.networks.pretrained.torch_files import load_torch
from lightning_modules.networks.pretrained.weight_files import read_safetensors, read_torch
from lightning_modules.training.building import read_checkpoint

FREE = 2**20


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One megabyte is free, and files are named from the current folder."""
    monkeypatch.setattr(memory, "free_memory", lambda: FREE)
    monkeypatch.chdir(tmp_path)


def saved(count: int, compression: int = zipfile.ZIP_STORED) -> Path:
    """A state dict with so many zeros, its archive packed anew."""
    content = io.BytesIO()
    torch.save({"weight": torch.zeros(count)}, content)
    with zipfile.ZipFile(content) as given, zipfile.ZipFile("a.pt", "w", compression) as made:
        for name in given.namelist():
            made.writestr(name, given.read(name))
    return Path("a.pt")


def pickled(program: bytes) -> Path:
    """A file of torch's with this pickle in place of its own."""
    with zipfile.ZipFile("a.pt", "w") as made:
        for name, content in (("data.pkl", program), ("version", b"3\n"), ("byteorder", b"little")):
            made.writestr(f"archive/{name}", content)
    return Path("a.pt")


@pytest.mark.parametrize("read", [read_torch, read_checkpoint])
@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_weights_that_are_compressed_are_refused(read: object, packing: int) -> None:
    path = saved(10_000, packing)
    with pytest.raises(UserError, match=r"a\.pt: .*: it is compressed, which torch's own files"):
        read(path)  # type: ignore[operator]


@pytest.mark.parametrize("read", [read_torch, read_checkpoint])
def test_weights_larger_than_memory_are_refused_by_their_headers(read: object) -> None:
    path = saved(2**20)
    with pytest.raises(UserError, match=r"what it holds would take 4\.0 MiB of memory"):
        read(path)  # type: ignore[operator]


def test_a_file_of_the_old_format_counts_by_its_size() -> None:
    torch.save(torch.zeros(2**20), "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(UserError, match=r"what it holds would take 4\.0 MiB of memory"):
        read_torch(Path("a.pt"))


def test_a_pickle_that_asks_for_zeros_is_refused() -> None:
    program = b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x40\x85R."  # bytearray(2**30)
    with pytest.raises(UserError, match="something else than tensors and plain values"):
        read_torch(pickled(program))
    with pytest.raises(UserError, match="something else than tensors and plain values"):
        load_torch(io.BytesIO(Path("a.pt").read_bytes()), "state")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" + bytes(1000)])
def test_what_is_no_archive_is_refused_in_one_sentence(content: bytes) -> None:
    Path("a.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.pt: is no whole fairtune checkpoint: "):
        read_checkpoint(Path("a.pt"))


def test_a_checkpoint_that_is_no_dictionary_is_refused() -> None:
    torch.save([1, 2], "a.pt")
    with pytest.raises(UserError, match=r"no whole fairtune checkpoint: it is a list"):
        read_checkpoint(Path("a.pt"))


def test_small_weights_are_read_as_they_were_written() -> None:
    for old in (False, True):
        given = {"weight": torch.arange(9.0)}
        torch.save(given, "a.pt", _use_new_zipfile_serialization=not old)
        in_memory = load_torch(io.BytesIO(Path("a.pt").read_bytes()), "a state")
        for found in (read_torch(Path("a.pt")), in_memory):
            assert torch.equal(found["weight"], given["weight"])
    assert torch.equal(read_torch(saved(7))["weight"], torch.zeros(7))


def test_safetensors_are_refused_by_their_size_and_by_that_of_their_header() -> None:
    pytest.importorskip("safetensors")
    path = Path("a.safetensors")
    path.write_bytes(struct.pack("<Q", 50 * 2**20) + b"{}")
    with pytest.raises(UserError, match=r"a\.safetensors: .*: its header is too long"):
        read_safetensors(path)
    with path.open("wb") as opened:
        opened.truncate(2**40)
    with pytest.raises(UserError, match=r"what it holds would take 1,024\.0 GiB of memory"):
        read_safetensors(path)
