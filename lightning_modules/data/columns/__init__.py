"""The columns of a table: what their cells say, which kind they are, what networks see of them."""
