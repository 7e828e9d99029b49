"""Makes a folder of picture files that mean harm; nothing in it is anybody's picture.

A file's name begins with what must become of it: `read-` (a picture comes out), `refused-` (a typed refusal),
`either-` (one of the two).
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, features

FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP"}
if features.check("avif"):
    FORMATS["avif"] = "AVIF"


def write_hostile_files(folder: Path) -> list[Path]:
    """Write all of them into an existing folder; returns their paths."""
    paths = []
    for name, data in hostile_files():
        path = folder / name
        path.write_bytes(data)
        paths.append(path)
    return paths


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """File names and contents, the same on every call; no name comes twice."""
    yield from _not_pictures()
    yield from _bombs()
    yield from _odd_shapes()
    yield from _bad_metadata()
    yield from _polyglots()
    yield from _truncated()
    yield from _mutated()


def sample_picture(width: int = 120, height: int = 90, mode: str = "RGB") -> Image.Image:
    """A picture with gradients and noise, always the same."""
    noise = np.random.default_rng(7).integers(0, 40, (height, width), dtype=np.uint8)
    across = np.broadcast_to(np.linspace(0, 200, width), (height, width)).astype(np.uint8)
    down = np.broadcast_to(np.linspace(0, 200, height)[:, None], (height, width)).astype(np.uint8)
    picture = Image.fromarray(np.stack([across + noise, down + noise, across // 2 + down // 2], -1))
    return picture.convert(mode)


def encoded(picture: Image.Image, format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_file(width: int, height: int, *chunks: bytes, depth: int = 8, color: int = 2) -> bytes:
    """A PNG of those chunks between IHDR and IEND."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


def zeros_deflated(count: int) -> bytes:
    """That many zero bytes in zlib's format, made without holding them."""
    deflate = zlib.compressobj(1)
    block = bytes(1 << 20)
    parts = [deflate.compress(block) for _ in range(count >> 20)]
    return b"".join([*parts, deflate.compress(bytes(count & 0xFFFFF)), deflate.flush()])


def gif_file(
    width: int, height: int, frames: int, *, frame_at: tuple[int, int] = (0, 0), delay: int = 5
) -> bytes:
    """A GIF of frames of one pixel; `delay` in hundredths of a second."""
    control = b"!\xf9\x04\x08" + struct.pack("<H", delay) + b"\0\0"
    frame = control + b"," + struct.pack("<HHHHB", *frame_at, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\x80\x40"
    return screen + frame * frames + b";"


def apng_file(width: int, height: int, frames: int, *, claimed: int | None = None) -> bytes:
    """An animation whose frames after the first are one pixel each."""
    chunks = [png_chunk(b"acTL", struct.pack(">II", frames if claimed is None else claimed, 0))]
    sequence = 0
    for index in range(frames):
        size = (width, height) if index == 0 else (1, 1)
        chunks.append(png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, *size, 0, 0, 1, 20, 0, 0)))
        sequence += 1
        pixels = zeros_deflated(size[1] * (1 + 3 * size[0]))
        if index == 0:
            chunks.append(png_chunk(b"IDAT", pixels))
        else:
            chunks.append(png_chunk(b"fdAT", struct.pack(">I", sequence) + pixels))
            sequence += 1
    return png_file(width, height, *chunks)


def webp_animation(width: int, height: int, frames: int) -> bytes:
    """Frames of 2 × 2 on a canvas of any size."""
    still = encoded(Image.new("RGB", (2, 2), (9, 99, 199)), "WEBP", lossless=True)[12:]
    place = bytes(6) + b"\1\0\0" + b"\1\0\0" + (50).to_bytes(3, "little") + b"\0"
    canvas = b"\2\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = (
        b"WEBP" + _riff(b"VP8X", canvas) + _riff(b"ANIM", bytes(6)) + _riff(b"ANMF", place + still) * frames
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """The JPEG with that segment right after its start."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def jpeg_claiming(jpeg: bytes, width: int, height: int) -> bytes:
    """The JPEG with another size in its frame header."""
    place = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2")) + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]


def avif_claiming(avif: bytes, width: int, height: int) -> bytes:
    """The AVIF with another size in its first size property; its coded frame stays as it is."""
    place = avif.index(b"ispe") + 8
    return avif[:place] + struct.pack(">II", width, height) + avif[place + 8 :]


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _not_pictures() -> Iterator[tuple[str, bytes]]:
    yield "refused-zero-bytes.jpg", b""
    yield "refused-one-byte.png", b"\x89"
    yield "refused-text.png", b"This is not a picture.\n" * 40
    yield "refused-page.jpg", b"<!DOCTYPE html><html><body>404</body></html>"
    yield "refused-drawing.svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
    yield "refused-document.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
    yield "refused-script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n(run me) show\n"
    yield "refused-layers.psd", b"8BPS\0\1" + bytes(40)
    yield "refused-scan.tiff", encoded(sample_picture(), "TIFF")
    yield "refused-icon.png", encoded(sample_picture(32, 32), "ICO")
    yield "refused-photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
    yield "refused-clip.gif", b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(200)
    yield "refused-archive.png", b"PK\3\4" + bytes(100)
    yield "refused-noise.webp", random.Random(1).randbytes(5000)
    for extension, format_name in FORMATS.items():
        wrong = "png" if extension != "png" else "jpg"
        yield f"read-really-{extension}.{wrong}", encoded(sample_picture(), format_name)


def _bombs() -> Iterator[tuple[str, bytes]]:
    yield (
        "refused-bomb-50000x50000.png",
        png_file(50_000, 50_000, png_chunk(b"IDAT", zeros_deflated(50_000 * 6_251)), depth=1, color=0),
    )
    yield (
        "read-just-below-the-limit.png",
        png_file(12_500, 4_000, png_chunk(b"IDAT", zeros_deflated(4_000 * 50_001)), color=6),
    )
    text_bomb = png_chunk(b"zTXt", b"Comment\0\0" + zeros_deflated(200 << 20))
    texts = png_chunk(b"zTXt", b"Comment\0\0" + zeros_deflated(1 << 20)) * 100
    profile_bomb = png_chunk(b"iCCP", b"profile\0\0" + zeros_deflated(200 << 20))
    pixels = png_chunk(b"IDAT", zeros_deflated(10 * 31))
    yield "read-text-bomb.png", png_file(10, 10, text_bomb, pixels)
    yield "read-hundred-texts.png", png_file(10, 10, texts, pixels, text_bomb)
    yield "read-profile-bomb.png", png_file(10, 10, profile_bomb, pixels)
    yield "refused-200000-chunks.png", png_file(10, 10, png_chunk(b"tEXt", b"a\0") * 200_000, pixels)
    yield "either-endless-pixels.png", png_file(10, 10, png_chunk(b"IDAT", zeros_deflated(200 << 20)))
    yield "read-claims-4-billion-frames.png", apng_file(20, 20, 2, claimed=2**32 - 1)
    yield "refused-5000-frames.png", apng_file(50, 50, 5_000)
    yield "read-2000-large-frames.png", apng_file(3_000, 3_000, 2_000)
    yield "refused-large-canvas.png", apng_file(6_000, 6_000, 2)
    yield "refused-screen-65535x65535.gif", gif_file(65_535, 65_535, 1)
    yield "refused-frame-far-outside.gif", gif_file(10, 10, 3, frame_at=(65_000, 65_000))
    yield "refused-5000-frames.gif", gif_file(10, 10, 5_000)
    yield "read-3000-large-frames.gif", gif_file(4_000, 3_000, 3_000)
    yield "refused-block-per-byte.gif", gif_file(1, 1, 1)[:-1] + b"!\xfe" + b"\1a" * 2_000_000 + b"\0;"
    still = encoded(sample_picture(), "WEBP", lossless=True)
    yield "refused-16383x16383.webp", still[:21] + struct.pack("<I", 0x3FFE | 0x3FFE << 14) + still[25:]
    yield "refused-canvas-16384x16384.webp", webp_animation(16_384, 16_384, 3)
    yield "refused-5000-frames.webp", webp_animation(64, 64, 5_000)
    yield "read-3000-large-frames.webp", webp_animation(3_500, 3_500, 3_000)
    bmp = encoded(sample_picture(), "BMP")
    yield "refused-60000x60000.bmp", bmp[:18] + struct.pack("<ii", 60_000, 60_000) + bmp[26:]
    yield "refused-negative-width.bmp", bmp[:18] + struct.pack("<ii", -60_000, -3) + bmp[26:]
    yield "refused-7000x7000-of-little.bmp", bmp[:18] + struct.pack("<ii", 7_000, 7_000) + bmp[26:]
    run_length = struct.pack("<IiiHHIIiiII", 40, 7_000, 7_000, 1, 8, 1, 4, 0, 0, 256, 0)
    head = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024)
    yield "either-run-length.bmp", head + run_length + bytes(range(256)) * 4 + b"\xff\1" * 300_000 + b"\0\1"
    jpeg = encoded(sample_picture(), "JPEG")
    yield "refused-65500x65500.jpg", jpeg_claiming(jpeg, 65_500, 65_500)
    yield "either-7000x7000-of-little.jpg", jpeg_claiming(jpeg, 7_000, 7_000)
    progressive = encoded(Image.new("L", (4_000, 4_000)), "JPEG", progressive=True)
    last_scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    yield "refused-2000-scans.jpg", progressive[:-2] + last_scan * 2_000 + b"\xff\xd9"
    yield "read-just-below-the-limit.jpg", encoded(Image.new("RGB", (7_000, 7_000)), "JPEG", progressive=True)
    yield (
        "read-progressive-cmyk.jpg",
        encoded(Image.new("CMYK", (7_000, 7_000), (9, 9, 9, 9)), "JPEG", progressive=True, subsampling=0),
    )
    yield "refused-200000-segments.jpg", jpeg[:2] + b"\xff\xfe\0\2" * 200_000 + jpeg[2:]
    if "avif" in FORMATS:
        avif = encoded(sample_picture(), "AVIF")
        yield "refused-claims-60000x60000.avif", avif_claiming(avif, 60_000, 60_000)
        hidden = encoded(Image.new("RGB", (5_200, 5_200), (90, 20, 30)), "AVIF", speed=10, quality=10)
        yield "refused-hides-5200x5200.avif", avif_claiming(hidden, 64, 64)
        below = encoded(
            Image.new("RGBA", (4_990, 4_990), (90, 20, 30, 80)), "AVIF", speed=10, subsampling="4:4:4"
        )
        yield "read-just-below-the-limit.avif", below


def _odd_shapes() -> Iterator[tuple[str, bytes]]:
    for width, height in ((1, 100_000), (100_000, 1)):
        yield f"refused-{width}x{height}.png", encoded(Image.new("RGB", (width, height)), "PNG")
        yield f"refused-{width}x{height}.bmp", encoded(Image.new("RGB", (width, height)), "BMP")
    yield "read-1x30000.png", encoded(Image.new("LA", (1, 30_000)), "PNG")
    yield "read-30000x1.jpg", encoded(Image.new("L", (30_000, 1)), "JPEG")
    yield "read-1x1.gif", gif_file(1, 1, 1)
    yield "refused-0x0.png", png_file(0, 0, png_chunk(b"IDAT", zeros_deflated(1)))
    yield "refused-no-pixels.png", png_file(10, 10)
    yield "refused-two-headers.png", png_file(
        10, 10, png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)),
        png_chunk(b"IDAT", zeros_deflated(310)),
    )  # fmt: skip
    yield "refused-no-frames.gif", gif_file(10, 10, 0)
    yield "read-frames-grow.gif", gif_file(10, 10, 1)[:-1] + gif_file(10, 10, 2, frame_at=(30, 20))[19:]
    jpeg = encoded(sample_picture(), "JPEG")
    yield "refused-0-high.jpg", jpeg_claiming(jpeg, 120, 0)
    yield "refused-12-bit.jpg", jpeg.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")


def _bad_metadata() -> Iterator[tuple[str, bytes]]:
    picture = sample_picture()
    exif = Image.Exif()
    exif[0x0112] = 6
    good = exif.tobytes()
    bad_exif = {
        "garbage": b"Exif\0\0" + random.Random(2).randbytes(300),
        "cut": good[:17],
        "loop": b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8),
        "huge-count": b"Exif\0\0MM\0*\0\0\0\x08\0\1" + struct.pack(">HHII", 0x0112, 3, 2**32 - 1, 6),
        "far-offset": b"Exif\0\0II*\0\xff\xff\xff\xff",
        "big-tiff": b"Exif\0\0II+\0\x08\0\0\0" + bytes(60),
        "orientation-99": good.replace(b"\0\1\0\6\0\0", b"\0\1\0\x63\0\0").replace(
            b"\6\0\0\0\0", b"\x63\0\0\0\0"
        ),
    }
    for what, body in bad_exif.items():
        yield f"read-exif-{what}.jpg", jpeg_with_segment(encoded(picture, "JPEG"), 0xE1, body)
        yield f"read-exif-{what}.png", encoded(picture, "PNG", exif=body)
        yield f"read-exif-{what}.webp", encoded(picture, "WEBP", exif=body)
    yield (
        "read-malformed-mpo.jpg",
        jpeg_with_segment(encoded(picture, "JPEG"), 0xE2, b"MPF\0" + b"MM\0*\xff\xff\xff\xff" + bytes(40)),
    )
    for what, profile in {
        "garbage": random.Random(3).randbytes(2000),
        "empty": b"",
        "cut": _srgb_profile()[:200],
        "lying-size": b"\xff\xff\xff\xff" + _srgb_profile()[4:],
        "damaged": bytes(
            byte ^ (0x55 if i > 200 and i % 7 == 0 else 0) for i, byte in enumerate(_srgb_profile())
        ),
        "of-cmyk": _srgb_profile().replace(b"RGB XYZ ", b"CMYKLab "),
    }.items():
        for extension, format_name in FORMATS.items():
            if extension in {"jpg", "png", "webp", "avif"}:
                yield f"read-icc-{what}.{extension}", encoded(picture, format_name, icc_profile=profile)
    if "avif" in FORMATS:
        exif[0x010F] = "somebody"
        told = encoded(picture, "AVIF", exif=exif.tobytes())
        place = told.index(b"somebody") - 26
        yield "read-exif-garbage.avif", told[:place] + b"\xff" * 20 + told[place + 20 :]


def _polyglots() -> Iterator[tuple[str, bytes]]:
    archive = b"PK\3\4" + bytes(26) + b"PK\1\2" + bytes(42) + b"PK\5\6" + bytes(18)
    page = b"<html><script>alert(1)</script></html>"
    picture = sample_picture()
    for extension, format_name in FORMATS.items():
        if extension != "avif":
            yield f"read-also-zip.{extension}", encoded(picture, format_name) + archive
            yield f"read-also-html.{extension}", encoded(picture, format_name) + page
    yield "read-comment-html.jpg", jpeg_with_segment(encoded(picture, "JPEG"), 0xFE, page)
    yield "read-comment-script.gif", encoded(picture, "GIF", comment=b"*/=1;alert(1)/*")
    yield "read-two-pictures.jpg", encoded(picture, "JPEG") + encoded(picture.rotate(90), "JPEG")
    yield "read-gif-then-png.gif", encoded(picture, "GIF") + encoded(picture, "PNG")


def _truncated() -> Iterator[tuple[str, bytes]]:
    others = [sample_picture().rotate(angle) for angle in (90, 180)]
    for extension, format_name in FORMATS.items():
        whole = encoded(sample_picture(), format_name)
        for share in (2, 10, 25, 50, 75, 95):
            yield f"refused-first-{share}-percent.{extension}", whole[: len(whole) * share // 100]
        # A last byte may be no pixel: a GIF without its end mark is whole all the same.
        yield f"{'read' if extension == 'gif' else 'refused'}-without-last-byte.{extension}", whole[:-1]
        for size in (3, 8, 12, 16, 20, 30):
            yield f"refused-first-{size}-bytes.{extension}", whole[:size]
        if extension in {"gif", "png", "webp"}:
            moving = encoded(sample_picture(), format_name, save_all=True, append_images=others, duration=90)
            for share in (30, 60, 90):
                yield (
                    f"refused-animation-first-{share}-percent.{extension}",
                    moving[: len(moving) * share // 100],
                )


def _mutated() -> Iterator[tuple[str, bytes]]:
    dice = random.Random(20)
    others = [sample_picture().rotate(angle) for angle in (90, 180)]
    for extension, format_name in FORMATS.items():
        originals = [
            encoded(sample_picture(), format_name),
            encoded(sample_picture(mode="CMYK" if extension == "jpg" else "L"), format_name),
        ]
        if extension in {"gif", "png", "webp", "avif"}:
            originals.append(encoded(sample_picture(), format_name, save_all=True, append_images=others))
            originals.append(encoded(sample_picture(mode="P"), format_name))
        for number in range(60):
            data = bytearray(dice.choice(originals))
            reach = len(data) if number % 2 else min(len(data), 400)  # every other one hurts the header
            for _ in range(dice.choice((1, 2, 4, 16))):
                data[dice.randrange(reach)] = dice.randrange(256)
            yield f"either-mutation-{number:02}.{extension}", bytes(data)


def _srgb_profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
