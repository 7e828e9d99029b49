"""Untrusted bytes in, upright RGB pictures out, and back; the only place that opens pictures."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Literal, cast

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # its stubs are for a private module
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,  # importing a plugin registers its format
    Image,
    WebPImagePlugin,  # noqa: F401
)

from config.options import ImageLimits
from inference.domain import ImageRGB
from inference.each import Each, in_turn
from inference.errors import AppError, ImageTooLargeError, ImageUnreadableError, ImageUnsupportedError
from inference.image_probe import ALLOWED_FORMATS, ENDS_EARLY, ImageProbe, exif_orientation, probe_image
from inference.jpeg_strips import cut_strips, join_strips

_GROUND = (255, 255, 255)  # what transparent pictures are shown on
_STRIP_PIXELS = 4_000_000  # converted at a time, so that large pictures do not exist several times over

# Shares of max_pixels, so that decoding at the default limits stays below 700 MB:
_ANIMATION_SHARE = 4  # a decoder of animations holds its canvas about four times
_AVIF_SHARE = 2  # its decoder holds up to 16 bit planes with alpha and two RGBA copies
_ANIMATION_WORK = 10  # canvases decoded to reach the sampled frames, in multiples of max_pixels
_SCAN_WORK = 20  # likewise for the scans of a progressive JPEG


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture, or the sampled frames of an animation."""

    frames: tuple[ImageRGB, ...]
    """At least one, all of one size, C-contiguous."""
    frame_times_ms: tuple[int, ...]
    """When each of them appears in the animation; rising from 0."""
    frame_total: int
    """Frames in the file."""
    format: str

    @property
    def width(self) -> int:
        return int(self.frames[0].shape[1])

    @property
    def height(self) -> int:
        return int(self.frames[0].shape[0])


def decode(data: bytes, limits: ImageLimits) -> DecodedImage:
    """The picture in a file of any allowed format, upright, in sRGB, transparency laid on white.

    Of an animation, `limits.sampled_frames` frames are spread over its time, the first among them; fewer
    where together they would exceed `max_pixels`. A frame can be decoded only after those before it, so what
    comes after 10 × `max_pixels` of canvases is left out. Decoders of animations and of AVIF need more memory
    a pixel, so these may have a quarter and half of `max_pixels`; of an AVIF sequence the cover is shown.
    However large the limit, pictures that Pillow would warn of as decompression bombs are refused.

    Every limit is checked before pixels are decoded. Files that end early are refused. Raises
    ImageTooLargeError, ImageUnsupportedError, ImageUnreadableError and nothing else. Safe in any thread.
    """
    return decode_probed(probed(data, limits), limits)


def probed(data: bytes, limits: ImageLimits) -> ImageProbe:
    """The structure of a file of at most `limits.max_bytes`; raises what `decode()` does."""
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(what="bytes", actual=len(data), limit=limits.max_bytes)
    return probe_image(data)


def decode_probed(probe: ImageProbe, limits: ImageLimits) -> DecodedImage:
    """`decode()`, for a file that has been probed."""
    _check_limits(probe, limits)
    sampled = _sample_frames(probe, limits)
    with _failures_translated(probe.format):
        still = _STILLS[probe.format](probe) if probe.format in _STILLS else None
        frames = tuple(_frames(probe, sampled)) if still is None else (still,)
    starts = _start_times_ms(probe.frame_delays_ms)
    return DecodedImage(
        frames, tuple(starts[index] for index in sampled), len(probe.frame_delays_ms), probe.format
    )


def encode(
    image: ImageRGB,
    *,
    format: Literal["jpeg", "webp", "png"],  # noqa: A002
    quality: int = 90,
    each: Each = in_turn,
) -> bytes:
    """The picture as a file; `quality` is 1…100 and means nothing to PNG.

    `each` encodes the strips of a JPEG; the file is the same whether it does so in several threads or not.
    """
    if format == "jpeg":
        return join_strips(each(partial(_jpeg, quality=quality), cut_strips(image)))
    buffer = io.BytesIO()
    # WebP with Pillow's own choice of method, 4, would be 3 % smaller and take two and a half times as long.
    Image.fromarray(image).save(buffer, format, quality=quality, method=2)
    return buffer.getvalue()


def _jpeg(image: ImageRGB, *, quality: int) -> bytes:
    # Pillow's takes a quarter longer, and OpenCV's wants another order of the colours.
    data: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality, "RGB", "420", fastdct=False)
    return data


def _check_limits(probe: ImageProbe, limits: ImageLimits) -> None:
    if min(probe.width, probe.height) <= 0:
        raise ImageUnreadableError(reason="it has no pixels")
    if probe.format == "AVIF" and not AvifImagePlugin.SUPPORTED:
        raise ImageUnsupportedError(found="AVIF", allowed=ALLOWED_FORMATS.replace(", BMP or AVIF", " or BMP"))
    side, pixels, frames = (
        max(probe.width, probe.height),
        probe.width * probe.height,
        len(probe.frame_delays_ms),
    )
    if side > limits.max_side:
        raise ImageTooLargeError(what="side", actual=side, limit=limits.max_side)
    # Where Pillow would warn of a decompression bomb, we refuse: catching its warning is not thread-safe.
    allowed = min(limits.max_pixels, Image.MAX_IMAGE_PIXELS or limits.max_pixels)
    if probe.animated:
        allowed //= _ANIMATION_SHARE
    elif probe.format == "AVIF":
        allowed //= _AVIF_SHARE
    if pixels > allowed:
        raise ImageTooLargeError(what="pixels", actual=pixels, limit=allowed)
    if frames > limits.max_frames:
        raise ImageTooLargeError(what="frames", actual=frames, limit=limits.max_frames)
    if probe.scans * pixels > _SCAN_WORK * limits.max_pixels:
        raise ImageTooLargeError(
            what="pixels", actual=probe.scans * pixels, limit=_SCAN_WORK * limits.max_pixels
        )


def _sample_frames(probe: ImageProbe, limits: ImageLimits) -> tuple[int, ...]:
    """Indices of the frames that are shown at evenly spaced times, rising from 0."""
    pixels = probe.width * probe.height
    wanted = max(1, min(limits.sampled_frames, limits.max_pixels // pixels))
    reachable = max(1, _ANIMATION_WORK * limits.max_pixels // pixels)
    starts = _start_times_ms(probe.frame_delays_ms[:reachable])
    if len(starts) - 1 <= wanted:
        return tuple(range(len(starts) - 1))
    return tuple(sorted({bisect_right(starts, starts[-1] * k / wanted) - 1 for k in range(wanted)}))


def _start_times_ms(delays_ms: Sequence[int]) -> tuple[int, ...]:
    """When each frame begins, and when the last one ends."""
    # Browsers show frames of 10 ms and less for 100 ms.
    return tuple(accumulate((delay if delay > 10 else 100 for delay in delays_ms), initial=0))


@contextmanager
def _failures_translated(format_name: str) -> Iterator[None]:
    try:
        yield
    except AppError:
        raise
    # Damaged data makes Pillow's plugins raise whatever their parsing runs into, MemoryError included.
    except Exception as error:
        early = isinstance(error, EOFError) or "truncated" in str(error)
        reason = ENDS_EARLY if early else f"its {format_name} data is damaged"
        raise ImageUnreadableError(reason=reason) from error


def _frames(probe: ImageProbe, sampled: Sequence[int]) -> Iterator[ImageRGB]:
    with Image.open(io.BytesIO(probe.pixel_data), formats=(probe.format,)) as image:
        width, height, orientation, profile = probe.width, probe.height, probe.orientation, probe.icc_profile
        if probe.format == "AVIF":
            width, height = image.size  # the probe knows only an upper bound
            orientation = exif_orientation(image.info.get("exif", b""))
            profile = image.info.get("icc_profile")
        for index in sampled:
            image.seek(index)
            if image.width > probe.width or image.height > probe.height:
                raise ImageUnreadableError(reason=f"its {probe.format} header is wrong about its size")
            image.load()
            yield _upright_rgb(
                lambda top, bottom: _rows(image, top, bottom),
                image.size,
                (width, height),
                orientation,
                profile,
            )


def _rows(image: Image.Image, top: int, bottom: int) -> Image.Image:
    return image if bottom - top == image.height else image.crop((0, top, image.width, bottom))


def _still_webp(probe: ImageProbe) -> ImageRGB | None:
    if probe.animated:
        return None
    # Pillow decodes every WebP as an animation, 16 bytes a pixel; this takes 4, for the same pixels.
    stored = cv2.imdecode(np.frombuffer(probe.pixel_data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.shape[:2] != (probe.height, probe.width):
        raise ImageUnreadableError(reason="its WebP data is damaged")
    to_rgb = cv2.COLOR_BGRA2RGBA if stored.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return _upright_of(
        lambda top, bottom: cast(NDArray[np.uint8], cv2.cvtColor(stored[top:bottom], to_rgb)), probe
    )


def _sound_jpeg(probe: ImageProbe) -> ImageRGB | None:
    """None where Pillow has to do it: rarer colours, and data that a decoder has to guess at."""
    # Both are libjpeg-turbo, for the same pixels, but Pillow's holds 7 bytes a pixel and takes half as long
    # again. OpenCV's would tell standard error what it thinks of the data.
    try:
        if simplejpeg.decode_jpeg_header(probe.pixel_data)[2] != "YCbCr":
            return None
        stored: ImageRGB = simplejpeg.decode_jpeg(probe.pixel_data, "RGB")
    except ValueError:
        return None
    if stored.shape[:2] != (probe.height, probe.width):
        return None
    if probe.orientation == 1 and not probe.icc_profile:
        return stored
    return _upright_of(lambda top, bottom: stored[top:bottom], probe)


_STILLS: dict[str, Callable[[ImageProbe], ImageRGB | None]] = {"WEBP": _still_webp, "JPEG": _sound_jpeg}
"""Faster than Pillow, or with less memory; None where it is not for them."""


def _upright_of(rows: Callable[[int, int], NDArray[np.uint8]], probe: ImageProbe) -> ImageRGB:
    size = probe.width, probe.height
    return _upright_rgb(
        lambda top, bottom: Image.fromarray(rows(top, bottom)),
        size,
        size,
        probe.orientation,
        probe.icc_profile,
    )


# By EXIF orientation: a view of the upright array with the rows and columns of the stored picture.
_AS_STORED: dict[int, Callable[[ImageRGB], ImageRGB]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def _upright_rgb(
    rows: Callable[[int, int], Image.Image],
    size: tuple[int, int],
    canvas: tuple[int, int],
    orientation: int,
    profile: bytes | None,
) -> ImageRGB:
    """A new array of the canvas, filled in strips; `rows(top, bottom)` are rows of the stored picture."""
    width, height = size
    turned = orientation >= 5
    upright = np.empty((canvas[0], canvas[1], 3) if turned else (canvas[1], canvas[0], 3), np.uint8)
    if size != canvas:
        upright[:] = _GROUND
    stored = _AS_STORED[orientation](upright)
    to_srgb: Callable[[Image.Image], Image.Image] | None = None
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        strip = _in_basic_mode(rows(top, min(top + step, height)))
        if profile and top == 0:
            to_srgb = _srgb_conversion(profile, strip.mode)
        if to_srgb:
            strip = to_srgb(strip)
        stored[top : top + strip.height, :width] = _as_rgb(strip)
    return upright


def _in_basic_mode(strip: Image.Image) -> Image.Image:
    """The same pixels as RGB, RGBA, L or CMYK."""
    if strip.mode.startswith("I;16"):
        return _scaled_to_8_bit(strip)
    if strip.mode in {"RGBA", "CMYK"}:
        return strip
    if strip.has_transparency_data:
        return strip.convert("RGBA")
    if strip.mode in {"RGB", "L"}:
        return strip
    return strip.convert("L" if strip.mode == "1" else "RGB")


def _scaled_to_8_bit(strip: Image.Image) -> Image.Image:
    values = np.asarray(strip)
    gray = Image.fromarray((values >> 8).astype(np.uint8))
    clear = strip.info.get("transparency")
    if clear is None:
        return gray
    alpha = Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))
    return Image.merge("LA", (gray, alpha)).convert("RGBA")


def _as_rgb(strip: Image.Image) -> ImageRGB:
    if strip.mode == "RGBA":
        ground = Image.new("RGB", strip.size, _GROUND)
        ground.paste(strip, mask=strip)
        strip = ground
    elif strip.mode != "RGB":
        strip = strip.convert("RGB")
    return np.asarray(strip)


_PROFILE_SPACES = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "CMYK": "CMYK"}
_SAME_COLOR = 3  # of 255; profiles that differ less are sRGB under another name


def _srgb_conversion(profile: bytes, mode: str) -> Callable[[Image.Image], Image.Image] | None:
    """How pixels of that mode become sRGB; None where they are already, or the profile is of no use."""
    from PIL import ImageCms  # noqa: PLC0415  (50 ms that pictures without a profile need not wait for)

    target = mode if mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _PROFILE_SPACES[
            mode
        ] or source.profile.device_class not in {"scnr", "mntr", "prtr", "spac"}:
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, target)
        trial = _color_samples(mode)
        converted = transform.apply(trial)
    except Exception:  # whatever is wrong with a profile, it must not cost the picture
        return None
    change = np.abs(np.asarray(converted, np.int16) - np.asarray(trial.convert(target), np.int16))
    return transform.apply if change.max() > _SAME_COLOR else None


def _color_samples(mode: str) -> Image.Image:
    """All mixtures of four levels of each channel."""
    channels = len(mode)
    levels = np.array([0, 85, 170, 255], np.uint8)
    mixtures = np.stack(np.meshgrid(*[levels] * channels), -1)
    return Image.frombytes(mode, (len(levels) ** channels, 1), mixtures.tobytes())
