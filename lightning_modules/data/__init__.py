"""The data sets that a study file can name, as batches of tensors."""
