"""Markdown in which everything that a person wrote is text."""

import re

import pytest

from studies.sentences import markdown

LINK = re.compile(r"(?i)(https?|ftp)://|www\.|[\w.+-]+@[\w-]+\.")
"""What GitHub and Streamlit make a link of."""


@pytest.mark.parametrize(
    "text",
    ["http://evil.example/x", "see HTTPS://evil.example", "ftp://evil.example", "www.evil.example",
     "a@evil.example", "mailto:a@evil.example", "(www.evil.example)"],
)  # fmt: skip
def test_an_address_that_a_person_wrote_is_no_link(text: str) -> None:
    for shown in (markdown.escape(text), markdown.marked(text)):
        assert LINK.search(text) and not LINK.search(shown)
        assert shown.replace("\u2060", "").replace("\\", "") == text


def test_commands_stay_as_they_are() -> None:
    assert markdown.marked("run `open http://127.0.0.1:1`") == "run `open http://127.0.0.1:1`"
