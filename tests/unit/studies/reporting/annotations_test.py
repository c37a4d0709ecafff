"""What people have written stands in reports and tables, as text."""

import csv
import io
import re
from dataclasses import replace

from studies.records import Annotation
from studies.reporting.render import render
from studies.results import StudyResults
from tests.support.made import OPTIMIZERS, searched, spec_of, study

HOSTILE = "<script>alert('x')</script> **bold** | https://example.org =1+1"


def written(note: str, tag: str) -> StudyResults:
    """A study with a note and a tag, and a trial with them."""
    spec = spec_of(OPTIMIZERS)
    first, *others = searched(spec, {"sgd": 0.93, "momentum": 0.97, "adam": 0.98})
    said = Annotation(note, {"team": tag})
    return replace(study(spec, [replace(first, annotation=said), *others]), annotation=said)


def test_the_page_has_them_as_text() -> None:
    page = render(written(f"first line\n{HOSTILE}", HOSTILE), "html")
    assert "<script" not in page.partition("<body>")[2]
    assert page.count("&lt;script&gt;") == 4  # of the study and of the trial, note and tag
    assert '<p class="written">first line\n' in page
    assert "<h2>Notes and tags of trials</h2>" in page


def test_markdown_has_them_as_text() -> None:
    page = render(written(f"first line\n{HOSTILE}", "a"), "md")
    assert "first line  \n\\<script\\>" in page
    assert "\n- team = a\n" in page
    assert "## Notes and tags of trials" in page
    assert not re.search(r"https://|(?<!\\)\*\*bold", page)


def test_the_table_has_a_column_for_notes_and_one_for_every_tag() -> None:
    rows = list(csv.DictReader(io.StringIO(render(written("=1+1", "=2"), "csv"))))
    assert (rows[0]["note"], rows[0]["tag/team"]) == ("'=1+1", "'=2")
    assert {row["note"] for row in rows[1:]} == {""}


def test_a_report_without_them_has_no_place_for_them() -> None:
    spec = spec_of(OPTIMIZERS)
    found = study(spec, searched(spec, {"sgd": 0.93, "momentum": 0.97, "adam": 0.98}))
    page = render(found, "html")
    assert '<p class="written">' not in page and "Notes and tags" not in page
    assert "Notes and tags" not in render(found, "md")
