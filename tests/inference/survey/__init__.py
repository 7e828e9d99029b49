"""Looking over a whole gallery."""
