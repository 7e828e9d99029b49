"""What each chat command does: one module per command or small group of them."""
