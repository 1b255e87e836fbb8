"""Logos: PNGs that a document can show."""

from __future__ import annotations

from io import BytesIO

from PIL import Image


def decoded(png: bytes) -> Image.Image:
    """What the logo shows, in colors, with transparency where it has some. Raises: OSError where it is damaged."""
    file = Image.open(BytesIO(png), formats=["PNG"])
    return file.convert("RGBA" if file.has_transparency_data else "RGB")


def is_drawable(png: bytes) -> bool:
    """Whether a document can show it; how large it is has been looked at before."""
    try:
        decoded(png)
    except OSError:
        return False
    return True
