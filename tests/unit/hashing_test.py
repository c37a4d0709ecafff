"""Hashes are those of SHA-256, known from its specification (FIPS 180-4), cut to length."""

from lightning_modules.hashing import hash_number, short_hash

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_short_hash_is_the_beginning_of_the_digest() -> None:
    assert short_hash("abc", 64) == ABC
    assert short_hash("abc") == ABC[:16]
    assert short_hash("abc", 8) == ABC[:8]


def test_a_number_is_made_of_the_first_bytes() -> None:
    assert hash_number("abc") == int(ABC[:8], 16)
    assert hash_number("abc", 8) == int(ABC[:16], 16)
