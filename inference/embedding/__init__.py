"""Embedder protocol, alignment and the runners behind it."""
