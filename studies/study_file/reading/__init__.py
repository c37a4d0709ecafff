"""From text or from a dictionary to plain values, within limits and with every place noted."""
