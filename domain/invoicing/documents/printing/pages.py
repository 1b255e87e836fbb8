"""Blocks of known height, put on pages: first rows of the table, with what is carried on, then the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from domain.invoicing.documents.printing.letters import Points
from domain.invoicing.documents.printing.paper import Paper

TOP, BOTTOM = 74.0, 778.0
"""Between which blocks stand, on pages after the first; points from the upper edge."""

HEAD, CARRY = 18.0, 16.0
"""How high the table's head is, and a line with what is carried forward."""


@dataclass(frozen=True, slots=True)
class Block:
    """What is drawn in one piece, `height` points high; of a row, `sum_minor` is what all up to it come to."""

    height: Points
    draw: Callable[[Paper, Points], None]
    sum_minor: int = 0


@dataclass(slots=True)
class Page:
    """What stands where: each block with its upper edge. `head` is that of the table; 0 where there is none."""

    head: Points = 0.0
    placed: list[tuple[Points, Block]] = field(default_factory=list)
    carried_in: int | None = None
    carried_out: int | None = None
    end: Points = TOP


def pages_of(rows: Sequence[Block], rest: Iterable[Block], *, first_top: Points) -> list[Page]:
    """The pages; the table begins at `first_top` on the first of them.

    A row stands where it fits together with the line that carries its sum on; a block that fits nowhere begins a page.
    """
    pages = [Page(head=first_top, end=first_top + HEAD)]
    for number, row in enumerate(rows):
        kept = 0 if number == len(rows) - 1 else CARRY
        if pages[-1].end + row.height + kept > BOTTOM and (pages[-1].placed or len(pages) == 1):
            carried = rows[number - 1].sum_minor if number else None
            pages[-1].carried_out = carried
            pages.append(Page(head=TOP, carried_in=carried, end=TOP + HEAD + (0 if carried is None else CARRY)))
        _place(pages[-1], row)
    for block in rest:
        if pages[-1].end + block.height > BOTTOM:
            pages.append(Page())
        _place(pages[-1], block)
    return pages


def _place(page: Page, block: Block) -> None:
    page.placed.append((page.end, block))
    page.end += block.height
