"""Options, settings and logging. Imports nothing else of Dareda."""
