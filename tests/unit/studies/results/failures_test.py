"""Why trials failed, counted."""

import pytest

from studies.results.failures import alike, counted


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("ValueError: lr 0.3 is too large", "ValueError: lr 1e-05 is too large", True),
        ("No such file: '/tmp/a/x.csv'", "No such file: '/home/me/b.csv'", True),
        ("killed after -3 s at 0x7f3a", "killed after 12 s at 0xbeef", True),
        ("MemoryError (3 attempts)", "MemoryError (2 attempts)", True),
        ("shape (3, 4)", "shape (10, 20)", True),
        ("shapes 32x10 and 20x5", "shapes 64x12 and 8x5", True),
        ("expected float32", "expected float64", False),
        ("KeyError: 'a'", "KeyError: 'b'", False),
        ("ValueError: no", "TypeError: no", False),
    ],
)
def test_failures_are_alike_up_to_numbers_and_paths(one: str, other: str, equal: bool) -> None:
    assert (alike(one) == alike(other)) is equal


def test_different_failures_are_counted_apart() -> None:
    reasons = ["KeyError: 'a'", "bad lr 0.1", "bad lr 0.2", "bad lr 0.3", "KeyError: 'a'"]
    assert counted(reasons) == "3 × bad lr 0.1; 2 × KeyError: 'a'"
    assert counted(reasons[1:4]) == "bad lr 0.1"
    assert counted(["", "x"]) == "1 × without a reason; 1 × x"
    assert counted([]) == ""


def test_many_kinds_of_failures_are_summed_up() -> None:
    said = counted([f"KeyError: '{name}'" for name in "aabcdefg"])
    assert said.startswith("2 × KeyError: 'a'; 1 × KeyError: 'b'; ")
    assert said.endswith("; 2 × something else") and said.count("×") == 6
