"""Credit notes of invoices (INV-17, BIL-13): one document gives back what bills have put on an invoice, and the rest.

Lines of bills go back by whole segments, and through billing: its credit note takes the segments back, and their
reversals post the money. What no bill has made is posted by the document itself. It makes no difference who begins:
whoever credits a bill whose segments stand on an invoice that is out gets the same document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from domain.billing.accounts import store as accounts
from domain.billing.bills import crediting as bill_crediting
from domain.billing.bills.completing import Bench, Key
from domain.billing.bills.completion import Answered
from domain.billing.bills.crediting import Credit
from domain.billing.bills.invoicing import Invoiced as OfBill
from domain.billing.bills.invoicing import InvoicedAlike
from domain.billing.bills.store import some
from domain.billing.segments.model import Segment
from domain.billing.segments.states import SegmentState
from domain.flows.invoicing import Invoiced
from domain.invoicing.crediting import making, service, store
from domain.invoicing.crediting.choosing import Part, chosen
from domain.invoicing.crediting.making import GivenBack
from domain.invoicing.invoices import listing
from domain.invoicing.invoices.model import InvoiceLine, Shown
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.scopes import EVERYTHING


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be given back of an invoice: lines by number, or parts of them, none: all that is left; and why.

    `currencies` are those that amounts of parts are told in.
    """

    account_id: str
    invoice_id: str
    line_nos: frozenset[int]
    reason: str
    parts: Mapping[int, Part] = field(default_factory=dict)
    currencies: frozenset[str] = frozenset()


def credit(tx: Connection, call: Call, bench: Bench, wanted: Wanted, said: Answered) -> Shown:
    """Give lines of a locked invoice back by a credit note; of bills, with all other lines of their segments.

    Bills are credited whatever cycles of bills the caller sees: who may credit invoices, does. Cost: some thirty
    statements, and those of billing's credit note for each bill.

    Raises: InvoiceNotFound, also outside the scope; InvoiceNotLocked; CreditNoteNotCredited; Invalid for the reason; as
    `choosing.chosen`, `billing.bills.crediting.credit` and `making.make`.
    """
    require_storable(reason=wanted.reason)
    seen = listing.row(tx, wanted.account_id, wanted.invoice_id, call.scope)
    lines = store.lines(tx, seen)
    if any(each.segment_id for each in lines):
        accounts.lock_accounts(tx, [seen.account_id])  # as billing does, before anything else of the account
    found = service.lock(tx, seen)
    lines = store.lines(tx, found)
    segments = some(tx, found.account_id, {each.segment_id for each in lines} - {""})
    gone = {each.segment_id for each in segments.values() if each.state is not SegmentState.FROZEN}
    if wanted.currencies - {found.currency}:
        text = f"must be in {found.currency}, the invoice's currency"
        raise Invalid(Violation("parts.net_amount", "LINE_CURRENCY_DIFFERS", text))
    asked: dict[int, Part | None] = {**dict.fromkeys(wanted.line_nos), **wanted.parts}
    picked = chosen(found, lines, asked, store.credited(tx, found), gone)
    back, turns = [each.line for each in picked], {each.line.line_no: each.turn for each in picked if each.turn}
    _credit_bills(tx, call, bench, wanted.reason, _of(segments, back), said)
    taxes = store.taxes_of(tx, found, {each.segment_id for each in back} - {""})
    note = making.make(tx, call, Invoiced(), GivenBack(found, back, taxes, wanted.reason, turns))
    return listing.shown(tx, [note])[0]


def given_back(tx: Connection, call: Call, bill: OfBill) -> OfBill:
    """Give what a credit note of billing takes back, and stands on invoices that are out, back by a document of each.

    Gives what is left of the bill for the running invoice. Cost: two statements, and those of each document.

    Raises: as `making.make`.
    """
    done: set[str] = set()
    for given in service.of_segments(tx, bill.account_id, bill.credited, bill.reason):
        making.make(tx, call, Invoiced(), given)
        done |= {each.segment_id for each in given.lines}
    return replace(
        bill,
        lines=tuple(each for each in bill.lines if each.segment_id not in done),
        taxes=tuple(each for each in bill.taxes if each.segment_id not in done),
    )


class _Elsewhere:
    """In place of running invoices: what bills take back goes on the document that is being made."""

    def add(self, tx: Connection, call: Call, bills: Sequence[OfBill], *, alike: Sequence[InvoicedAlike] = ()) -> None:
        """Nothing."""

    def take_off(self, tx: Connection, call: Call, account_id: str, bill_id: str) -> None:
        """Nothing."""


def _credit_bills(  # noqa: PLR0917 - whose, why, and by whom
    tx: Connection,
    call: Call,
    bench: Bench,
    reason: str,
    segments: Mapping[tuple[str, str], Collection[str]],
    said: Answered,
) -> None:
    everywhere, bench = replace(call, scope=EVERYTHING), replace(bench, invoices=_Elsewhere())
    for (account_id, bill_id), segment_ids in sorted(segments.items()):
        wanted = Credit(Key(account_id, bill_id), tuple(sorted(segment_ids)), reason)
        mine = replace(said, seed=f"{said.seed}/{bill_id}")  # no seed is used for two things
        bill_crediting.credit(tx, everywhere, bench, wanted, mine)


def _of(segments: Mapping[str, Segment], back: Sequence[InvoiceLine]) -> dict[tuple[str, str], set[str]]:
    """By bill, the segments that lines come from."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in back:
        if each.segment_id:
            segment = segments[each.segment_id]
            found[segment.account_id, segment.bill_id].add(segment.segment_id)
    return found
