"""Series from files: a long table, an archive of numpy's, or the files of the UCR/UEA archive."""
