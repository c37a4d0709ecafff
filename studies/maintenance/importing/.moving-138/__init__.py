"""Records made from what fairtune wrote elsewhere: homes of before, and Optuna storages."""
