"""How the next configuration is proposed and a training is ended early: samplers and pruners."""
