"""A data set each: what is read, divided, prepared."""
