"""Detector protocol and the runners behind it."""
