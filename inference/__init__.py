"""What a face meets: decode, detect, align, embed, search, decide; and the gallery. No chat, no environment."""
