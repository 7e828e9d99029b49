"""Characters drawn by our own code, for the demonstration, the tests and training."""

from inference.drawing.cast import DrawnCharacter, Look, draw_cast
from inference.drawing.figure import Style
from inference.drawing.scene import Drawing, DrawnFace, draw_group, draw_portrait

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
