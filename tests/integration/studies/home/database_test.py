"""SQLite's own locks, which a second look at a file in use must not drop."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from studies.home import database

READ = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
print(database.execute("select count(*) from points").fetchone()[0])
database.close()
"""


def create(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("create table points (step)")


def rows_seen_by_another_process(path: Path) -> int:
    argv = [sys.executable, "-c", READ, str(path)]
    return int(subprocess.run(argv, capture_output=True, check=True, text=True).stdout)


def test_copies_of_the_same_second_are_two(tmp_path: Path) -> None:
    path = tmp_path / "points.db"
    create(path)
    copies = []
    for step in range(3):
        copies.append(database.back_up(path))
        with closing(sqlite3.connect(path)) as writer, writer:
            writer.execute("insert into points values (?)", [step])
    assert [rows_seen_by_another_process(copy) for copy in copies] == [0, 1, 2]


def test_another_process_leaves_the_log_of_a_database_that_was_prepared_twice(
    tmp_path: Path,
) -> None:
    path = tmp_path / "points.db"
    database.prepare(path, create)
    with closing(sqlite3.connect(path)) as writer, writer:
        for step in (1, 2):
            writer.execute("insert into points values (?)", [step])
            writer.commit()
            database.prepare(path, create)
            assert rows_seen_by_another_process(path) == step
