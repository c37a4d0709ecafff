"""What is searched: ranges read from a file, the space that they make, the arms in it."""
