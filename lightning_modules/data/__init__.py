"""Data: real sets that come with the installed packages, split once and for all by seed."""
