"""Programs of the user's: their processes, and how their words become epochs."""
