"""What the bot sends, checked field by field against the documented limits."""
