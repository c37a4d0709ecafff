"""What the best networks of a study are good for: predict, promote, reproduce."""
