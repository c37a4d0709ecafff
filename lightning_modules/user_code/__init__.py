"""Classes of the user's own: found, checked, called."""
