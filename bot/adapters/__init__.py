"""One package per chat platform: they translate in and out, nothing else."""
