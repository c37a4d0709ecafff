"""Commands of `fairtune`: study files before they run."""
