"""What a detector, an embedder or both are worth, in figures and as a report."""
