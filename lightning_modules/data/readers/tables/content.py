"""What a file is by its first bytes, whatever its name says, and how it can be read where it is no
table."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path

from lightning_modules.data.readers.unpacking import OPENERS
from lightning_modules.errors import DataError

HEAD = 2048
AS_CSV = "save the table as CSV or Parquet"
TEXTS = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".psv")
EXCEL, PARQUET, ARROW = (".xlsx", ".xlsm"), (".parquet", ".pq"), (".feather", ".arrow", ".ipc")
JSON, LINES = (".json",), (".jsonl", ".ndjson")
SQLITE, ARFF = (".sqlite", ".sqlite3", ".db"), (".arff",)
TYPED = (*EXCEL, *PARQUET, *ARROW, *JSON, *LINES, *SQLITE, *ARFF)
"""The endings of tables whose values have types; all others are texts."""
OLD_EXCEL = ("an old Excel file (.xls)", "save it as .xlsx or as CSV")
R_FILE = ("a file of R's", "write the table with write.csv(table, 'table.csv', row.names = FALSE)")
MATLAB = ("a file of MATLAB's", "write the table with writetable(table, 'table.csv')")
SPSS = ("a file of SPSS's", "export the table as CSV")
STATA = (
    "a file of Stata's",
    "write it with: export delimited table.csv, or with pandas.read_stata",
)
SAS = ("a file of SAS's", "export the table as CSV")
HDF5 = ("an HDF5 file", "write its table as Parquet with pandas, or its arrays with numpy.savez")
PICKLE = (
    "a pickle of Python's, which may run code when it is read and is not opened",
    "write the table with frame.to_parquet('table.parquet')",
)
ARRAYS = ("an array of numpy's", "write data: {name: arrays, path: ...}")
OPEN_DOCUMENT = ("an OpenDocument file", "save the sheet as .xlsx or as CSV")
PICTURE = ("a picture", "name a table, or write data: {name: images, path: FOLDER}")
PAGE = (
    "an HTML page, as servers answer in place of a file",
    "fetch the file again and look at it",
)

NOT_READ: tuple[tuple[bytes, tuple[str, str]], ...] = (
    (b"\xd0\xcf\x11\xe0", OLD_EXCEL), (b"\x93NUMPY", ARRAYS), (b"RDX", R_FILE), (b"RDA", R_FILE),
    (b"MATLAB 5.0", MATLAB), (b"$FL2", SPSS), (b"$FL3", SPSS), (b"<stata_dta>", STATA),
    (b"HEADER RECORD*******", SAS), (b"\x89HDF", HDF5), (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE), (b"GIF8", PICTURE),
    (b"%PDF", ("a PDF document", "copy the table out of it into a CSV file")),
    (b"version https://git-lfs", ("a pointer of Git LFS, not the file", "run: git lfs pull")),
    (b"Rar!", ("a RAR archive", "unpack it")), (b"7z\xbc\xaf", ("a 7-Zip archive", "unpack it")),
    (b"FEA1", ("a Feather file of the first version", "write it again with a newer pyarrow")),
    *((b"\x80" + bytes([version]), PICKLE) for version in range(2, 6)),
)  # fmt: skip
"""First bytes of files that hold no table that is read: what they are, and the way out."""
NOT_READ_NAMES = {
    ".xls": OLD_EXCEL, ".xlsb": ("a binary Excel file", "save it as .xlsx or as CSV"),
    ".rds": R_FILE, ".rda": R_FILE, ".rdata": R_FILE, ".mat": MATLAB, ".sav": SPSS, ".zsav": SPSS,
    ".dta": STATA, ".sas7bdat": SAS, ".xpt": SAS, ".h5": HDF5, ".hdf5": HDF5, ".pkl": PICKLE,
    ".pickle": PICKLE, ".joblib": PICKLE, ".ods": OPEN_DOCUMENT, ".npy": ARRAYS, ".npz": ARRAYS,
    ".pdf": ("a PDF document", "copy the table out of it into a CSV file"),
    ".html": PAGE, ".htm": PAGE, ".docx": ("a Word document", AS_CSV),
    ".doc": ("a Word document", AS_CSV),
}  # fmt: skip
OTHERWISE: tuple[tuple[bytes, str, tuple[str, ...]], ...] = (
    (b"PAR1", "a Parquet file", PARQUET), (b"ARROW1", "an Arrow file", ARROW),
    (b"SQLite format 3\0", "an SQLite database", SQLITE),
    (b"\x1f\x8b", "packed with gzip", (".csv.gz", ".gz")),
    (b"BZh", "packed with bzip2", (".csv.bz2", ".bz2")),
    (b"\xfd7zXZ", "packed with xz", (".csv.xz", ".xz")),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", (".csv.zst", ".zst")),
)  # fmt: skip
"""First bytes of files that are read where their name says so: what they are, and its endings."""


def ending_of(path: str | Path) -> str:
    """What the name of a file ends with, without that of a packer."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    while suffixes and suffixes[-1] in OPENERS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def refuse_other_content(file: Path, path: str) -> None:
    """Raise DataError where a file is no table that is read, or not what its name says."""
    with file.open("rb") as opened:
        head = opened.read(HEAD)
    ending, packer = ending_of(path), file.suffix.lower()
    for what, way_out in _not_read(head):
        raise DataError(f"{path}: is {what}; {way_out}")
    if ending in NOT_READ_NAMES:
        what, way_out = NOT_READ_NAMES[ending]
        if _is_text(head):
            raise DataError(
                f"{path}: holds text, though its name is that of {what}; rename it so that it ends "
                "in .csv"
            )
        raise DataError(f"{path}: is {what}; {way_out}")
    for begins, what, endings in OTHERWISE:
        if head.startswith(begins) and not {ending, packer} & {*endings}:
            raise DataError(
                f"{path}: is {what}, and its name does not say so; rename it so that it ends in "
                f"{endings[0]}"
            )
    if head.startswith(b"PK\x03\x04"):
        _refuse_archive(file, path, ending)


def _not_read(head: bytes) -> list[tuple[str, str]]:
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype html", b"<html")):
        return [PAGE]
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml"):
        return [("an XML file", AS_CSV)]
    return [found for begins, found in NOT_READ if head.startswith(begins)]


def _refuse_archive(file: Path, path: str, ending: str) -> None:
    names: list[str] = []
    with suppress(zipfile.BadZipFile, OSError), zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    is_excel = "xl/workbook.xml" in names
    if is_excel and ending not in EXCEL:
        raise DataError(
            f"{path}: is an Excel file, and its name does not say so; rename it so that it ends in "
            ".xlsx"
        )
    others = (("word/document.xml", "a Word document"), ("content.xml", OPEN_DOCUMENT[0]))
    for member, what in others:
        if member in names:
            raise DataError(f"{path}: is {what}; save the table as .xlsx or as CSV")
    if any(name.endswith(".npy") for name in names):
        raise DataError(f"{path}: is {ARRAYS[0]}; {ARRAYS[1]}")
    if ending not in EXCEL and not is_excel and file.suffix.lower() != ".zip":
        raise DataError(
            f"{path}: is a ZIP archive, and its name does not say so; unpack it, or rename it so "
            "that it ends in .csv.zip"
        )


def _is_text(head: bytes) -> bool:
    """Whether the first bytes are those of a text in UTF-8 or a code of single bytes."""
    return not any(byte < 9 or 13 < byte < 32 for byte in head)
