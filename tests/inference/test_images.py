"""What comes out of `decode` and `encode`; files that mean harm have tests of their own."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from config.options import ImageLimits
from inference.avif_boxes import read_avif
from inference.domain import ImageRGB
from inference.errors import ImageTooLargeError, ImageUnreadableError, ImageUnsupportedError, UserError
from inference.images import DecodedImage, decode, encode
from tests.inference.hostile import (
    FORMATS,
    apng_file,
    encoded,
    gif_file,
    jpeg_claiming,
    jpeg_with_segment,
    png_chunk,
    png_file,
    sample_picture,
    webp_animation,
    zeros_deflated,
)

LIMITS = ImageLimits()
needs_avif = pytest.mark.skipif("avif" not in FORMATS, reason="this Pillow was built without AVIF")

COLORS = [(250, 20, 20), (20, 250, 20), (20, 20, 250), (250, 250, 20), (20, 250, 250), (250, 20, 250)]


def decode_one(data: bytes) -> ImageRGB:
    decoded = decode(data, LIMITS)
    assert len(decoded.frames) == 1
    return decoded.frames[0]


def pixels_of(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture.convert("RGB"), np.int16)


def far_apart(left: NDArray[np.integer], right: NDArray[np.integer]) -> int:
    assert left.shape == right.shape
    return int(np.abs(left.astype(np.int16) - right.astype(np.int16)).max())


def solid_frames(count: int, size: tuple[int, int] = (24, 16)) -> list[Image.Image]:
    return [Image.new("RGB", size, COLORS[i % len(COLORS)]) for i in range(count)]


def animation(format_name: str, durations: list[int], size: tuple[int, int] = (24, 16)) -> bytes:
    first, *others = solid_frames(len(durations), size)
    options = {"lossless": True} if format_name == "WEBP" else {}
    return encoded(
        first, format_name, save_all=True, append_images=others, duration=durations, loop=0, **options
    )


# ── refusals ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\x89", "unknown data"),
        (b"hello", "text"),
        ("だれだ？".encode() * 2000, "text"),
        (b"\xef\xbb\xbf<svg></svg>", "SVG"),
        (b"<!-- drawn by hand --><svg></svg>", "SVG"),
        (b"  <HTML>", "HTML"),
        (b"\0" * 100, "unknown data"),
        (b"BM, that is how this text begins", "text"),
        (b"II*\0", "TIFF"),
        (b"%PDF-1.4", "PDF"),
        (b"8BPS", "Photoshop document"),
        (b"\0\0\1\0\1\0", "icon"),
        (b"%!PS-Adobe", "EPS"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0miaf", "HEIC"),
        (b"\0\0\0\x14ftypisom\0\0\0\0mp41", "video"),
        (b"RIFF\0\0\0\0AVI ", "sound or video"),
        (b"PK\3\4", "ZIP archive"),
        (b"\xff\x0a", "JPEG XL"),
    ],
)
def test_a_file_that_is_no_allowed_picture_is_refused_by_its_kind(data: bytes, found: str) -> None:
    with pytest.raises(ImageUnsupportedError) as refusal:
        decode(data, LIMITS)
    assert refusal.value.data["found"] == found
    assert "JPEG, PNG" in str(refusal.value)


def test_an_empty_file_is_refused_as_empty() -> None:
    with pytest.raises(ImageUnreadableError, match="empty"):
        decode(b"", LIMITS)


@pytest.mark.parametrize("format_name", FORMATS.values())
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_ends_early_is_refused_instead_of_shown_in_part(format_name: str, share: float) -> None:
    data = encoded(sample_picture(), format_name)
    with pytest.raises(ImageUnreadableError, match=r"ends early|damaged"):
        decode(data[: int(len(data) * share)], LIMITS)


def test_a_twelve_bit_jpeg_is_refused_as_such() -> None:
    data = encoded(sample_picture(), "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    with pytest.raises(ImageUnsupportedError, match="12-bit JPEG"):
        decode(data, LIMITS)


# None of these files has the pixels that it claims, so a decoder would have failed before the limit was seen.
TOO_LARGE = {
    "bytes": (b"\xff\xd8\xff" + bytes(998), ImageLimits(max_bytes=1_000), "bytes", 1_001, 1_000),
    "PNG": (png_file(40_000, 10, png_chunk(b"IDAT", b"")), LIMITS, "side", 40_000, 32_000),
    "PNG area": (png_file(9_000, 6_000, png_chunk(b"IDAT", b"")), LIMITS, "pixels", 54_000_000, 50_000_000),
    "JPEG": (
        jpeg_claiming(encoded(sample_picture(), "JPEG"), 9_000, 8_000),
        LIMITS, "pixels", 72_000_000, 50_000_000,
    ),
    "GIF": (gif_file(30_000, 30_000, 1), LIMITS, "pixels", 900_000_000, 50_000_000),
    "GIF frame": (gif_file(9, 9, 1, frame_at=(8_000, 6_999)), LIMITS, "pixels", 56_007_000, 50_000_000),
    "GIF frames": (gif_file(9, 9, 3_001), LIMITS, "frames", 3_001, 3_000),
    "GIF animation": (gif_file(4_000, 3_126, 2), LIMITS, "pixels", 12_504_000, 12_500_000),
    "APNG frames": (apng_file(9, 9, 11), ImageLimits(max_frames=10), "frames", 11, 10),
    "WebP frames": (webp_animation(9, 9, 11), ImageLimits(max_frames=10), "frames", 11, 10),
    "WebP animation": (webp_animation(5_000, 2_501, 1), LIMITS, "pixels", 12_505_000, 12_500_000),
    "BMP": (
        b"BM" + bytes(12) + struct.pack("<Iii", 40, 7, -50_000) + bytes(28),
        LIMITS, "side", 50_000, 32_000,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "limits", "what", "actual", "limit"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_limit_is_told_with_what_exceeds_it(
    data: bytes, limits: ImageLimits, what: str, actual: int, limit: int
) -> None:
    with pytest.raises(ImageTooLargeError) as refusal:
        decode(data, limits)
    assert refusal.value.data == {"what": what, "actual": actual, "limit": limit}


@needs_avif
def test_an_avif_may_have_half_of_the_pixels() -> None:
    data = encoded(sample_picture(100, 80), "AVIF")
    assert decode(data, ImageLimits(max_pixels=16_000)).width == 100
    with pytest.raises(ImageTooLargeError) as refusal:
        decode(data, ImageLimits(max_pixels=15_999))
    assert refusal.value.data == {"what": "pixels", "actual": 8_000, "limit": 7_999}


@pytest.mark.parametrize("format_name", FORMATS.values())
def test_a_picture_exactly_at_its_limits_is_decoded(format_name: str) -> None:
    data = encoded(sample_picture(60, 40), format_name)
    pixels = 60 * 40 * (2 if format_name == "AVIF" else 1)
    limits = ImageLimits(max_bytes=len(data), max_pixels=pixels, max_side=60, max_frames=1, sampled_frames=1)
    assert decode(data, limits).frames[0].shape == (40, 60, 3)


def test_more_pixels_than_pillow_takes_without_a_warning_are_refused_whatever_the_limit() -> None:
    with pytest.raises(ImageTooLargeError) as refusal:
        decode(png_file(10_000, 9_000, png_chunk(b"IDAT", b"")), ImageLimits(max_pixels=10**9))
    assert refusal.value.data["limit"] == Image.MAX_IMAGE_PIXELS


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from([encoded(sample_picture(20, 10), name) for name in FORMATS.values()]),
    keep=st.integers(0, 400),
    rest=st.binary(max_size=200),
)
def test_bytes_of_any_kind_are_decoded_or_refused_as_the_users_mistake(
    start: bytes, keep: int, rest: bytes
) -> None:
    try:
        frame = decode(start[:keep] + rest, LIMITS).frames[0]
    except UserError as refusal:
        assert not isinstance(refusal.__cause__, Warning)
    else:
        assert frame.dtype == np.uint8


# ── pixels ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_is_decoded_to_a_writable_contiguous_rgb_array(extension: str) -> None:
    decoded = decode(encoded(sample_picture(), FORMATS[extension]), LIMITS)
    frame = decoded.frames[0]
    assert decoded == DecodedImage((frame,), (0,), 1, FORMATS[extension])
    assert (decoded.width, decoded.height, frame.shape) == (120, 90, (90, 120, 3))
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    assert frame.flags.writeable
    assert np.abs(frame - pixels_of(sample_picture())).mean() < 12


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "WEBP"])
def test_lossless_pixels_are_exact(format_name: str) -> None:
    options = {"lossless": True} if format_name == "WEBP" else {}
    data = encoded(sample_picture(), format_name, **options)
    assert far_apart(decode_one(data), pixels_of(sample_picture())) == 0


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_pixels_are_those_of_pillow(mode: str, progressive: bool) -> None:
    data = encoded(sample_picture(mode=mode), "JPEG", progressive=progressive)
    assert far_apart(decode_one(data), pixels_of(Image.open(io.BytesIO(data)))) == 0


@pytest.mark.parametrize(
    "options", [{"subsampling": kind} for kind in (0, 1, 2)] + [{"keep_rgb": True}], ids=str
)
@pytest.mark.parametrize("size", [(1, 1), (17, 33), (250, 131)])
@pytest.mark.parametrize("quality", [10, 95])
def test_the_pixels_of_every_kind_of_jpeg_are_those_of_pillow(
    options: dict[str, object], size: tuple[int, int], quality: int
) -> None:
    data = encoded(sample_picture(*size), "JPEG", quality=quality, **options)
    assert far_apart(decode_one(data), pixels_of(Image.open(io.BytesIO(data)))) == 0


@settings(deadline=None)
@given(place=st.integers(0, 999), value=st.integers(0, 255))
def test_a_jpeg_with_a_damaged_byte_is_read_as_pillow_reads_it_or_refused(place: int, value: int) -> None:
    data = bytearray(encoded(sample_picture(64, 48), "JPEG", quality=80))
    start = data.index(b"\xff\xda") + 14  # of the coded pixels
    data[start + place % (len(data) - start - 2)] = value
    try:
        found = decode_one(bytes(data))
    except ImageUnreadableError:
        return
    assert far_apart(found, pixels_of(Image.open(io.BytesIO(data)))) == 0


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_still_webp_pixels_are_those_of_pillow(mode: str, lossless: bool) -> None:
    picture = sample_picture()
    if mode == "RGBA":
        picture.putalpha(sample_picture(mode="L"))
    data = encoded(picture, "WEBP", lossless=lossless)
    shown = Image.alpha_composite(
        Image.new("RGBA", picture.size, "white"), Image.open(io.BytesIO(data)).convert("RGBA")
    )
    assert far_apart(decode_one(data), pixels_of(shown)) <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
@pytest.mark.parametrize("format_name", ["PNG", "BMP", "GIF"])
def test_opaque_modes_keep_their_colors(mode: str, format_name: str) -> None:
    picture = sample_picture(mode=mode)
    if format_name == "GIF":
        picture = picture.convert("P")
    assert far_apart(decode_one(encoded(picture, format_name)), pixels_of(picture)) == 0


def transparent(mode: str) -> tuple[Image.Image, dict[str, object]]:
    """A gray column that is clear on the left and opaque on the right, and how to save it."""
    if mode in {"RGBA", "LA"}:
        picture = Image.new(mode, (2, 3), (100,) * (len(mode) - 1) + (255,))
        picture.paste((100,) * (len(mode) - 1) + (0,), (0, 0, 1, 3))
        return picture, {}
    if mode == "P":
        picture = Image.new("P", (2, 3), 1)
        picture.putpalette([9, 9, 9, 100, 100, 100])
        picture.paste(0, (0, 0, 1, 3))
        return picture, {"transparency": 0}
    picture = Image.new(mode, (2, 3), {"1": 1, "L": 100, "RGB": (100, 100, 100), "I;16": 100 * 257}[mode])
    clear = {"1": 0, "L": 9, "RGB": (9, 8, 7), "I;16": 9 * 257}[mode]
    picture.paste(clear, (0, 0, 1, 3))
    return picture, {"transparency": clear}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L", "RGB", "I;16"])
def test_transparent_pixels_become_white(mode: str) -> None:
    picture, options = transparent(mode)
    frame = decode_one(encoded(picture, "PNG", **options))
    opaque = 255 if mode == "1" else 100
    assert frame[:, 0].tolist() == [[255] * 3] * 3
    assert frame[:, 1].tolist() == [[opaque] * 3] * 3


def test_a_palette_with_an_alpha_for_each_color_is_laid_on_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([200, 0, 0, 0, 100, 0])
    picture.putpixel((1, 0), 1)
    frame = decode_one(encoded(picture, "PNG", transparency=b"\x80\x40"))
    assert far_apart(frame, np.array([[[227, 127, 127], [191, 216, 191]]])) <= 1


@pytest.mark.parametrize("alpha", [0, 1, 64, 128, 254, 255])
def test_half_transparent_pixels_are_mixed_with_white(alpha: int) -> None:
    frame = decode_one(encoded(Image.new("RGBA", (5, 4), (200, 100, 0, alpha)), "PNG"))
    mixed = [round((channel * alpha + 255 * (255 - alpha)) / 255) for channel in (200, 100, 0)]
    assert far_apart(frame[0, 0], np.array(mixed)) <= 1


def test_sixteen_bit_gray_is_scaled_and_not_clipped() -> None:
    levels = np.array([[0, 255, 256, 0x8000, 0xFFFF]], np.uint16)
    frame = decode_one(encoded(Image.fromarray(levels), "PNG"))
    assert frame[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_sixteen_bit_color_is_scaled() -> None:
    rows = b"".join(b"\0" + struct.pack(">6H", 0, 0x8000, 0xFFFF, 0x1234, 255, 256) for _ in range(2))
    data = png_file(2, 2, png_chunk(b"IDAT", zlib.compress(rows)), depth=16)
    assert far_apart(decode_one(data)[0], np.array([[0, 128, 255], [0x12, 0, 1]])) <= 1


def test_cmyk_as_adobe_writes_it_has_its_colors() -> None:
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    data = encoded(picture, "JPEG", quality=95)
    assert b"Adobe" in data
    assert far_apart(decode_one(data)[8, 8], np.array([255, 0, 0])) <= 4


def test_a_large_picture_is_the_same_as_when_converted_whole() -> None:
    picture = sample_picture(250, 180).resize((2_500, 1_800))
    picture.putalpha(sample_picture(250, 180, "L").resize((2_500, 1_800)))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture, "PNG", exif=exif.tobytes(), compress_level=1)
    whole = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).rotate(-90, expand=True)
    assert far_apart(decode_one(data), pixels_of(whole)) <= 1


# ── orientation ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_exif_orientation_is_applied(format_name: str, orientation: int) -> None:
    if format_name not in FORMATS.values():
        pytest.skip("this Pillow was built without AVIF")
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format_name == "WEBP" else {}
    data = encoded(sample_picture(), format_name, exif=exif.tobytes(), **options)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    frame = decode_one(data)
    assert far_apart(frame, pixels_of(upright)) == 0
    assert frame.flags.c_contiguous


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_is_found_behind_other_entries_in_either_byte_order(order: str) -> None:
    entries = struct.pack(f"{order}HHII", 0x010F, 2, 4, 0) + struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 8, 0)
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, 2) + entries + bytes(4)
    data = jpeg_with_segment(encoded(sample_picture(), "JPEG"), 0xE1, b"Exif\0\0" + tiff)
    assert decode_one(data).shape == (120, 90, 3)


# ── color profiles ──────────────────────────────────────────────────────────────────────────────


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A profile whose red is sRGB's blue and the other way round."""
    profile = srgb_profile()
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_picture_with_a_profile_of_its_own_becomes_srgb(mode: str) -> None:
    picture = Image.new("RGB", (30, 20), (200, 60, 10))
    picture = picture.quantize(2) if mode == "P" else picture.convert(mode)
    frame = decode_one(encoded(picture, "PNG", icc_profile=swapped_profile()))
    assert far_apart(frame[5, 5], np.array([10, 60, 200])) <= 3


@pytest.mark.parametrize("extension", sorted(FORMATS.keys() & {"jpg", "webp", "avif"}))
def test_the_profile_of_every_format_is_used(extension: str) -> None:
    picture = Image.new("RGB", (32, 32), (200, 60, 10))
    frame = decode_one(encoded(picture, FORMATS[extension], icc_profile=swapped_profile()))
    assert far_apart(frame[16, 16], np.array([10, 60, 200])) <= 8


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P"])
def test_an_srgb_profile_changes_nothing(mode: str) -> None:
    picture = sample_picture(mode=mode)
    plain, profiled = encoded(picture, "PNG"), encoded(picture, "PNG", icc_profile=srgb_profile())
    assert plain != profiled
    assert far_apart(decode_one(profiled), decode_one(plain)) == 0


@pytest.mark.parametrize(
    "profile",
    [b"x", bytes(5_000), srgb_profile()[:300], srgb_profile().replace(b"RGB XYZ ", b"CMYKLab ")],
    ids=["one byte", "zeros", "cut", "of another color space"],
)
@pytest.mark.parametrize("extension", sorted(FORMATS.keys() & {"jpg", "png", "webp", "avif"}))
def test_a_profile_that_cannot_be_used_is_ignored(extension: str, profile: bytes) -> None:
    plain = encoded(sample_picture(), FORMATS[extension])
    profiled = encoded(sample_picture(), FORMATS[extension], icc_profile=profile)
    assert far_apart(decode_one(profiled), decode_one(plain)) == 0


# ── animations ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_a_short_animation_gives_all_its_frames_with_their_times(format_name: str) -> None:
    decoded = decode(animation(format_name, [100, 200, 300]), LIMITS)
    assert (decoded.frame_total, decoded.frame_times_ms) == (3, (0, 100, 300))
    assert (decoded.format, decoded.width, decoded.height) == (format_name, 24, 16)
    for frame, color in zip(decoded.frames, COLORS, strict=False):
        assert far_apart(frame, np.broadcast_to(np.array(color), (16, 24, 3))) <= 2


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_frames_are_sampled_evenly_over_time(format_name: str) -> None:
    decoded = decode(animation(format_name, [50] * 24), ImageLimits(sampled_frames=6))
    assert (decoded.frame_total, decoded.frame_times_ms) == (24, (0, 200, 400, 600, 800, 1000))
    for index, frame in zip(range(0, 24, 4), decoded.frames, strict=True):
        assert far_apart(frame[0, 0], np.array(COLORS[index % len(COLORS)])) <= 2


def test_a_frame_that_is_shown_long_is_sampled_once_and_the_short_ones_after_it_share_the_rest() -> None:
    decoded = decode(animation("GIF", [1000, 100, 100, 100, 100, 100, 500]), ImageLimits(sampled_frames=4))
    assert decoded.frame_times_ms == (0, 1000, 1500)


def test_frames_without_a_time_are_taken_as_browsers_show_them() -> None:
    decoded = decode(gif_file(4, 4, 3, delay=0), LIMITS)
    assert decoded.frame_times_ms == (0, 100, 200)


@settings(max_examples=60, deadline=None)
@given(
    delays=st.lists(st.integers(0, 400), min_size=1, max_size=40),
    wanted=st.integers(1, 12),
)
def test_sampled_times_rise_from_zero_and_are_no_more_than_wanted(delays: list[int], wanted: int) -> None:
    parts = [gif_file(3, 2, 1, delay=delay)[19:-1] for delay in delays]
    data = gif_file(3, 2, 0)[:19] + b"".join(parts) + b";"
    decoded = decode(data, ImageLimits(sampled_frames=wanted))
    times = decoded.frame_times_ms
    assert times[0] == 0
    assert list(times) == sorted(set(times))
    assert len(times) == len(decoded.frames) <= wanted
    assert decoded.frame_total == len(delays)


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_all_sampled_frames_together_stay_within_the_pixels_of_one_picture(format_name: str) -> None:
    data = animation(format_name, [100] * 12, (20, 10))
    assert len(decode(data, ImageLimits(max_pixels=1_000, sampled_frames=8)).frames) == 5
    with pytest.raises(ImageTooLargeError):
        decode(data, ImageLimits(max_pixels=799, sampled_frames=8))


def test_frames_that_cost_too_much_to_reach_are_left_out() -> None:
    decoded = decode(gif_file(20, 10, 200), ImageLimits(max_pixels=1_000, sampled_frames=4))
    assert decoded.frame_total == 200
    assert len(decoded.frames) == 4
    assert max(decoded.frame_times_ms) < 50 * (10 * 1_000 // 200)


def test_a_gif_frame_outside_of_the_screen_enlarges_every_frame() -> None:
    inside, outside = gif_file(10, 8, 1), gif_file(10, 8, 1, frame_at=(14, 11))
    decoded = decode(inside[:-1] + outside[19:], LIMITS)
    assert [frame.shape for frame in decoded.frames] == [(12, 15, 3)] * 2
    assert decoded.frames[0][11, 14].tolist() == [255, 255, 255]


def test_a_default_picture_outside_of_the_animation_is_its_first_frame() -> None:
    first, *others = solid_frames(3)
    data = encoded(first, "PNG", save_all=True, append_images=others, default_image=True, duration=200)
    decoded = decode(data, LIMITS)
    assert (decoded.frame_total, decoded.frame_times_ms) == (3, (0, 100, 300))
    assert [tuple(frame[0, 0]) for frame in decoded.frames] == COLORS[:3]


@pytest.mark.parametrize("claimed", [0, 2**32 - 1])
def test_an_animation_header_that_cannot_be_leaves_the_still_picture(claimed: int) -> None:
    assert decode(apng_file(8, 6, 3, claimed=claimed), LIMITS).frame_total == 1


@pytest.mark.parametrize(("claimed", "total"), [(2, 2), (3, 3), (50, 3)])
def test_only_frames_that_exist_and_are_announced_count(claimed: int, total: int) -> None:
    decoded = decode(apng_file(8, 6, 3, claimed=claimed), LIMITS)
    assert decoded.frame_total == len(decoded.frames) == total


@needs_avif
def test_of_an_avif_sequence_the_cover_is_shown() -> None:
    decoded = decode(animation("AVIF", [100] * 4, (32, 32)), LIMITS)
    assert decoded.frame_total == 1
    assert far_apart(decoded.frames[0][16, 16], np.array(COLORS[0])) <= 8


@needs_avif
@pytest.mark.parametrize("size", [(1, 1), (33, 65), (640, 360), (4_000, 16)])
@pytest.mark.parametrize("frames", [1, 2])
def test_the_coded_size_of_an_avif_is_read_exactly(size: tuple[int, int], frames: int) -> None:
    data = animation("AVIF", [100] * frames, size)
    assert read_avif(data)[:2] == size
    nothing_claimed = data.replace(b"ispe", b"free")
    assert read_avif(nothing_claimed)[:2] == size


# ── encoding and threads ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format_name", ["jpeg", "webp", "png"])
def test_what_is_encoded_can_be_decoded(format_name: str) -> None:
    image = decode_one(encoded(sample_picture(), "PNG"))
    again = decode(encode(image, format=format_name, quality=95), LIMITS)
    assert again.format == format_name.upper()
    assert np.abs(again.frames[0] - image.astype(np.int16)).mean() < (0.001 if format_name == "png" else 12)


@pytest.mark.parametrize("format_name", ["jpeg", "webp"])
def test_less_quality_makes_a_smaller_file(format_name: str) -> None:
    image = decode_one(encoded(sample_picture(), "PNG"))
    sizes = [len(encode(image, format=format_name, quality=quality)) for quality in (20, 60, 95)]
    assert sizes == sorted(set(sizes))


def test_many_threads_decode_the_same_pixels_as_one() -> None:
    files = [encoded(sample_picture(200 + i, 150), name) for i in range(4) for name in FORMATS.values()]
    alone = [decode_one(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode_one, files * 3))
    assert all(np.array_equal(frame, alone[i % len(files)]) for i, frame in enumerate(together))


def test_metadata_may_be_long_where_pixels_are_few() -> None:
    text = png_chunk(b"zTXt", b"Comment\0\0" + zeros_deflated(3 << 20))
    data = png_file(4, 3, text, png_chunk(b"IDAT", zeros_deflated(3 * 13)))
    assert decode_one(data).tolist() == np.zeros((3, 4, 3)).tolist()


def test_real_pictures_have_the_pixels_that_pillow_gives(shared_data: Path) -> None:
    for path in sorted((shared_data / "pictures").iterdir())[::10]:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as picture:
            assert far_apart(decode_one(data), pixels_of(picture)) == 0, path.name
