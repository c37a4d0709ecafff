"""Changes of training batches."""
