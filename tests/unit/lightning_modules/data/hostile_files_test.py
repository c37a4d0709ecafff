"""Files that are small and claim, or unpack to, far more than memory holds."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from lightning_modules.data.readers import memory, unpacking
from lightning_modules.data.readers.array_file import load_arrays
from lightning_modules.data.readers.files import file_at
from lightning_modules.data.readers.image_files import check_folder, decode
from lightning_modules.data.readers.image_pixels import Look
from lightning_modules.data.readers.series.sequence_archive import read_archive
from lightning_modules.data.readers.series.ts_file import read_ts
from lightning_modules.data.readers.tables.read import read_frame
from lightning_modules.data.readers.tokens import padded
from lightning_modules.data.table import DATASETS
from lightning_modules.errors import DataError

FREE = 64 * 2**20


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sixty-four megabytes are free, and files are named from the current folder."""
    monkeypatch.setattr(memory, "free_memory", lambda: FREE)
    monkeypatch.setattr(unpacking, "free_memory", lambda: FREE)
    monkeypatch.chdir(tmp_path)


def header(shape: tuple[int, ...], dtype: str = "<f8") -> bytes:
    """The beginning of an .npy file, with no array behind it."""
    buffer = io.BytesIO()
    described = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def archive(**arrays: bytes) -> str:
    with zipfile.ZipFile("a.npz", "w") as opened:
        for name, content in arrays.items():
            opened.writestr(f"{name}.npy", content)
    return "a.npz"


@pytest.mark.parametrize("shape", [(10**9,), (10**6, 10**6), (2**62, 2**62), (1000, 10**5)])
def test_an_archive_is_refused_by_the_headers_of_its_arrays(shape: tuple[int, ...]) -> None:
    path = archive(x=header(shape), y=header((3,), "<i8"))
    for read in (load_arrays, lambda path: read_archive(path, True)):
        with pytest.raises(DataError, match=r"its arrays would take .* of memory, more than half"):
            read(path)


def test_a_single_array_is_refused_by_its_header() -> None:
    Path("a.npy").write_bytes(header((10**9,)))
    with pytest.raises(DataError, match="would take"):
        load_arrays("a.npy", single="x")


def test_the_arrays_of_an_archive_count_together() -> None:
    content = header((10**6,)) + bytes(8 * 10**6)
    with pytest.raises(DataError, match="would take"):
        load_arrays(archive(a=content, b=content))
    assert list(load_arrays(archive(a=content))) == ["a"]


def test_a_broken_header_is_no_archive() -> None:
    for content in (b"", b"\x93NUMPY\x01\x00\xff\xff{", header((-5,)), b"x" * 100):
        with pytest.raises(DataError):
            load_arrays(archive(x=content))


PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("line", [b"1,2\n", b"0"])
def test_a_table_that_unpacks_without_end_is_not_read_to_its_end(ending: str, line: bytes) -> None:
    content = b"x,y\n" + line * (9 * 2**20 // len(line))
    Path(f"a.csv.{ending}").write_bytes(PACKERS[ending](content))
    with pytest.raises(DataError, match=r"unpacks to more than 8\.0 MiB"):
        read_frame(f"a.csv.{ending}")


def test_a_zip_that_lies_about_its_size_is_not_read_to_its_end() -> None:
    with zipfile.ZipFile("a.csv.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a.csv", b"x,y\n" + b"1,2\n" * 2**23)
    with pytest.raises(DataError, match="unpacks to more than"):
        read_frame("a.csv.zip")


@pytest.mark.parametrize("ending", PACKERS)
def test_a_packed_table_is_read_as_it_was_written(ending: str) -> None:
    Path(f"a.csv.{ending}").write_bytes(PACKERS[ending](b"x,y\n1,2\n3,4\n"))
    assert read_frame(f"a.csv.{ending}").equals(pd.DataFrame({"x": [1, 3], "y": [2, 4]}))


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst", "zip"])
def test_what_is_packed_badly_is_no_table(ending: str) -> None:
    Path(f"a.csv.{ending}").write_bytes(b"x,y\n1,2\n")
    with pytest.raises(DataError, match="is no CSV file"):
        read_frame(f"a.csv.{ending}")


def test_a_table_is_refused_by_its_size() -> None:
    with Path("a.csv").open("wb") as opened:
        opened.write(b"x,y\n")
        opened.truncate(2**30)
    with pytest.raises(DataError, match=r"a\.csv: its rows would take 4\.0 GiB of memory"):
        read_frame("a.csv")


def test_a_parquet_file_is_refused_by_its_rows() -> None:
    """Equal values are stored once: ten million rows are a few kilobytes."""
    values = pa.array(np.zeros(10**7, np.int8)).dictionary_encode()
    parquet.write_table(pa.table({"x": values}), "a.parquet")
    assert Path("a.parquet").stat().st_size < 10**5
    with pytest.raises(DataError, match=r"a\.parquet: its rows would take"):
        read_frame("a.parquet")


KINDS = {
    "text": pa.string(), "long text": pa.large_string(), "bytes": pa.binary(),
    "category": pa.dictionary(pa.int32(), pa.string()), "width": pa.binary(2**20),
    "view": pa.string_view(), "long bytes": pa.large_binary(),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_parquet_file_is_refused_by_texts_that_it_stores_once(kind: pa.DataType) -> None:
    """One megabyte, fifty times: a hundred and more in memory, a few hundred bytes in the file."""
    text = pa.array(["x" * 2**20] * 50)
    table = pa.table(
        {
            "x": text.dictionary_encode()
            if pa.types.is_dictionary(kind)
            else text.cast(pa.binary()).cast(kind)
        }
    )
    parquet.write_table(table, "a.parquet", compression="zstd")
    assert Path("a.parquet").stat().st_size < 10**4
    with pytest.raises(DataError, match=r"a\.parquet: its rows would take"):
        read_frame("a.parquet")


def test_a_parquet_file_of_short_texts_is_read() -> None:
    given = pd.DataFrame({"x": ["a", None, "bc"] * 100, "y": [1.5, 2.5, 3.5] * 100})
    for frame in (given, given.astype({"x": "category"})):
        frame.to_parquet("a.parquet")
        assert read_frame("a.parquet")["x"].tolist()[2] == "bc"
        assert read_frame("a.parquet")["y"].equals(given["y"])


def test_a_parquet_file_of_other_types_is_read() -> None:
    columns = [pa.nulls(2), pa.array(["{}"] * 2, pa.json_()), pa.array([b"x" * 16] * 2, pa.uuid())]
    parquet.write_table(pa.table(dict(zip("abc", columns, strict=True))), "a.parquet")
    assert read_frame("a.parquet").shape == (2, 3)


def test_the_lists_of_a_parquet_file_are_not_read_and_still_named() -> None:
    """One row of ten million equal numbers, whose size no schema tells."""
    lists = pa.ListArray.from_arrays([0, 10**7, 10**7], pa.nulls(10**7, pa.int64()))
    columns = {"x": lists, "y": [1, 2], "z": [{"a": 1}, None]}
    parquet.write_table(pa.table(columns), "a.parquet", compression="zstd")
    found = read_frame("a.parquet")
    assert list(found) == ["x", "y", "z"]
    assert [len(each) for each in found["x"]] == [0, 0]
    assert found["z"].tolist() == [{}, {}]
    assert found["y"].tolist() == [1, 2]


@pytest.mark.parametrize("series", ["1:" * 30_000 + "a", ":" * 30_000])
def test_a_series_of_very_many_channels_is_refused_before_it_is_read(series: str) -> None:
    Path("a.ts").write_text("\n".join(["@classLabel true a b", "@data", series]))
    with pytest.raises(DataError, match=r"a\.ts: line 3: has more than 10,000 channels"):
        read_ts("a.ts")


@pytest.mark.parametrize("series", [["1:" * 9000 + "a"] * 30, ["1," * 700_000 + "1:a"]])
def test_series_are_refused_by_the_arrays_that_they_become(series: list[str]) -> None:
    """Both files are below a sixteenth of the memory, which was the rule by their size alone."""
    Path("a.ts").write_text("\n".join(["@classLabel true a b", "@data", *series]))
    assert Path("a.ts").stat().st_size * 8 < FREE / 2
    with pytest.raises(DataError, match=r"a\.ts: its series would take"):
        read_ts("a.ts")


def png(width: int, height: int) -> bytes:
    """A PNG that claims to be so large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def images(content: bytes) -> dict[str, Any]:
    for name in ("a", "b"):
        folder = Path("images", name)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(9):
            (folder / f"{number}.png").write_bytes(content)
    return {**DATASETS["images"].defaults(), "path": "images"}


def test_an_image_is_refused_by_the_size_in_its_header() -> None:
    given = images(png(60_000, 60_000))
    with pytest.raises(DataError, match="is too large an image"):
        check_folder(**given)
    with pytest.raises(DataError, match="is too large an image"):
        decode(Path("images/a/0.png"), Look(8, "gray", "white"))


def test_an_image_that_pillow_would_open_is_set_against_the_memory() -> None:
    with pytest.raises(DataError, match=r"0\.png: an image of 4,000 × 3,000 pixels would take 183"):
        check_folder(**images(png(4_000, 3_000)))


def test_images_are_refused_by_the_size_that_they_are_resized_to() -> None:
    with pytest.raises(DataError, match=r"data\.size: 10000, with 18 images"):
        check_folder(**{**images(png(4, 4)), "size": 10_000})


def test_one_long_series_makes_all_others_as_long() -> None:
    series = ["@univariate true", "@classLabel true a b", "@data", ",".join(["1"] * 20_000) + ":a"]
    Path("a.ts").write_text("\n".join(series + ["1:a", "1:b"] * 1000))
    row = DATASETS["sequences"]
    assert row.check is not None
    with pytest.raises(DataError, match=r"as long as the longest \(20,000 steps\), would take"):
        row.check(**{**row.defaults(), "path": "a.ts"})


def test_one_long_text_makes_all_others_as_long() -> None:
    with pytest.raises(DataError, match=r"2 texts, as long as the longest \(10,000,000 tokens\)"):
        padded([[1], [2]], 10**7)


def test_categories_are_refused_by_the_columns_that_they_become() -> None:
    names = [f"n{number}" for number in range(3000)]
    columns = {f"c{place}": names for place in range(50)}
    pd.DataFrame({**columns, "y": ["a", "b"] * 1500}).to_csv("a.csv", index=False)
    row = DATASETS["table"]
    assert row.check is not None
    given = {**row.defaults(), "path": "a.csv", "target": "y", "categorical": [*columns]}
    with pytest.raises(DataError) as caught:
        row.check(**given)
    assert str(caught.value).startswith(
        "a.csv: 1,800 rows of 5,000 numbers (unless categories: embedding, each level is one) "
        "would take 34.3 MiB of memory, more than half of the "
    )
    assert row.check(**{**given, "categories": "embedding"}).rows["train"] == 1800


@pytest.mark.parametrize("path", ["/dev/zero", "x" * 5000, "x/" * 3000])
def test_a_path_that_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(DataError):
        file_at(path)
