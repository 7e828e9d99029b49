"""Moving pictures that chats know and the core does not: videos and TGS stickers, made WebP animations.

The same file always gives the same frames: corrections find a face again by its frame and box.
"""

from __future__ import annotations

import io
import json
import threading
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image
from thorvg_python.animation.lottie import LottieAnimation
from thorvg_python.base import Colorspace, Result
from thorvg_python.canvas.sw import SwCanvas
from thorvg_python.engine import Engine

from inference.domain import ImageRGB
from inference.errors import ImageTooLargeError, ImageUnreadableError, ImageUnsupportedError

SAMPLED_FRAMES = 8
_LONGEST_SIDE = 1_280
_MOST_PIXELS = 4_096 * 4_096  # of one frame
_DECODED_PIXELS = 1_500_000_000  # of all frames that are decoded to reach the sampled ones
_DEMUXERS = {b"ftyp": "mov", b"\x1a\x45\xdf\xa3": "matroska"}
_ACCEPTED = "MP4, WebM or TGS"

_MOST_LOTTIE_BYTES = 4 * 1024 * 1024  # unpacked; Telegram's own limit is 64 KB packed
_LOTTIE_SIDE = 512
# ThorVG has state of the process.
_drawing = threading.Lock()


def animation_of(data: bytes) -> bytes:
    """A WebP of at most SAMPLED_FRAMES frames, spread over an MP4, a WebM or a TGS (gzipped Lottie) file.

    At most 1,280 pixels wide and high, transparency laid on white. Raises ImageUnsupportedError,
    ImageUnreadableError, ImageTooLargeError and nothing else. Safe in any thread; takes seconds.
    """
    if data.startswith(b"\x1f\x8b"):
        frames, every_ms = _lottie_frames(data)
    else:
        frames, every_ms = _film_frames(data)
    return _as_webp(frames, every_ms)


def _as_webp(frames: Sequence[ImageRGB], every_ms: int) -> bytes:
    first, *others = (Image.fromarray(frame) for frame in frames)
    stream = io.BytesIO()
    if others:
        options = {"quality": 90, "method": 0}
        first.save(stream, "WEBP", save_all=True, append_images=others, duration=every_ms, **options)
    else:
        first.save(stream, "WEBP", quality=90, method=2)
    return stream.getvalue()


# ── videos ──────────────────────────────────────────────────────────────────────────────────────


def _film_frames(data: bytes) -> tuple[list[ImageRGB], int]:
    """The sampled frames, and the milliseconds between them."""
    demuxer = _DEMUXERS.get(data[4:8]) or _DEMUXERS.get(data[:4])
    if demuxer is None:
        raise ImageUnsupportedError(found="another file", allowed=_ACCEPTED)
    try:
        with av.open(io.BytesIO(data), "r", format=demuxer) as container:
            if not container.streams.video:
                raise ImageUnsupportedError(found="a file without pictures", allowed=_ACCEPTED)
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            if stream.width * stream.height > _MOST_PIXELS:
                raise ImageTooLargeError(
                    what="pixels", actual=stream.width * stream.height, limit=_MOST_PIXELS
                )
            duration_s = Fraction(container.duration or 0, av.time_base)
            step_s = duration_s / SAMPLED_FRAMES
            frames = [_as_rgb(frame) for frame in _sampled(container, stream, step_s)]
    except (av.error.FFmpegError, ValueError, ArithmeticError, IndexError) as error:
        raise ImageUnreadableError(reason="the video is damaged") from error
    if not frames:
        raise ImageUnreadableError(reason="the video has no frames")
    return frames, max(int(step_s * 1_000), 20)


def _sampled(
    container: av.container.InputContainer, stream: VideoStream, step_s: Fraction
) -> Iterator[VideoFrame]:
    """The first frame at or after each step, as far as the budget of decoded pixels reaches."""
    wanted, left = 0, _DECODED_PIXELS
    for frame in _decoded(container, stream):
        left -= frame.width * frame.height
        at = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else Fraction(0)
        start = (stream.start_time or 0) * (stream.time_base or 0)
        if not wanted or at - start >= wanted * step_s:
            yield frame
            wanted += 1
            while step_s and at - start >= wanted * step_s and wanted < SAMPLED_FRAMES:
                wanted += 1
        if wanted >= SAMPLED_FRAMES or left <= 0:
            return


def _decoded(container: av.container.InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    if stream.metadata.get("alpha_mode") != "1":
        yield from container.decode(stream)
        return
    # FFmpeg's own VP8 and VP9 decoders leave transparency out.
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name, stream.codec_context.name)
    codec: Any = av.CodecContext.create(name, "r")
    for packet in container.demux(stream):
        yield from codec.decode(packet)


def _as_rgb(frame: VideoFrame) -> ImageRGB:
    scale = min(1.0, _LONGEST_SIDE / max(frame.width, frame.height))
    wide, high = max(round(frame.width * scale), 1), max(round(frame.height * scale), 1)
    pixels = frame.reformat(wide, high, "rgba").to_ndarray().astype(np.uint8, copy=False)
    turned = np.rot90(pixels, k=(frame.rotation // 90) % 4) if frame.rotation else pixels
    return _on_white(turned)


def _on_white(rgba: np.ndarray[Any, np.dtype[np.uint8]]) -> ImageRGB:
    alpha = rgba[..., 3:].astype(np.uint16)
    if (alpha == 255).all():
        return np.ascontiguousarray(rgba[..., :3])
    blended = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return np.ascontiguousarray(blended.astype(np.uint8))


# ── TGS ─────────────────────────────────────────────────────────────────────────────────────────


def _lottie_frames(data: bytes) -> tuple[list[ImageRGB], int]:
    """The sampled frames, and the milliseconds between them."""
    source = _safe_lottie(data)
    with _drawing, Engine(threads=0) as engine:
        canvas = SwCanvas(engine)
        canvas.set_target(_LOTTIE_SIDE, _LOTTIE_SIDE, cs=Colorspace.ABGR8888S)
        animation = LottieAnimation(engine)
        picture = animation.get_picture()
        if picture.load_data(source, "lottie", None, copy=True) != Result.SUCCESS:
            raise ImageUnreadableError(reason="the sticker is damaged")
        picture.set_size(_LOTTIE_SIDE, _LOTTIE_SIDE)
        canvas.add(picture)
        total, duration_s = animation.get_total_frame()[1], animation.get_duration()[1]
        frames = []
        for number in range(SAMPLED_FRAMES if total > 1 else 1):
            animation.set_frame(total * number / SAMPLED_FRAMES)
            canvas.update()
            canvas.draw(True)
            canvas.sync()
            frames.append(_on_white(np.asarray(canvas.get_pillow("RGBA"))))
    return frames, max(int(duration_s * 1_000 / SAMPLED_FRAMES), 20)


def _safe_lottie(data: bytes) -> bytes:
    """The drawing as JSON, without what reads other files or runs programs; TGS has neither."""
    try:
        unpacked = zlib.decompressobj(wbits=31).decompress(data, _MOST_LOTTIE_BYTES + 1)
        if len(unpacked) > _MOST_LOTTIE_BYTES:
            raise ImageTooLargeError(what="bytes", actual=len(unpacked), limit=_MOST_LOTTIE_BYTES)
        document = json.loads(unpacked)
    except (zlib.error, ValueError, RecursionError) as error:
        raise ImageUnreadableError(reason="the sticker is damaged") from error
    if not isinstance(document, dict) or _is_unsafe(document):
        raise ImageUnreadableError(reason="the sticker is none that Telegram allows")
    return unpacked


def _is_unsafe(document: dict[str, Any]) -> bool:
    """Assets in other files ("p", "u"), and expressions: an "x" that is text."""
    waiting: list[Any] = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("x"), str) or isinstance(part.get("p"), str):
                return True
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False
