"""Every mark of every figure can be seen on its page, and arms can be told apart by everybody."""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import combinations
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
import vl_convert

from studies.records import Outcome
from studies.reporting import figures
from studies.reporting.figures.common import ALIKE, DASHES, SHAPES, Picture
from studies.reporting.figures.specification import specification
from studies.reporting.figures.svg import SVG, _complete
from studies.reporting.palette import ARMS, DARK, LIGHT
from tests.support.colours import BLINDNESS, contrast, difference, lab, laid_over, parsed
from tests.support.figures import every_figure

PAGES = {
    "light": (LIGHT, ("#FFFFFF",)),
    "dark": (DARK, ("#0E1117", "#171614", "#16181A")),
}
"""The colours and the pages of dashboard and report that they stand on."""
MARK, TEXT, FAINTEST, BUNDLE = 3.0, 4.5, 0.4, 200
NO_DATA = {"bar_edge", "undecided", "no_verdict", "on_verdict"}
"""The gap between bars, and cells without a verdict, which have an edge, and the text of others."""


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_of_colours_is_that_of_published_pairs(
    one: tuple[float, ...], other: tuple[float, ...], known: float
) -> None:
    assert difference(np.array(one), np.array(other)) == pytest.approx(known, abs=5e-5)


def test_contrast_and_lightness_are_those_of_known_colours() -> None:
    white, black, grey = (parsed(text) for text in ("#FFFFFF", "#000000", "#777777"))
    assert contrast(white, black) == pytest.approx(21)
    assert contrast(grey, white) == pytest.approx(4.48, abs=0.005)
    assert lab(parsed("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    for blindness in BLINDNESS:  # nobody sees a colour in what has none
        assert lab(white, blindness) == pytest.approx([100, 0, 0], abs=0.05)


@pytest.mark.parametrize("theme", PAGES)
def test_every_colour_of_data_has_contrast(theme: str) -> None:
    palette, pages = PAGES[theme]
    low = {
        name: found
        for name, colour in palette.items()
        if name not in NO_DATA
        and (found := min(contrast(parsed(colour), parsed(page)) for page in pages)) < MARK
    }
    assert low == {}


@pytest.mark.parametrize("theme", PAGES)
def test_texts_in_figures_have_contrast(theme: str) -> None:
    palette, pages = PAGES[theme]
    stands_on = [("on_verdict", palette[verdict]) for verdict in ("better", "worse")]
    stands_on += [("neutral", palette[cell]) for cell in ("undecided", "no_verdict")]
    stands_on += [(ink, page) for ink in ("neutral", "reference") for page in pages]
    for ink, ground in stands_on:
        assert contrast(parsed(palette[ink]), parsed(ground)) >= TEXT


def smallest(palette: dict[str, str], names: list[str]) -> float:
    """The smallest difference of two of these colours, for anybody."""
    seen = {name: [lab(parsed(palette[name]), kind) for kind in BLINDNESS] for name in names}
    return min(
        difference(one, other)
        for a, b in combinations(names, 2)
        for one, other in zip(seen[a], seen[b], strict=True)
    )


@pytest.mark.parametrize(("theme", "said"), [("light", 15.8), ("dark", 16.8)])
def test_arms_that_share_a_dash_differ_in_colour_as_the_palette_says(
    theme: str, said: float
) -> None:
    palette = dict(PAGES[theme][0])
    groups = [range(ALIKE), range(ALIKE, 2 * ALIKE), range(6)]
    found = [smallest(palette, [f"arm_{index}" for index in group]) for group in groups]
    assert said <= min(found) < said + 0.1
    assert smallest(palette, [str(o) for o in (*Outcome, "running")]) >= 14.1


def test_the_first_ten_arms_are_ten_pairs() -> None:
    assert len(ARMS) == 10 and len({light for light, _ in ARMS} | {dark for _, dark in ARMS}) == 20
    assert len(ARMS) == 2 * ALIKE
    assert len(set(DASHES)) == len(DASHES) == len(SHAPES) == len(set(SHAPES))


# --- what is drawn --------------------------------------------------------------------------------


@cache
def drawn() -> dict[str, Picture]:
    return every_figure()


def test_every_figure_is_among_those_that_are_looked_at() -> None:
    modules = pkgutil.walk_packages(figures.__path__, f"{figures.__name__}.")
    functions = {
        name
        for module in modules
        for name, _ in inspect.getmembers(import_module(module.name), inspect.isfunction)
        if name.startswith("draw_")
    }
    assert functions == {name.partition(",")[0] for name in drawn()}


def groups(element: Element) -> Iterator[list[Element]]:
    """The items of every mark of data."""
    for group in element.iter(f"{{{SVG}}}g"):
        kind = group.get("class", "")
        if "role-mark" in kind and "mark-group" not in kind and "mark-text" not in kind:
            yield [each for each in group.iter() if each.tag != f"{{{SVG}}}g"]


STAND_INS = {name: f"#{index + 1:06x}" for index, name in enumerate(LIGHT)}
"""A colour for each name, by which it is known again in what was drawn."""
NAMES = {colour: name for name, colour in STAND_INS.items()}


def seen(item: Element, palette: Mapping[str, str], page: str) -> float:
    """The best contrast of a mark's fill or edge, as they are laid over the page."""
    ground = parsed(page)
    found = [
        contrast(laid_over(parsed(palette[name]), opacity, ground), ground)
        for name, opacity in paints(item)
        if name in palette
    ]
    return max(found, default=MARK)


def paints(item: Element) -> Iterator[tuple[str, float]]:
    """The names and opacities of the colours of a mark; between two of them are other colours."""
    for kind in ("fill", "stroke"):
        colour = item.get(kind, "none")
        if colour not in ("none", "transparent"):
            opacity = float(item.get("opacity", 1)) * float(item.get(f"{kind}-opacity", 1))
            yield NAMES.get(colour, colour), opacity


def test_every_mark_that_is_drawn_can_be_seen() -> None:
    faint, met = [], set()
    for figure, picture in drawn().items():
        spec = _complete(specification(picture), {}, STAND_INS)
        root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
        for group in groups(root):
            items = [item for item in group if "d" in item.attrib and list(paints(item))]
            met |= {name for item in items for name, _ in paints(item)}
            opacity = min((o for item in items for _, o in paints(item)), default=1.0)
            if opacity < FAINTEST and len(items) <= BUNDLE:
                faint.append((figure, "opacity", opacity))
            for theme, (palette, pages) in PAGES.items():
                low = [seen(item, palette, page) for item in items for page in pages]
                if min(low, default=MARK) < MARK:
                    faint.append((figure, theme, min(low)))
    assert faint == []
    told = {str(outcome) for outcome in Outcome} | {f"arm_{index}" for index in range(6)}
    assert met >= told | {"better", "worse", "training", "validation", "accent", "chance"}
