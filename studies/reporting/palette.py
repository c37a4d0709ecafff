"""Every colour of a figure, by what it means: the only place that has colours.

Dashboard and report draw with the same names, on light pages and on dark ones. Every mark of data
has a contrast of at least 3:1 against its page (WCAG 2.2, 1.4.11), and every text one of at least
4.5:1 against what it stands on.

Arms are told apart by a colour and a dash or a shape. The colours of arms 1 to 5, which share both,
differ by at least 15.8 CIEDE2000 on light pages and 16.8 on dark ones, and so do those of arms 6 to
10, for normal sight and for protanopia, deuteranopia and tritanopia (Machado et al. 2009, severity
1.0); so do the colours of arms 1 to 6, which single trials have too. Those of the
outcomes differ by at least 14.1 on either page.
"""

from collections.abc import Mapping

ARMS = (
    ("#2256EE", "#358CF0"),
    ("#A1370E", "#E08962"),
    ("#016B53", "#287559"),
    ("#774172", "#C22E8F"),
    ("#A58448", "#F9D11A"),
    ("#3B99BA", "#54D8F2"),
    ("#F25C45", "#D86156"),
    ("#275119", "#B7E12C"),
    ("#5811C1", "#9766D4"),
    ("#8D8685", "#5C6A6D"),
)
"""On a light and on a dark page; the place of an arm in the study file decides, and they come again
with another dash and shape."""

PAPER: Mapping[str, str] = {
    "page": "#FFFFFF",
    "ink": "#1A1B1C",
    "faint": "#B5B6B7",
    "line": "#DCDEE0",
}
"""What is no data, in a figure that stands alone in a file."""

LIGHT: Mapping[str, str] = {
    **{f"arm_{index}": light for index, (light, _) in enumerate(ARMS)},
    # what belongs to no arm
    "neutral": "#6B6B6B",
    "accent": "#0072B2",
    "chance": "#C24E00",
    "reference": "#333333",
    "point_edge": "#333333",
    "bar_edge": "#FFFFFF",
    # parts of the data
    "training": "#8A5A00",
    "validation": "#0072B2",
    # how a trial ended: calm for what is meant to happen, warm for what is not
    "completed": "#1056AB",
    "pruned": "#8092A0",
    "diverged": "#A03600",
    "out_of_memory": "#501B11",
    "timeout": "#A48E1F",
    "error": "#F82D78",
    "crashed": "#3F1458",
    "interrupted": "#32383B",
    "running": "#0D8768",
    # the verdict on a pair, and the text on it
    "better": "#2A93D5",
    "worse": "#D07F00",
    "undecided": "#FFFFFF",
    "no_verdict": "#FFFFFF",
    "cell_edge": "#8A8A8A",
    "on_verdict": "#111111",
    # from the worst value to the best
    "standing_0": "#8496A8",
    "standing_1": "#9A8040",
    "standing_2": "#B85A10",
    "standing_3": "#8A2600",
}
"""On a light page."""

DARK: Mapping[str, str] = {
    **{f"arm_{index}": dark for index, (_, dark) in enumerate(ARMS)},
    "neutral": "#A6A6A6",
    "accent": "#56B4E9",
    "chance": "#F08A4B",
    "reference": "#CCCCCC",
    "point_edge": "#E8EAEC",
    "bar_edge": "#171614",
    "training": "#E6B04A",
    "validation": "#56B4E9",
    "completed": "#5AA4E4",
    "pruned": "#C5D8EC",
    "diverged": "#DE8A54",
    "out_of_memory": "#985626",
    "timeout": "#FDD263",
    "error": "#E32A75",
    "crashed": "#924AC1",
    "interrupted": "#7C848B",
    "running": "#79EBBB",
    "better": "#56B4E9",
    "worse": "#E69F00",
    "undecided": "#171614",
    "no_verdict": "#171614",
    "cell_edge": "#7A7A7A",
    "on_verdict": "#111111",
    "standing_0": "#66788A",
    "standing_1": "#A08A5A",
    "standing_2": "#E0913C",
    "standing_3": "#FFC46B",
}
"""On a dark page."""
