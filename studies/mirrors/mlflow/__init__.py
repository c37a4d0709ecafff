"""MLflow as a mirror of the record."""
