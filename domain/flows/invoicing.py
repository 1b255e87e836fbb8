"""The money path of invoicing: what bills have not posted of an invoice is posted when it is locked (INV-16)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.flows import codes
from domain.flows.post import Entry, post
from domain.gl_extraction.details.model import Maker, SubjectType
from domain.gl_extraction.distribution.model import Distribution
from domain.invoicing.batches.booking import Booking
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.scopes import EVERYTHING, Scope

SOURCE = "invoicing"
"""The source of the details; their external ids are `{invoice}/{key of the side}`, their grouping is the invoice."""


class Invoiced:
    """Posts what is locked, whatever the ledgers that its caller sees: who may administer batches, posts."""

    def known(self, tx: Connection, names: Collection[str]) -> frozenset[str]:
        """Those of the distribution codes that there are."""
        return frozenset(codes.ledgers(tx, names))

    def check(self, tx: Connection, names: Collection[str], day: int) -> dict[str, str]:
        """As `codes.check`."""
        return codes.check(tx, names, day)

    def post(self, tx: Connection, call: Call, bookings: Sequence[Booking]) -> None:
        """Make the details of each booking, or none of any.

        The audit trail has one entry, for those who see the cycles and ledgers. Cost: two statements, and those of
        `post`, however many bookings.

        Raises: DistributionCodeUnknown; PeriodMissing, NoOpenPeriod; AlreadyPosted.
        """
        known = codes.meanings(tx, {side.code for booking in bookings for side in booking.sides})
        entries = [entry for booking in bookings for entry in _entries(booking, known)]
        if not entries:
            return
        ledgers = frozenset(found.ledger_code for found in known.values())
        concerned = Scope(ledgers, frozenset(), frozenset(each.cycle_code for each in bookings))
        scope_id = scopes.intern(tx, concerned)
        post(tx, replace(call, scope=EVERYTHING), entries, Maker.INVOICING, scope_id=scope_id)


def _entries(booking: Booking, known: Mapping[str, Distribution]) -> Iterator[Entry]:
    for side in booking.sides:
        meaning = known[side.code]
        yield Entry(
            source=SOURCE,
            source_id=f"{booking.invoice_id}/{side.key}",
            subject_type=SubjectType.ACCOUNT,
            subject=f"accounts/{booking.account_id}",
            ledger_code=meaning.ledger_code,
            day=booking.day,
            transaction_day=booking.day,
            amount=side.amount,
            grouping=booking.invoice_id,
            bulking_group=meaning.bulking_group,
            reversal=booking.reversal,
            distribution_account=meaning.distribution_account,
            category=side.category or meaning.category,
            group_account_code=meaning.group_account_code,
            gl_segments=meaning.gl_segments,
            attributes=meaning.attributes,
        )
