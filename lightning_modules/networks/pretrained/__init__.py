"""Networks that start from weights in a file."""
