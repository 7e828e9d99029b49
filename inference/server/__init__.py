"""The inference core behind HTTP: what `python bot.py serve` runs."""
