"""Discord, by discord.py."""

import warnings

with warnings.catch_warnings():
    # discord.py imports audioop, which Python 3.11 calls deprecated and 3.13 has no more.
    warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
    import discord as discord

# It would warn at each start of what only voice chats need.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
