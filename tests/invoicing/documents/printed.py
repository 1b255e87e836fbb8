"""A PDF as its reader has it: pages of text with the boxes that letters stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import pypdfium2

Read = TypeVar("Read")
A4 = (595.28, 841.89)


@dataclass(frozen=True, slots=True)
class Word:
    """Letters that stand together on one line, and the box around them (points from the lower left)."""

    text: str
    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Word) -> bool:
        """Whether the boxes share more than an edge."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.top, other.top) - max(self.bottom, other.bottom)
        return across > 0.5 and down > 0.5


@contextmanager
def opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """The document, closed in the end."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()


def texts(pdf: bytes) -> list[str]:
    """The text of each page, in the order in which it was written."""
    with opened(pdf) as document:
        return [_on(page, _whole) for page in document]


def words(pdf: bytes) -> list[list[Word]]:
    """The words of each page."""
    with opened(pdf) as document:
        return [_on(page, lambda text: list(_words(text))) for page in document]


def _on(page: pypdfium2.PdfPage, read: Callable[[pypdfium2.PdfTextPage], Read]) -> Read:
    text = page.get_textpage()
    try:
        return read(text)
    finally:
        text.close()
        page.close()


def _whole(text: pypdfium2.PdfTextPage) -> str:
    return text.get_text_bounded().replace("\r\n", "\n")


def _words(text: pypdfium2.PdfTextPage) -> Iterator[Word]:
    letters: list[tuple[str, tuple[float, float, float, float]]] = []
    for place in range(text.count_chars()):
        letter = text.get_text_range(place, 1)
        if letter.strip():
            letters.append((letter, text.get_charbox(place, loose=False)))
        elif letters:
            yield _word(letters)
            letters = []
    if letters:
        yield _word(letters)


def _word(letters: list[tuple[str, tuple[float, float, float, float]]]) -> Word:
    boxes = [box for _, box in letters]
    return Word(
        "".join(letter for letter, _ in letters),
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
