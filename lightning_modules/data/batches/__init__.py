"""Batches of a part of the data: their rows, the processes that decode them, the device."""
