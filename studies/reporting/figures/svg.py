"""From a figure to SVG text that stands in a page, and to files that stand alone.

Neither has a network reference, a date or a random name: equal records give equal bytes. In a page
colours are variables of it, so that the figure follows the page into the dark; a file is light.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pandas as pd

from studies.reporting.figures.common import Picture
from studies.reporting.figures.specification import Specification, specification
from studies.reporting.figures.theme import themed
from studies.reporting.palette import LIGHT, PAPER

WIDTH = 860
"""Pixels of a figure over all of a page; the page may scale it."""
SVG = "http://www.w3.org/2000/svg"
TEXT, ROOM = 12, 1.15
"""Pixels of the text on axes, and how much wider than where it is measured it may be in a page's
font: so much room it has."""
SHARPNESS = 2
"""Pixels of a PNG for each of the figure."""
UNUSED = {"class", "role", "pointer-events", "font-family", "version"}
"""Attributes that nothing in the page needs; its own font is set for all of it."""
NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def variable(colour: str) -> str:
    """The page's variable for a colour of the palette."""
    return f"--{colour.replace('_', '-')}"


COLOURS = {colour: f"var({variable(colour)})" for colour in LIGHT}


def _config(ink: str, faint: str, line: str, page: str | None, size: float) -> dict[str, Any]:
    written = {
        "labelColor": ink,
        "titleColor": ink,
        "labelFontSize": size,
        "titleFontSize": size,
        "titleFontWeight": "normal",
    }
    return {
        "background": page,
        "view": {"stroke": None},
        "axis": {**written, "domainColor": faint, "tickColor": faint, "gridColor": line},
        "legend": written,
        "header": written,
        "text": {"color": ink},
    }


IN_PAGE = _config("var(--ink)", "var(--faint)", "var(--line)", None, TEXT * ROOM)
IN_FILE = _config(size=TEXT, **PAPER)


def svg(picture: Picture, name: str, title: str, description: str, *, width: int = WIDTH) -> str:
    """A picture as an SVG element; `name` is the figure's, once on a page.

    Those who do not see it are told the title and the description. `width`: pixels with its axes.
    """
    import vl_convert  # large, and only a report needs it

    spec = _complete(specification(picture), IN_PAGE, COLOURS, width)
    text = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    root = ElementTree.fromstring(text)
    _strip(root)
    _rename(root, name)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    _describe(root, name, title, description)
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")


def svg_file(drawn: Specification, title: str, description: str) -> str:
    """A figure as an SVG file in the light colours; its title and description are told."""
    import vl_convert

    spec = _complete(drawn, IN_FILE, LIGHT)
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    _describe(root, "figure", title, description)
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")


def png_file(drawn: Specification) -> bytes:
    """A figure as a PNG file in the light colours."""
    import vl_convert

    spec = _complete(drawn, IN_FILE, LIGHT)
    return vl_convert.vegalite_to_png(spec, scale=SHARPNESS, allowed_base_urls=[])


def _complete(
    drawn: Specification,
    config: Mapping[str, Any],
    colours: Mapping[str, str],
    width: int = WIDTH,
) -> dict[str, Any]:
    """A specification with all that a converter needs; several pictures keep their own widths."""
    spec = {
        **themed({**drawn.spec, "config": config}, colours),
        "datasets": {table: _records(data) for table, data in drawn.tables.items()},
    }
    if "facet" not in spec:
        spec |= {"width": width, "autosize": {"type": "fit", "contains": "padding"}}
    complete: dict[str, Any] = _in_xml(spec)
    return complete


def _records(data: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as JSON has them: what is no finite number is null."""
    found: list[dict[str, object]] = json.loads(data.to_json(orient="records", double_precision=15))
    return found


def _in_xml(value: Any) -> Any:
    """A part of a specification without characters that no XML can hold: the converter would end
    the whole process at one."""
    if isinstance(value, str):
        return NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, Mapping):
        return {_in_xml(key): _in_xml(part) for key, part in value.items()}
    return [_in_xml(part) for part in value] if isinstance(value, list | tuple) else value


def _strip(element: Element) -> None:
    """Take out what is not seen: in a static picture most of the text of an SVG by Vega."""
    for attribute in list(element.attrib):
        if attribute in UNUSED or attribute.startswith("aria-"):
            del element.attrib[attribute]
    if element.get("opacity") == "1":
        del element.attrib["opacity"]
    if size := element.get("font-size"):
        element.set("font-size", f"{float(size.removesuffix('px')) / ROOM:g}px")
    kept: list[Element] = []
    for child in element:
        _strip(child)
        if _is_seen(child):
            bare = child.tag == f"{{{SVG}}}g" and not child.attrib
            kept += list(child) if bare else [child]
    element[:] = kept


def _is_seen(element: Element) -> bool:
    if element.tag == f"{{{SVG}}}g":
        return len(element) > 0
    if element.tag == f"{{{SVG}}}path":
        return element.get("display") != "none" and any(
            element.get(paint, "none") != "none" for paint in ("fill", "stroke")
        )
    return True


def _rename(root: Element, name: str) -> None:
    """Names within the SVG begin with that of the figure: a page has several figures, and Vega
    counts through all that it drew before."""
    found = [each for each in root.iter() if "id" in each.attrib]
    names = {each.attrib["id"]: f"{name}-{index}" for index, each in enumerate(found)}
    for each in root.iter():
        for attribute, value in each.attrib.items():
            if attribute == "id":
                each.set(attribute, names[value])
            elif value.startswith("url(#"):
                each.set(attribute, f"url(#{names[value[5:-1]]})")


def _describe(root: Element, name: str, title: str, description: str) -> None:
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for index, (kind, said) in enumerate((("title", title), ("desc", description))):
        part = Element(f"{{{SVG}}}{kind}", id=f"{name}-{kind}")
        part.text = said
        root.insert(index, part)
