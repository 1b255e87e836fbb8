"""The one way in which details are made: ingest, batch calls, reversals and postings all come through here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.gl_extraction.details.errors import DetailsInMotion
from domain.gl_extraction.details.rows import Slot, SoundRow
from domain.gl_extraction.details.store import insert
from domain.gl_extraction.details.store.insert import Holder, Making
from domain.gl_extraction.names import batch_name, detail_name
from domain.kernel.documents import Document
from domain.kernel.errors import Violation
from domain.kernel.money import decimal_text

_ATTEMPTS = 3  # a holder may be voided between the insert that it stopped and the look at it


@dataclass(frozen=True, slots=True)
class Made:
    """What became of rows.

    By their place among the rows: `ids` of the details that stand for them (made now, or there already with the same
    content), `clashes` that say why there is none. `created` are the places of those made now.
    """

    ids: Mapping[int, int]
    clashes: Mapping[int, Violation]
    created: Sequence[int]


def make(
    tx: Connection,
    rows: Sequence[SoundRow],
    making: Making,
    *,
    periods: Mapping[Slot, str],
    reverses: Sequence[int] | None = None,
) -> Made:
    """Make details of sound rows whose `periods` are open; each external id once (GLX-02).

    A row whose external id is held with the same content stands for that detail; with other content, or by a void
    detail whose batch awaits its resend (GLX-03), it clashes. `reverses` holds, row by row, the detail reversed.

    Cost: about six statements, however many rows. Raises: DetailsInMotion.
    """
    places, twins, clashes = _first_of_each_id(rows)
    firsts = [rows[place] for place in places]
    ids: dict[int, int] = {}
    created: list[int] = []
    if firsts:
        asked = insert.number_rows(tx, firsts)
        reversed_ids = [reverses[place] for place in places] if reverses else None
        mask = insert.stage(tx, firsts, asked, periods=periods, reverses=reversed_ids)
        held, awaiting = _settle(tx, making, mask, count=len(firsts))
        for place, detail_id in zip(places, asked, strict=True):
            holder = held.get(detail_id)
            if detail_id in awaiting:
                clashes[place] = _awaits(awaiting[detail_id])
            elif holder is None:
                ids[place] = detail_id
                created.append(place)
            elif holder.same:
                ids[place] = holder.detail_id
            else:
                clashes[place] = _taken(detail_name(holder.detail_id))
    for place, first in twins.items():
        if first in ids:
            ids[place] = ids[first]
        else:
            clashes[place] = clashes[first]
    return Made(ids, clashes, created)


def totals(rows: Iterable[SoundRow]) -> Document:
    """Debits and credits by currency as decimal strings, for the audit trail: `{"USD": {"debit": "1.00", …}}`."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        of_currency = sums.setdefault(row.currency, [0, 0])
        of_currency[0] += row.debit_minor
        of_currency[1] += row.credit_minor
    return {
        currency: {"debit": decimal_text(debit, currency), "credit": decimal_text(credit, currency)}
        for currency, (debit, credit) in sorted(sums.items())
    }


def _first_of_each_id(rows: Sequence[SoundRow]) -> tuple[list[int], dict[int, int], dict[int, Violation]]:
    """Places of the first row with each external id; of later ones with the same content, and of those with other."""
    seen: dict[tuple[str, str], int] = {}
    places: list[int] = []
    twins: dict[int, int] = {}
    clashes: dict[int, Violation] = {}
    for place, row in enumerate(rows):
        first = seen.setdefault((row.source, row.external_id), place)
        if first == place:
            places.append(place)
        elif rows[first].content_hash == row.content_hash:
            twins[place] = first
        else:
            clashes[place] = _taken("another row before it")
    return places, twins, clashes


def _settle(tx: Connection, making: Making, mask: int, *, count: int) -> tuple[dict[int, Holder], dict[int, int]]:
    """Make the staged rows; gives who holds the others' external ids, and the batches that others wait for."""
    made, held = 0, {}
    for _ in range(_ATTEMPTS):
        made += insert.make(tx, making, mask)
        held = insert.holders(tx) if made < count else {}
        if made + len(held) == count:
            break
    else:
        raise DetailsInMotion
    # Looked at after the insert: an external id that it found free by a void detail is one whose voiding is seen here.
    awaiting = {asked: batch for asked, batch in insert.awaiting_resend(tx).items() if asked not in held}
    if awaiting:
        insert.unmake(tx, list(awaiting))
    return held, awaiting


def _taken(holder: str) -> Violation:
    text = f"is held, with other content, by {holder}; the content of a detail never changes"
    return Violation("external_id", "EXTERNAL_ID_TAKEN", text)


def _awaits(batch_no: int) -> Violation:
    name = batch_name(batch_no)
    text = f"was voided after {name} had sent it; resend that batch first, then it can be made again"
    return Violation("external_id", "EXTERNAL_ID_AWAITS_RESEND", text)
