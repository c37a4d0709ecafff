"""What a study reads and runs: its files, weights, packages and machine."""
