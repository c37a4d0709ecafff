"""A study file to start from, for a file of data or for a script that trains."""
