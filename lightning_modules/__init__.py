"""Neural networks, their parts and the one way to train them: torch and Lightning only."""
