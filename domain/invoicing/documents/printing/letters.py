"""The letters of paper: which font has which, how they are shaped and in which direction they run (UAX 9).

A line is written in the first font, but for letters that it lacks: those are of the first of the others that has them,
shaped by HarfBuzz. What no font has is drawn as a box; `lacking` says so beforehand.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from bidi import algorithm, get_base_level
from bidi.mirror import MIRRORED
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont, shapeStr

from domain.invoicing.documents.printing import fonts

REGULAR, BOLD = "NotoSans", "NotoSans-Bold"
"""The first font, in its two weights."""

Points = float
"""A length on paper, in 72ths of an inch; amounts are never told in it."""

Mille = float
"""A thousandth of the size of a font, in which its letters are wide."""

_MILLE = 1000
_KEPT = 10_000  # lines, of which the pieces are kept: those of a seller stand on all of its invoices


_DIRECTIONS = frozenset({"L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "S", "WS", "ON"})
"""Of letters that Unicode knows; what turns directions, or parts paragraphs, does not come here."""


class Piece(NamedTuple):
    """A part of a line as it is drawn from left to right."""

    font: str
    text: str
    width: Mille


def width_of(text: str, font: str, size: Points) -> Points:
    """How wide a line is; `font` is REGULAR or BOLD."""
    if plain(text):
        return pdfmetrics.stringWidth(text, font, size)
    return sum(piece.width for piece in pieces(text, font)) * size / _MILLE


def plain(text: str) -> bool:
    """Whether the first font has all letters, so that nothing is to be shaped."""
    return text.isascii() or _first() >= set(text)


@lru_cache(maxsize=_KEPT)
def pieces(text: str, font: str) -> tuple[Piece, ...]:
    """A line in pieces, from left to right."""
    return tuple(piece for run in _runs(text) for piece in _shaped(run, font))


def lacking(text: str) -> str:
    """The first letter that no font has; empty where there is none."""
    return "" if plain(text) else next((char for char in text if _font_of(char) is None), "")


class _Run(NamedTuple):
    text: str
    level: int

    @property
    def leftward(self) -> bool:
        return bool(self.level % 2)


def _runs(text: str) -> list[_Run]:
    """Parts of one direction each, in the order in which they stand from left to right (UAX 9, rule L2).

    Brackets do not find their pair (rule N0).
    """
    if not _DIRECTIONS.issuperset(map(unicodedata.bidirectional, text)):
        return [_Run(text, 0)]
    base = int(get_base_level(text))
    storage: dict[str, Any] = {"base_level": base, "base_dir": "LR"[base], "chars": [], "runs": deque()}
    algorithm.get_embedding_levels(text, storage)
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    algorithm.resolve_neutral_types(storage, debug=False)
    algorithm.resolve_implicit_levels(storage, debug=False)
    levels = ((char["level"], char["ch"]) for char in storage["chars"])
    runs = [_Run("".join(char for _, char in of), level) for level, of in groupby(levels, key=lambda each: each[0])]
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        runs = _turned(runs, level)
    return runs


def _turned(runs: Sequence[_Run], level: int) -> list[_Run]:
    """The runs, each sequence of at least that level the other way round."""
    found: list[_Run] = []
    for turned, of in groupby(runs, key=lambda run: run.level >= level):
        some = list(of)
        found += reversed(some) if turned else some
    return found


def _shaped(run: _Run, font: str) -> Iterator[Piece]:
    """A run by the fonts of its letters; spaces and signs stay with the letters before them."""
    parts: list[tuple[int, str]] = []
    for char in run.text:
        number = _font_of(char) or 0
        if parts and (number == parts[-1][0] or (_is_neutral(char) and _has(parts[-1][0], char))):
            parts[-1] = (parts[-1][0], parts[-1][1] + char)
        else:
            parts.append((number, char))
    for number, text in reversed(parts) if run.leftward else parts:
        name = _names(font)[number]
        if number == 0:
            text = _mirrored(text) if run.leftward else text  # noqa: PLW2901 - signs alone, as it has no such letters
            yield Piece(name, text, pdfmetrics.stringWidth(text, name, _MILLE))
        else:
            shaped = shapeStr(text, name, _MILLE, force=True)
            yield Piece(name, shaped, sum(each.x_advance for each in shaped.__shapeData__))


def _mirrored(text: str) -> str:
    """Signs as they stand in leftward text (UAX 9, rule L4); what is shaped is mirrored by that."""
    return "".join(MIRRORED.get(char, char) for char in reversed(text))


def _is_neutral(char: str) -> bool:
    return unicodedata.category(char)[0] not in "LN"


# The fonts, loaded once; what is 0 below is the first of them


def _font_of(char: str) -> int | None:
    """The first font that has a letter."""
    return next((number for number, letters in enumerate(_letters()) if char in letters), None)


def _has(number: int, char: str) -> bool:
    return char in _letters()[number]


def _first() -> frozenset[str]:
    return _letters()[0]


@lru_cache(maxsize=2)
def _names(font: str) -> tuple[str, ...]:
    """What the fonts are called in the weight of one of REGULAR and BOLD."""
    load()
    more = tuple(f"More-{number}" for number in range(len(fonts.more())))
    return (REGULAR, "World", *more) if font == REGULAR else (BOLD, "World-Bold", *more)


@lru_cache(maxsize=1)
def _letters() -> tuple[frozenset[str], ...]:
    """The letters that each font has."""
    found: Iterator[Any] = (pdfmetrics.getFont(name) for name in _names(REGULAR))
    return tuple(frozenset(chr(code) for code in font.face.charToGlyph if not _is_private(code)) for font in found)


@lru_cache(maxsize=1)
def load() -> None:
    """Load the fonts."""
    folder = resources.files("domain.invoicing.documents") / "fonts"
    for name, file in ((REGULAR, "NotoSans-Regular"), (BOLD, "NotoSans-Bold")):
        _register(name, (folder / f"{file}.ttf").read_bytes())
    for name, file in (("World", "World-Regular"), ("World-Bold", "World-Bold")):
        _number(_register(name, (folder / f"{file}.ttf").read_bytes()))
    for number, path in enumerate(fonts.more()):
        _number(_register(f"More-{number}", Path(path).read_bytes()))


def _register(name: str, data: bytes) -> TTFont:
    font = TTFont(name, BytesIO(data))
    pdfmetrics.registerFont(font)
    return font


def _number(font: Any) -> None:  # noqa: ANN401 - the stubs know nothing of shaping
    """Give a code to each glyph that shaping alone leads to, in the order of the font: not in that of their use.

    Documents are the same bytes then, whatever the process has drawn before.
    """
    face, shaper = font.face, font.hbFont()
    for glyph in range(face.numGlyphs):
        if glyph not in face.glyphToChar:
            font.hbAddPrivate(shaper.glyph_to_string(glyph), glyph, shaper.get_glyph_h_advance(glyph))


def _is_private(code: int) -> bool:
    return unicodedata.category(chr(code)) == "Co"
