"""Offline work: datasets, training, evaluation, calibration. Never imported by the bot."""
