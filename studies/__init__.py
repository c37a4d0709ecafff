"""Studies: search, records, mirrors, comparison and the command line."""
