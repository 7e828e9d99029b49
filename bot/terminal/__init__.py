"""The command line's commands: each takes parsed arguments and settings, prints, and returns an exit code."""
