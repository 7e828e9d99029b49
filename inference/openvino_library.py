"""The `openvino` library without its converter; the only `import openvino`.

Importing it imports the converter too, which takes as long again and tells its maker over the network
that it was imported. A bot that people host themselves does no such thing, so the converter is kept out.
"""

import locale
import sys
import threading
from typing import Any

# What `None` stands for cannot be imported, which the library is prepared for.
_modules: dict[str, Any] = sys.modules
_modules.setdefault("openvino.tools.ovc", None)
_modules.setdefault("openvino_telemetry", None)

import openvino as ov  # noqa: E402
from openvino import opset13  # noqa: E402

__all__ = ["LOCALE_KEPT", "opset13", "ov"]


class _KeptLocale:
    """The process has the locale that it had before, once nobody is in the block any more.

    OpenVINO sets the C locale while it writes a network down to compare it with compiled ones, and then what
    there was. That is of the whole process: of two threads that do so at once, the second may find the C
    locale and leave it behind, and text from other programs is then taken for ASCII.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = ""

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = locale.setlocale(locale.LC_ALL)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                locale.setlocale(locale.LC_ALL, self._before)


LOCALE_KEPT = _KeptLocale()
