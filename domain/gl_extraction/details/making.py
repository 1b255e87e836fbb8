"""The one way in which details are made: ingest, batch calls, reversals and postings all come through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from sqlalchemy import Connection

from domain.gl_extraction.balances import recording as balances
from domain.gl_extraction.balances.model import Movement, Place, Sums
from domain.gl_extraction.balances.sums import merged
from domain.gl_extraction.details.alike import Sheet
from domain.gl_extraction.details.errors import DetailsInMotion
from domain.gl_extraction.details.rows import CORE_COLUMNS, Slot, SoundRow
from domain.gl_extraction.details.store import insert, insert_alike
from domain.gl_extraction.details.store.insert import Batch, Holder, Making
from domain.gl_extraction.names import batch_name, detail_name
from domain.kernel.errors import Violation

_ACCOUNT = CORE_COLUMNS.index("distribution_account")
_ATTEMPTS = 3  # a holder may be voided between the insert that it stopped and the look at it


@dataclass(frozen=True, slots=True)
class Made:
    """What became of rows, by their position.

    `ids` of the details that stand for them (made now, or there already with the same content); `clashes` that say why
    there is none. `created` are the rows that were made now, with their ids, and `moved` is what they come to.
    """

    ids: Mapping[int, int]
    clashes: Mapping[int, Violation]
    created: Sequence[tuple[SoundRow, int]]
    moved: Sequence[Movement] = ()


def make(
    tx: Connection,
    rows: Sequence[SoundRow],
    making: Making,
    *,
    periods: Mapping[Slot, str],
    reverses: Mapping[int, int] | None = None,
) -> Made:
    """Make details of sound rows whose `periods` are open; each external id once (GLX-02).

    A row whose external id is held with the same content stands for that detail; with other content, or by a void
    detail whose batch awaits its resend (GLX-03), it clashes. `reverses` holds, by position, the id of the detail
    reversed.

    What was made moves the balances. Cost: about seven statements, however many rows. Raises: DetailsInMotion.
    """
    firsts, later = _by_external_id(rows)
    if not firsts:
        return Made({}, {}, [])
    numbers = insert.new_ids(tx, [row.bucket for row in firsts])
    of = reverses or {}
    pairs = list(zip(firsts, numbers, strict=True))
    asked = {row.position: (detail_id, of.get(row.position, 0), periods[row.slot]) for row, detail_id in pairs}
    held, awaiting = _settle(tx, Batch(firsts, asked, making))
    if not held and not awaiting and not later:
        moved = _moved(tx, pairs, periods, making)
        return Made({row.position: detail_id for row, detail_id in pairs}, {}, pairs, moved)
    ids: dict[int, int] = {}
    clashes: dict[int, Violation] = {}
    for first, detail_id in pairs:
        holder = held.get(detail_id) or Holder(detail_id, first.content_hash)
        for row in (first, *later.get(first.position, ())):
            if detail_id in awaiting:
                clashes[row.position] = _awaits("its batch" if making.discreet else batch_name(awaiting[detail_id]))
            elif row.content_hash == holder.content_hash:
                ids[row.position] = holder.detail_id
            else:
                clashes[row.position] = _taken("another" if making.discreet else detail_name(holder.detail_id))
    created = [(row, detail_id) for row, detail_id in pairs if ids.get(row.position) == detail_id]
    return Made(ids, clashes, created, _moved(tx, created, periods, making))


@dataclass(frozen=True, slots=True)
class MadeAlike:
    """The ids of rows that were made, in their order, and what they come to."""

    ids: list[int]
    moved: Sequence[Movement]


def make_alike(
    tx: Connection, sheets: Sequence[Sheet], making: Making, *, periods: Mapping[Slot, str]
) -> MadeAlike | None:
    """As `make`, of rows that are alike; None, and nothing is done, unless all external ids are free.

    Cost: some 5 µs of CPU a row and as much of the database's, and seven statements.
    """
    ids = insert.new_ids(tx, [bucket for sheet in sheets for bucket in sheet.buckets])
    rest = iter(ids)
    asked = [(list(islice(rest, len(sheet.buckets))), periods[sheet.like.slot]) for sheet in sheets]
    if not insert_alike.make(tx, sheets, asked, making):
        return None
    moved = merged(_moved_alike(sheet, period) for sheet, (_, period) in zip(sheets, asked, strict=True))
    balances.made(tx, moved, now_us=making.created_us)
    return MadeAlike(ids, moved)


def _moved_alike(sheet: Sheet, period: str) -> Movement:
    place = Place(sheet.like.slot[0], period, sheet.like.cells[_ACCOUNT], sheet.like.currency)
    debit, credit = (sum(cast("list[int]", sheet.own[side])) for side in ("debit_minor", "credit_minor"))
    return Movement(place, Sums(debit, credit, len(sheet.buckets)))


def _by_external_id(rows: Sequence[SoundRow]) -> tuple[list[SoundRow], dict[int, list[SoundRow]]]:
    """The first row with each external id, and by its position those that come later with the same."""
    if len({row.key for row in rows}) == len(rows):
        return list(rows), {}
    seen: dict[str, SoundRow] = {}
    later: dict[int, list[SoundRow]] = {}
    for row in rows:
        first = seen.setdefault(row.key, row)
        if first is not row:
            later.setdefault(first.position, []).append(row)
    return list(seen.values()), later


def _settle(tx: Connection, batch: Batch) -> tuple[dict[int, Holder], dict[int, int]]:
    """Make the rows; gives who holds the others' external ids, and the batches that others wait for."""
    held: dict[int, Holder] = {}
    made = insert.make(tx, batch)
    for _ in range(_ATTEMPTS):
        held = insert.holders(tx, batch) if made < len(batch.rows) else {}
        if made + len(held) == len(batch.rows):
            break
        made += insert.make_again(tx, batch)
    else:
        raise DetailsInMotion
    # Looked at after the insert: an external id that it found free by a void detail is one whose voiding is seen here.
    asked_ids = {asked[0] for asked in batch.asked.values()}
    awaiting = {asked: of for asked, of in insert.awaiting_resend(tx, asked_ids).items() if asked not in held}
    if awaiting:
        insert.unmake(tx, list(awaiting))
    return held, awaiting


def _moved(
    tx: Connection, created: Sequence[tuple[SoundRow, int]], periods: Mapping[Slot, str], making: Making
) -> list[Movement]:
    """What the details made come to, as it was recorded for the balances. Cost: 0.4 µs a row, and a statement."""
    sums: dict[tuple[str, str], dict[tuple[str, str], list[int]]] = {}
    of_slot = {slot: sums.setdefault((slot[0], period), {}) for slot, period in periods.items()}
    for row, _ in created:
        of_period = of_slot[row.slot]
        key = (row.cells[_ACCOUNT], row.currency)
        figures = of_period.get(key)
        if figures is None:
            of_period[key] = [row.debit_minor, row.credit_minor, 1]
        else:
            figures[0] += row.debit_minor
            figures[1] += row.credit_minor
            figures[2] += 1
    moved = [
        Movement(Place(*period, *key), Sums(*figures))
        for period, of_period in sorted(sums.items())
        for key, figures in sorted(of_period.items())
    ]
    balances.made(tx, moved, now_us=making.created_us)
    return moved


def _taken(holder: str) -> Violation:
    text = f"is held, with other content, by {holder}; the content of a detail never changes"
    return Violation("external_id", "EXTERNAL_ID_TAKEN", text)


def _awaits(name: str) -> Violation:
    text = f"was voided after {name} had sent it; resend that batch first, then it can be made again"
    return Violation("external_id", "EXTERNAL_ID_AWAITS_RESEND", text)
