"""Commands of `fairtune`: what a study found."""
