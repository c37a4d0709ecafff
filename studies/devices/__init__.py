"""The GPUs of this machine: which there are, and what a training takes of one."""
