"""Hashes of texts: short names for long ones, and numbers that depend on nothing else."""

from __future__ import annotations

from hashlib import sha256


def short_hash(text: str, digits: int = 16) -> str:
    """A text's SHA-256, cut to so many hexadecimal digits (64 at most)."""
    return sha256(text.encode()).hexdigest()[:digits]


def hash_number(text: str, size: int = 4) -> int:
    """A whole number of `size` bytes (32 at most), uniform over texts: at least 0, below
    256^size."""
    return int.from_bytes(sha256(text.encode()).digest()[:size], "big")
