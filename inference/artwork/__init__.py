"""Characters drawn by our own code, for the demonstration, the tests and training."""

from inference.artwork.cast import DrawnCharacter, Look, draw_cast
from inference.artwork.scene import Drawing, DrawnFace, Style, draw_group, draw_portrait

__all__ = [
    "Drawing",
    "DrawnCharacter",
    "DrawnFace",
    "Look",
    "Style",
    "draw_cast",
    "draw_group",
    "draw_portrait",
]
