"""A strict Telegram Bot API server of our own on loopback: methods, files, long polling and webhooks.

What Telegram refuses, it refuses; what Telegram silently ignores but no correct client sends (a parameter
that does not exist, say), it refuses too and keeps in `TelegramServer.errors`, empty at a test's end.
Descriptions of refusals are Telegram's own words. Which methods, parameters and fields there are is not our
reading of the documentation but aiogram's, whose types are generated from it.
"""

import os

# python-telegram-bot's future: durations are timedeltas. Without it every 429 warns, and warnings are errors.
os.environ.setdefault("PTB_TIMEDELTA", "true")
