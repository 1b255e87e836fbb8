"""Lines and reckoned taxes come onto running invoices, by arrival and for many accounts at once (INV-11, INV-16).

What an invoice's lines come to stands in its row and is changed by the same statement that locks it: whoever closes or
carries the invoice sees all of a set or nothing. The schedule is held meanwhile, so that it is not closed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.model import Cycle, Schedule
from domain.invoicing.invoices import refusals
from domain.invoicing.invoices.errors import RunningInvoiceBusy
from domain.invoicing.invoices.model import Added, Key, NewLine, Place, ReckonedTax
from domain.invoicing.invoices.sorting import Refuse, Rows, Sorted
from domain.invoicing.invoices.store import adding as store
from domain.invoicing.invoices.store.adding import HeldLine, Running, Sum, Taken
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import Violation
from domain.kernel.ids import new_id

_FEW = 100  # rows, above which it is not looked first whether they are there
_HELD = frozenset({"invoice_line_once", "invoice_reckoned_tax_once"})
_ATTEMPTS = 3  # an invoice may get another currency, or grow, between the look at it and its lock


def add(tx: Connection, call: Call, cycle: Cycle, lines: Sequence[NewLine], taxes: Sequence[ReckonedTax] = ()) -> Added:
    """Put lines and taxes on the running invoices of their accounts, in the schedule that takes new ones now.

    Rows whose form is wrong are a bug of the caller's. What is there already with the same content is unchanged; other
    content, another currency than the account's running invoices have, a tax that the cycle has no code for and an
    invoice beyond all sizes are refused, row by row. The audit trail has one entry.

    Cost: some nine statements, however many rows. The invoices are locked, by account, until the transaction ends, and
    the schedule stays open.

    Raises: as `schedules.covering`; RunningInvoiceBusy, and the transaction can be run again.
    """
    schedule = schedules.covering(tx, call, cycle.code, call.now_us)
    if tx.dialect.name == "postgresql" and len(lines) + len(taxes) > _FEW:
        added = _add_new(tx, call, cycle, schedule, _Handed(lines, taxes))
        if added is not None:
            return added
    held = store.lines(tx, {line.key for line in lines})
    held_taxes = store.taxes(tx, {tax.key for tax in taxes})
    return _add(tx, call, cycle, schedule, _Handed(lines, taxes, held, held_taxes))


@dataclass(frozen=True, slots=True)
class _Handed:
    """What is handed in, and by key what of it is there already."""

    lines: Sequence[NewLine]
    taxes: Sequence[ReckonedTax]
    held: Mapping[Key, HeldLine] = field(default_factory=dict)
    held_taxes: Mapping[Key, ReckonedTax] = field(default_factory=dict)


def _add_new(tx: Connection, call: Call, cycle: Cycle, schedule: Schedule, handed: _Handed) -> Added | None:
    """Add without looking whether any is there, as nearly all are new; None, and nothing is done, when one is.

    On PostgreSQL the look costs a third of all else; what is done is taken back to where it began.
    """
    try:
        with tx.begin_nested():
            return _add(tx, call, cycle, schedule, handed)
    except IntegrityError as error:
        driver: Any = error.orig
        if driver.diag.constraint_name not in _HELD:
            raise
        return None


def _add(tx: Connection, call: Call, cycle: Cycle, schedule: Schedule, handed: _Handed) -> Added:
    lines, taxes, held = handed.lines, handed.taxes, handed.held
    kept = {key: each.line for key, each in held.items()}
    refuse = untaxed(cycle)
    rows = Sorted(
        Rows(lines, kept, refuse, refusals.DIFFERS), Rows(taxes, handed.held_taxes, refuse, refusals.TAX_DIFFERS)
    )
    by_account = taken(tx, call, schedule, rows)
    made = dict(_places(rows.lines, by_account))
    taxed = [(taxes[at], by_account[account].invoice_id) for account, some in rows.taxes.waiting.items() for at in some]
    store.insert_lines(tx, [(lines[at], place) for at, place in made.items()], call.now_us)
    store.insert_taxes(tx, taxed)
    rows.follow()
    unchanged = {at: held[lines[at].key].place for at in rows.lines.held}
    unchanged |= {at: made[first] for at, first in rows.lines.again if first in made}
    added = Added(made, unchanged, rows.lines.refused, len(taxed), rows.taxes.refused)
    if made or taxed:
        created = [(lines[at].currency, 1, lines[at].net_minor) for at in made]
        refused = len(added.refused)
        tell(tx, call, schedule, created=created, unchanged=len(unchanged), refused=refused, taxes=len(taxed))
    return added


class Coming(Protocol):
    """What comes to accounts."""

    @property
    def accounts(self) -> set[str]:
        """Those for which anything waits."""
        ...

    def sums(self, known: Mapping[str, Sequence[Running]], accounts: Collection[str], now_us: int) -> list[Sum]:
        """What comes to accounts whose running invoices are known, by account."""
        ...


def untaxed(cycle: Cycle) -> Refuse:
    """What refuses a row with a tax that the cycle has no distribution code for: its rounding could not be posted."""

    def refuse(row: NewLine | ReckonedTax) -> Violation | None:
        if row.tax_ppm and row.tax_category not in cycle.settings.taxes:
            return refusals.tax_code_missing(row.tax_category, cycle.code)
        return None

    return refuse


def taken(tx: Connection, call: Call, schedule: Schedule, coming: Coming) -> dict[str, Taken]:
    """By account, the invoice that has taken what comes to it. Raises: RunningInvoiceBusy; as `Coming.sums`."""
    found: dict[str, Taken] = {}
    waiting = coming.accounts
    known_in = {schedule.code, *store.places(tx, schedule.cycle_code)} if waiting else set()
    for _ in range(_ATTEMPTS):
        if not waiting:
            return found
        known = store.running(tx, schedule.cycle_code, known_in, schedule.code, waiting)
        sums = coming.sums(known, waiting, call.now_us)
        found |= store.take_in(tx, schedule.cycle_code, schedule.code, sums, call.now_us)
        waiting = {each.account_id for each in sums} - found.keys()
    if waiting:
        raise RunningInvoiceBusy
    return found


def tell(
    tx: Connection,
    call: Call,
    schedule: Schedule,
    *,
    created: Iterable[tuple[str, int, int]],
    unchanged: int = 0,
    refused: int = 0,
    taxes: int,
) -> None:
    """One entry for all rows, under a name of its own: sets that commit at the same time do not meet (PLT-11).

    `created` are currencies with how many lines were made and what these come to.
    """
    totals: dict[str, int] = defaultdict(int)
    made = 0
    for currency, count, minor in created:
        made += count
        totals[currency] += minor
    told: Document = {
        "schedule": schedule.name,
        "created_count": made,
        "unchanged_count": unchanged,
        "refused_count": refused,
        "reckoned_tax_count": taxes,
        "created_totals": dict(sorted(totals.items())),
    }
    scope_id = scopes.intern(tx, scopes.of_one("cycles", schedule.cycle_code))
    events.append(tx, call, f"invoiceLineImports/{new_id(call.now_us)}", "invoice_lines.added", told, scope_id=scope_id)


def _places(lines: Rows[NewLine], by_account: Mapping[str, Taken]) -> Iterator[tuple[int, Place]]:
    """Where each line that was taken stands: by arrival behind those that were there."""
    for account, positions in lines.waiting.items():
        if positions:
            invoice_id, last = by_account[account]
            for line_no, position in enumerate(positions, last - len(positions) + 1):
                yield position, Place(invoice_id, line_no)
