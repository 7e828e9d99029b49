"""The console's pages as its menu lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu."""

    name: str
    """The page says that it is this one: `{% set current = "gallery" %}`; its label is `web-nav-<name>`."""
    path: str
    icon: str
    """A symbol of `templates/icons.svg`."""
    of_gallery: bool = True
    """Whether the path goes behind that of the gallery that is being looked at."""
    in_bar: bool = False
    """Whether it has a place in the bar at the bottom of a phone; there are three beside "more"."""


NAVIGATION: tuple[Entry, ...] = (
    Entry("identify", "/identify", "search", in_bar=True),
    Entry("gallery", "/characters", "grid", in_bar=True),
    Entry("reviews", "/reviews", "inbox", of_gallery=False, in_bar=True),
    Entry("attention", "/attention", "flag"),
    Entry("map", "/map", "map"),
    Entry("statistics", "/statistics", "bars"),
    Entry("files", "/files", "download"),
    Entry("history", "/history", "clock"),
    Entry("settings", "/settings", "sliders", of_gallery=False),
    Entry("health", "/health", "pulse", of_gallery=False),
)
