"""The head of a table: which of its first rows are titles, names of columns and units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lightning_modules.data.columns.cells import says_missing
from lightning_modules.data.readers.tables.separators import is_number, width_of
from lightning_modules.data.readers.tables.source import Record
from lightning_modules.errors import DataError

MOST_TITLES = 20
ENOUGH = 2
"""Rows below a row of units that must have numbers in its place."""
UNNAMED = "Unnamed: {}"
ROW_NAMES = "rownames"
SHOWN = 3
KINDS = {"c", "d", "s", "t", "continuous", "discrete", "string", "time"}
ROLES = {"class", "meta", "ignore", "weight", "m", "i", "w"}
"""What Orange writes below the names of columns."""


@dataclass(frozen=True)
class Heading:
    """What stands above the rows of a table."""

    names: tuple[str, ...]
    """Of the columns; one that has none is called by its place."""
    last: int
    """The line above the first row; 0 where there is none. Names may take several lines."""
    notices: tuple[str, ...] = ()
    trailing: bool = False
    """Whether every row ends with a separator, behind which nothing stands."""


def heading_of(
    rows: Sequence[Record], header: bool | None, explicit: bool, path: str, *, named: bool = False
) -> Heading:
    """The head of a table by its first rows.

    `header` is whether a row names the columns, None where that is not said; `explicit` that the
    file's lines are listed that are no rows, so that no others are skipped; `named` that the first
    column may have no name, as R writes. Raises DataError where the first row seems to be data.
    """
    width = width_of(rows)
    titles = 0 if explicit else _titles(rows, width)
    notices = [f"{_line(row)} is a title and is not read" for row in rows[:titles]]
    rest = rows[titles:]
    if not rest:
        raise DataError(f"{path}: has no rows; write the data below its header")
    if header is False:
        names = [str(place + 1) for place in range(width)]
        return Heading(tuple(names), rest[0][0] - 1, tuple(notices))
    (line, names), body = rest[0], rest[1:]
    if header is None:
        _refuse_data(line, names, body, path)
    cells, trailing = [*names], False
    if len(names) == width - 1 and body:
        if all(not row[-1] for _, row in body if len(row) == width):
            cells, trailing = [*names, ""], True
        elif named:
            cells = [ROW_NAMES, *names]
            notices.append(
                f"{_line(rest[0])} has a name less than there are columns; the first one is called "
                f"{ROW_NAMES}"
            )
    if cells[-1] == "" and body and all(not row[-1] for _, row in body if len(row) == len(cells)):
        trailing = True
    if not explicit and _are_kinds_and_roles(body):
        notices.append(
            f"{_line(body[0])} and {_line(body[1])} say kinds and roles of columns, as Orange "
            "writes them, and are not read"
        )
        body = body[2:]
    elif not explicit and body and _is_units(body):
        notices.append(f"{_line(body[0])} says units and is not read")
        body = body[1:]
    refuse_twins(cells, path)
    called = tuple(name or _unnamed(place, cells) for place, name in enumerate(cells))
    if not body:
        raise DataError(f"{path}: has no rows; write the data below its header")
    return Heading(called, body[0][0] - 1, tuple(notices), trailing)


def _unnamed(place: int, names: Sequence[str]) -> str:
    """What a column without a name is called, as pandas does and no other one is."""
    name = UNNAMED.format(place)
    while name in names:
        name += ".1"
    return name


def is_named(name: str) -> bool:
    """Whether a column has a name in the file."""
    return not name.startswith(UNNAMED.partition("{")[0])


def _line(row: Record) -> str:
    number, cells = row
    some = [repr(cell) for cell in cells if cell]
    more = ", ..." if len(some) > SHOWN else ""
    return f"line {number} ({', '.join(some[:SHOWN])}{more})"


def _titles(rows: Sequence[Record], width: int) -> int:
    """How many of the first rows are above the names: they are shorter, or have one cell."""
    for place, (_, cells) in enumerate(rows[:MOST_TITLES]):
        filled = sum(bool(cell) for cell in cells)
        enough = filled > 1 or width == 1 or (filled == width - 1 and not cells[0])
        if enough and len(cells) >= width - 1 and (width > 2 or len(cells) == width):
            return place
    return 0


def _refuse_data(line: int, names: Sequence[str], body: Sequence[Record], path: str) -> None:
    """Raise DataError where what should name the columns has numbers where the rows have them."""
    places = _number_columns(body)
    over = [names[place] for place in places if place < len(names)]
    if not over or not all(is_number(name) or says_missing(name) for name in over):
        return
    numbers = [float(name) for name in over if _is_whole(name)]
    steps = {after - before for before, after in pairwise(numbers)}
    counted = len(numbers) == len(over) and len(steps) <= 1 and steps != {0}
    if counted and (len(over) > 2 or places[0] > 0):
        return  # columns that are counted, or years
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    raise DataError(
        f"{path}: line {line} ({shown}, ...) looks like data and not like names of columns; write "
        "header: false, and they are called 1, 2, ..., or header: true where it names them"
    )


def _is_whole(text: str) -> bool:
    return text.isdigit() and (text == "0" or text[0] != "0")


def _number_columns(body: Sequence[Record]) -> list[int]:
    """The columns in which all of the rows have numbers, as far as they have something."""
    found = []
    for place in range(width_of(body)):
        cells = [cells[place] for _, cells in body if place < len(cells)]
        known = [cell for cell in cells if cell and not says_missing(cell)]
        if known and all(map(is_number, known)):
            found.append(place)
    return found


def _is_units(body: Sequence[Record]) -> bool:
    """Whether the first row says units: words where all of the rows below have numbers."""
    _, first = body[0]
    places = _number_columns(body[1:])
    if len(body) <= ENOUGH or not places or places[-1] >= len(first):
        return False
    over = [first[place] for place in places]
    words = [cell for cell in over if cell and not says_missing(cell)]
    bracketed = any(cell[0] + cell[-1] in ("()", "[]") for cell in words)
    return not any(map(is_number, words)) and (len(words) > 1 or bracketed)


def _are_kinds_and_roles(body: Sequence[Record]) -> bool:
    """Whether the first two rows say what Orange says of columns: the kinds of most, and the roles
    of those that are no inputs."""
    if len(body) <= ENOUGH:
        return False
    kinds, roles = ([cell.lower() for cell in cells] for _, cells in body[:2])
    known, given = [kind for kind in kinds if kind in KINDS], [role for role in roles if role]
    few = given and len(given) <= len(kinds) / 2 and ROLES.issuperset(given)
    return bool(few) and len(known) >= len(kinds) / 2


def refuse_twins(names: Sequence[str], path: str) -> None:
    """Raise DataError where two columns have the same name."""
    twins = [name for name, count in Counter(names).items() if count > 1 and name]
    if twins:
        raise DataError(
            f"{path}: {', '.join(f'column {name}' for name in twins[:5])} stands more than once in "
            "its header; rename or remove one"
        )
