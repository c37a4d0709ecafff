"""Commands of `fairtune`: the home as a whole."""
