"""Text for paper: what is shown of it, how it breaks into lines, how numbers and days are written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from domain.invoicing.documents.figures import day_of, percent
from domain.invoicing.documents.labels import Labels
from domain.invoicing.documents.printing.letters import Points, plain, width_of
from domain.kernel.characters import legible
from domain.kernel.money import decimal_text

DASH = "\N{EN DASH}"
_MORE = "…"
_GROUP = 3
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""What says how letters of some scripts are joined."""


def shown(text: str) -> str:
    """The text as it is printed: composed (NFC), without what is invisible or turns the direction of its neighbours."""
    if text.isascii():
        return legible(text)
    composed = unicodedata.normalize("NFC", legible(text))
    kept = "" if plain(composed) else _JOINERS
    return "".join(char for char in composed if char in kept or unicodedata.category(char) != "Cf")


def wrapped(text: str, font: str, size: Points, width: Points, *, lines_max: int = 0) -> list[str]:
    """The text in lines no wider than `width` points; at most `lines_max`, the last with an ellipsis, where given.

    Lines break at spaces, words that are wider than a line wherever they must.
    """
    lines = [line for paragraph in shown(text).splitlines() for line in _broken(paragraph, font, size, width)]
    if lines_max and len(lines) > lines_max:
        last = lines[lines_max - 1]
        while last and width_of(last + _MORE, font, size) > width:
            last = last[:-1]
        lines = [*lines[: lines_max - 1], last + _MORE]
    return lines


def fitting(text: str, font: str, size: Points, width: Points) -> Points:
    """The size, at most `size`, at which the text is no wider than `width` points."""
    wide = width_of(text, font, size)
    return size if wide <= width else size * width / wide


def _broken(paragraph: str, font: str, size: Points, width: Points) -> Iterator[str]:
    line = ""
    for word in paragraph.split():
        longer = f"{line} {word}" if line else word
        if width_of(longer, font, size) <= width:
            line = longer
            continue
        if line:
            yield line
        *whole, line = _cut(word, font, size, width)
        yield from whole
    yield line


def _cut(word: str, font: str, size: Points, width: Points) -> list[str]:
    """A word in pieces that fit; one piece, mostly."""
    pieces, piece, taken = [], "", 0.0
    if width_of(word, font, size) <= width:
        return [word]
    alone = plain(word)  # letters that are not shaped are as wide as each by itself
    for char in word:
        wide = taken + width_of(char, font, size) if alone else width_of(piece + char, font, size)
        if piece and wide > width:
            stays = _stem(piece) if unicodedata.combining(char) else len(piece)
            pieces.append(piece[:stays])
            piece = piece[stays:]
            wide = width_of(piece + char, font, size)
        piece, taken = piece + char, wide
    return [*pieces, piece]


def _stem(piece: str) -> int:
    """Where the last letter with its marks begins, so that it goes on whole; the end, where it is all there is."""
    at = len(piece) - 1
    while at > 0 and unicodedata.combining(piece[at]):
        at -= 1
    return at or len(piece)


@dataclass(frozen=True, slots=True)
class Written:
    """How a language writes numbers, amounts of the document's currency, rates and days."""

    labels: Labels
    currency: str

    def amount(self, minor: int) -> str:
        """Minor units with the currency's digits: 1,234.50."""
        return self.number(decimal_text(minor, self.currency))

    def money(self, minor: int) -> str:
        """The amount with its currency: 1,234.50 EUR."""
        return f"{self.amount(minor)} {self.currency}"

    def number(self, text: str) -> str:
        """Decimal text with the language's signs; what is no such text is left as it is."""
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        whole, point, rest = digits.partition(".")
        if not (whole + rest).isdecimal():
            return text
        first = len(whole) % _GROUP
        groups = [whole[:first], *(whole[at : at + _GROUP] for at in range(first, len(whole), _GROUP))]
        grouped = self.labels.thousands.join(group for group in groups if group)
        return f"{sign}{grouped}{self.labels.decimal_point if point else ''}{rest}"

    def rate(self, ppm: int) -> str:
        """Millionths as 19 %."""
        return f"{percent(ppm).replace('.', self.labels.decimal_point)} %"

    def day(self, yyyymmdd: int) -> str:
        """The day as the language has it."""
        day = day_of(yyyymmdd)
        return self.labels.day.format(year=day.year, month=day.month, day=day.day)

    def days(self, first: int, last: int) -> str:
        """A period, both days included; one of them where the other is not told."""
        return f" {DASH} ".join(self.day(day) for day in (first, last) if day)
