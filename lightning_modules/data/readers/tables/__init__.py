"""Tables from files of any kind that people have, with every mistake named by its line."""
