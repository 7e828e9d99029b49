"""Gallery protocol and its implementations."""
