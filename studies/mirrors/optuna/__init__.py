"""Optuna's storage as a mirror of the record."""
