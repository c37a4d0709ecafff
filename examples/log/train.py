"""A perceptron on points in a circle, as somebody wrote it: it prints, and knows no tuner."""

import math
import random
import sys

lr, width, seed, split, epochs = (float(word) for word in sys.argv[1:])
points = random.Random(int(split))
weights = random.Random(int(seed))


def row() -> tuple[list[float], int]:
    x, y = points.uniform(-1, 1), points.uniform(-1, 1)
    return [1.0, x, y], int(x * x + y * y < 0.6)


parts = [[row() for _ in range(count)] for count in (200, 200, 1000)]
hidden = [[weights.gauss(0, 1) for _ in range(3)] for _ in range(int(width))]
out = [0.0] * int(width)


def answer(x: list[float]) -> tuple[list[float], float]:
    units = [math.tanh(sum(w * v for w, v in zip(unit, x, strict=True))) for unit in hidden]
    score = sum(o * u for o, u in zip(out, units, strict=True))
    return units, 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def accuracy(rows: list[tuple[list[float], int]]) -> float:
    return sum((answer(x)[1] > 0.5) == y for x, y in rows) / len(rows)


for epoch in range(int(epochs)):
    weights.shuffle(parts[0])
    for x, y in parts[0]:
        units, share = answer(x)
        for place, unit in enumerate(units):
            slope = (share - y) * out[place] * (1 - unit * unit)
            out[place] -= lr * (share - y) * unit
            hidden[place] = [w - lr * slope * v for w, v in zip(hidden[place], x, strict=True)]
    print(f"Epoch {epoch}: train acc {accuracy(parts[0]):.1%}, val acc {accuracy(parts[1]):.1%}")
print(f"Done. Accuracy on the test part: {accuracy(parts[2]):.1%}")
