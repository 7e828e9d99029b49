"""The `openvino` library without its converter; the only `import openvino`.

Importing it imports the converter too, which takes as long again and tells its maker over the network
that it was imported. A bot that people host themselves does no such thing, so the converter is kept out.
"""

import sys
from typing import Any

# What `None` stands for cannot be imported, which the library is prepared for.
_modules: dict[str, Any] = sys.modules
_modules.setdefault("openvino.tools.ovc", None)
_modules.setdefault("openvino_telemetry", None)

import openvino as ov  # noqa: E402
from openvino import opset13  # noqa: E402

__all__ = ["opset13", "ov"]
