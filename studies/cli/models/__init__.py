"""Commands of `fairtune`: the networks of a study."""
