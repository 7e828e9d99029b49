"""A strict Discord of our own on loopback: gateway, REST interface and attachments over real sockets.

What Discord refuses, it refuses; what Discord silently ignores but no correct client sends (a field that does
not exist, say), it refuses too and keeps in `DiscordServer.errors`, which a test's end finds empty.
Limits cite Discord's documentation by the name of its page, for example (Message resource).
"""

import warnings

with warnings.catch_warnings():
    # discord.py imports audioop, which Python 3.11 calls deprecated and 3.13 has no more.
    warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
    import discord as discord
