"""Studies: search, tracking, comparison and the command line."""
