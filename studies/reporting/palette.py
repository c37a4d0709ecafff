"""Every colour of a figure, by what it means: the only place that has colours.

Dashboard and report draw with the same names, on light pages and on dark ones.
"""

from collections.abc import Mapping

ARMS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A")
"""Okabe and Ito's, told apart by colour-blind people, without black and yellow, which are lost on
a dark or a light page; the place of an arm in the study file decides, and they come again."""

LIGHT: Mapping[str, str] = {
    **{f"arm_{index}": colour for index, colour in enumerate(ARMS)},
    # what belongs to no arm
    "neutral": "#8A8A8A",
    "accent": "#0072B2",
    "chance": "#D55E00",
    "best_epoch": "#E69F00",
    "reference": "#333333",
    "point_edge": "#555555",
    "bar_edge": "#88888855",
    # parts of the data, and what else a training logs
    "training": "#8A8A8A",
    "validation": "#0072B2",
    "test": "#009E73",
    "logged": "#0072B2",
    # how a trial ended: calm for what is meant to happen, warm for what is not
    "completed": "#5B8FB9",
    "pruned": "#B9CBDD",
    "diverged": "#D55E00",
    "out_of_memory": "#A63D00",
    "timeout": "#F0A35E",
    "error": "#7A1F1F",
    "crashed": "#4A1010",
    "interrupted": "#9A9A9A",
    "running": "#009E73",
    # the verdict on a pair, and the text on it
    "better": "#56B4E9",
    "worse": "#E69F00",
    "undecided": "#88888822",
    "no_verdict": "#88888811",
    "cell_edge": "#88888866",
    "on_verdict": "#111111",
    # from the worst value to the best
    "standing_0": "#8FB3D9",
    "standing_1": "#C3B79C",
    "standing_2": "#E69F00",
    "standing_3": "#D55E00",
}
"""On a light page."""

DARK: Mapping[str, str] = {
    **LIGHT,
    "arm_0": "#7A8CFF",
    "arm_1": "#F08A4B",
    "arm_2": "#3CC79F",
    "arm_6": "#B0B3B6",
    "reference": "#CCCCCC",
}
"""On a dark page."""
