"""What a chat user or an operator meets: commands, words, adapters, the command line."""
