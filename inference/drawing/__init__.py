"""Characters drawn by our own code, for the demonstration, the tests and training."""
