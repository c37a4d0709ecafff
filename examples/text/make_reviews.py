"""Writes reviews.csv: 1,500 made-up reviews, each with the mood of the half that counts.

Made from templates, so they say nothing of how people write. What they test is order: a negation
turns an adjective around, and of two halves joined by "but" or "although" only one counts.
"""

from __future__ import annotations

import csv
import random

THINGS = [
    "plot",
    "music",
    "cast",
    "ending",
    "camera",
    "script",
    "dialogue",
    "pace",
    "scenery",
    "costumes",
]
GOOD = ["great", "charming", "clever", "moving", "funny", "bright", "lovely", "superb"]
BAD = ["awful", "boring", "clumsy", "dull", "flat", "tedious", "weak", "silly"]
PLAIN = ("the {} was {}", "i found the {} {}", "its {} felt {}", "we thought the {} {}")
NEGATED = ("the {} was not {}", "nobody found the {} {}", "its {} never felt {}")


def half(draw: random.Random, good: bool) -> str:
    """A clause of that mood; three in ten are negated."""
    negated = draw.random() < 0.3
    words = GOOD if good != negated else BAD
    return draw.choice(NEGATED if negated else PLAIN).format(
        draw.choice(THINGS), draw.choice(words)
    )


def review(draw: random.Random) -> tuple[str, str]:
    good = draw.random() < 0.5
    counts, other = half(draw, good), half(draw, not good)
    text = draw.choice([f"{other}, but {counts}", f"{counts}, although {other}"])
    return text, "good" if good else "bad"


def main() -> None:
    draw = random.Random(0)
    with open("reviews.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "mood"])
        writer.writerows(review(draw) for _ in range(1500))


if __name__ == "__main__":
    main()
