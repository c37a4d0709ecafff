"""The mirrors: Optuna's storage and MLflow, brought up to the record by a process of their own.

Nothing that happens here can slow, stop or harm training: the record is complete without them.
"""
