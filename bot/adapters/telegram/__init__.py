"""Telegram, by python-telegram-bot."""

import warnings

# Every flood limit and duration would tell of a type that a later version has, unless the environment of the
# process says that it is known.
warnings.filterwarnings("ignore", "Deprecated since version v22.2: In a future major version attribute")
