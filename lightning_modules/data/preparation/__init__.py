"""Rows divided, targets numbered, new rows prepared as the old ones."""
