"""Commands of `fairtune`: pages in a browser."""
