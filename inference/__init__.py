"""What a face meets: decode, detect, align, embed, search, decide. No chat, no environment."""
