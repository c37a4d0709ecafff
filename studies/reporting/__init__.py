"""A study as one document: HTML, Markdown, CSV."""
