"""What a file is, whatever its sender calls it, and what of it may be kept. Pure.

A picture is drawn anew: place, time and camera, which telephones write into it, stay behind. A video and a voice
note are kept as they came.
"""

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

import puremagic
from PIL import Image, ImageOps, UnidentifiedImageError

from core import audio
from core.problems import Problem
from intake.attachments.texts import text

MEGABYTE = 1024 * 1024
LARGEST_SIDE = 2560
"""Pixels; enough to read a number plate by."""
MOST_PIXELS = 60_000_000
"""Of a picture as it comes: what a telephone takes, and not what is made to fill the memory when it is unpacked."""
JPEG_QUALITY = 85
PICTURES = ("JPEG", "PNG", "WEBP", "GIF")
VIDEOS = ("video/mp4", "video/quicktime", "video/webm", "video/3gpp")


class Kind(StrEnum):
    """What a citizen sent."""

    PICTURE = "picture"
    VIDEO = "video"
    VOICE = "voice"


LARGEST = {Kind.PICTURE: 20 * MEGABYTE, Kind.VIDEO: 50 * MEGABYTE, Kind.VOICE: 10 * MEGABYTE}
LARGEST_FILE = max(LARGEST.values())


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that can be kept."""

    kind: Kind
    media_type: str
    content: bytes


def look_at(content: bytes, *, spoken: bool = False) -> Looked:
    """The file as it will be kept; `spoken` tells a voice note from a video where the container holds either.

    Raises Problem 413 for one that is too large, 415 for none of the kinds, 422 for a picture that cannot be drawn.
    """
    if not content:
        raise Problem(422, "Unprocessable Content", text("empty"), field="file")
    if spoken and (found := audio.media_type(content)) is not None:
        return Looked(Kind.VOICE, found, _sized(Kind.VOICE, content))
    if (found := _magic(content)) in VIDEOS:
        return Looked(Kind.VIDEO, found, _sized(Kind.VIDEO, content))
    return _picture(_sized(Kind.PICTURE, content))


def _sized(kind: Kind, content: bytes) -> bytes:
    if len(content) > LARGEST[kind]:
        most, size = LARGEST[kind] // MEGABYTE, len(content) / MEGABYTE
        detail = text("too_large", kind=text(kind), size=f"{size:.1f}", most=most)
        raise Problem(413, "Content Too Large", detail, field="file")
    return content


def _magic(content: bytes) -> str:
    try:
        return str(puremagic.from_string(content[:4096], mime=True))
    except puremagic.PureError:
        return ""


def _picture(content: bytes) -> Looked:
    try:
        with Image.open(BytesIO(content), formats=PICTURES) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                detail = text(
                    "too_many_pixels", width=opened.width, height=opened.height, most=MOST_PIXELS // 1_000_000
                )
                raise Problem(413, "Content Too Large", detail, field="file")
            return _drawn_anew(opened)
    except UnidentifiedImageError:
        raise Problem(415, "Unsupported Media Type", text("not_allowed"), field="file") from None
    except Image.DecompressionBombError:
        raise Problem(413, "Content Too Large", text("broken"), field="file") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Problem(422, "Unprocessable Content", text("broken"), field="file") from error


def _drawn_anew(opened: Image.Image) -> Looked:
    """The first frame, upright, no larger than is needed, and nothing beside its pixels."""
    flat = opened.format == "PNG" or opened.mode in ("P", "RGBA", "LA")
    upright = ImageOps.exif_transpose(opened).convert("RGBA" if flat else "RGB")
    upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    pixels = Image.new(upright.mode, upright.size)
    pixels.paste(upright)
    drawn = BytesIO()
    if flat:
        pixels.save(drawn, "PNG", optimize=True)
        return Looked(Kind.PICTURE, "image/png", drawn.getvalue())
    pixels.save(drawn, "JPEG", quality=JPEG_QUALITY)
    return Looked(Kind.PICTURE, "image/jpeg", drawn.getvalue())
