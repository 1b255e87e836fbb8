"""Why an invoice stands where it stands: what decides whether it closes with its schedule (INV-03, INV-11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from domain.invoicing.configuration import schedule_store
from domain.invoicing.configuration.model import CycleSettings, Schedule, ScheduleState
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import listing
from domain.invoicing.invoices.model import Invoice, Shown, ShownState
from domain.invoicing.invoices.states import InvoiceKind
from domain.invoicing.names import batch_name, invoice_name
from domain.kernel.money import decimal_text
from domain.kernel.registers import service
from domain.kernel.scopes import Scope
from domain.kernel.time import iso_of


class Why(StrEnum):
    """What is to be said of an invoice."""

    SCHEDULE_NOT_ENDED = "SCHEDULE_NOT_ENDED"
    SCHEDULE_NOT_BATCHED = "SCHEDULE_NOT_BATCHED"
    SCHEDULE_IN_BATCH = "SCHEDULE_IN_BATCH"
    NO_LINES = "NO_LINES"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    MINIMUM_MET = "MINIMUM_MET"
    FINAL = "FINAL"
    CARRIED_OFTEN_ENOUGH = "CARRIED_OFTEN_ENOUGH"
    IN_BATCH = "IN_BATCH"
    NOT_AGGREGATED = "NOT_AGGREGATED"
    LOCKED = "LOCKED"
    PUBLISHED = "PUBLISHED"
    MERGED = "MERGED"
    CREDIT_NOTE = "CREDIT_NOTE"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing to be said, with a sentence for a person."""

    why: Why
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an invoice stands. `closes`: as it is now, it closes with its schedule; of one that runs alone.

    `minimum_minor` is None where its currency has no minimum; `end_us` is that of its schedule, 0 for a credit note.
    """

    shown: Shown
    closes: bool
    reasons: tuple[Reason, ...]
    minimum_minor: int | None
    maximum_carries: int
    end_us: int


def explain(tx: Connection, account_id: str, invoice_id: str, scope: Scope, now_us: int) -> Explanation:
    """How an invoice stands, and why. Raises: InvoiceNotFound, also outside the scope. Cost: some seven statements."""
    found = listing.get(tx, account_id, invoice_id, scope)
    of = found.invoice
    settings = service.get(tx, CYCLES, of.cycle_code).settings
    schedule = schedule_store.find(tx, of.cycle_code, of.schedule_code)
    decided = list(_deciding(of, settings))
    closes = found.state is ShownState.RUNNING and any(each.why in _CLOSING for each in decided)
    if found.state is ShownState.RUNNING and schedule is not None:
        decided += _waiting(schedule, now_us)
    elif found.state is not ShownState.RUNNING:
        decided = list(_settled(found))
    return Explanation(
        found,
        closes,
        tuple(decided),
        settings.minimum_usage.get(of.currency),
        settings.maximum_carries,
        schedule.end_us if schedule else 0,
    )


_CLOSING = frozenset({Why.FINAL, Why.MINIMUM_MET, Why.CARRIED_OFTEN_ENOUGH})


def _deciding(of: Invoice, settings: CycleSettings) -> Iterator[Reason]:
    """What decides whether it closes, in the order in which it does."""
    if of.final:
        yield Reason(Why.FINAL, "it is final: it closes whatever it comes to")
    if not of.line_count:
        yield Reason(Why.NO_LINES, "it has no lines: unless it is final, it goes on to the next schedule")
        return
    net = f"{decimal_text(of.net_minor, of.currency)} {of.currency}"
    minimum = settings.minimum_usage.get(of.currency)
    if minimum is None:
        yield Reason(Why.MINIMUM_MET, f"its lines come to {net}, and the cycle has no minimum of this currency")
        return
    least = f"{decimal_text(minimum, of.currency)} {of.currency}"
    if of.net_minor >= minimum:
        yield Reason(Why.MINIMUM_MET, f"its lines come to {net}; the minimum is {least}")
        return
    yield Reason(Why.BELOW_MINIMUM, f"its lines come to {net}, which is below the minimum of {least}")
    if settings.maximum_carries and of.carried_count >= settings.maximum_carries:
        text = f"it was carried {of.carried_count} times, and the most is {settings.maximum_carries}: it closes"
        yield Reason(Why.CARRIED_OFTEN_ENOUGH, text)


def _waiting(schedule: Schedule, now_us: int) -> Iterator[Reason]:
    """What its schedule waits for."""
    if schedule.end_us >= now_us:
        yield Reason(Why.SCHEDULE_NOT_ENDED, f"its schedule ends at {iso_of(schedule.end_us)}")
    if schedule.batch_id:
        yield Reason(Why.SCHEDULE_IN_BATCH, f"its schedule is closed by {batch_name(schedule.batch_id)}")
    elif schedule.state is ScheduleState.OPEN:
        yield Reason(
            Why.SCHEDULE_NOT_BATCHED, "its schedule is in no batch; CreateInvoiceBatch closes it once it has ended"
        )


def _settled(found: Shown) -> Iterator[Reason]:
    """What is to be said of one that does not run."""
    of = found.invoice
    if of.kind is InvoiceKind.CREDIT_NOTE:
        yield Reason(Why.CREDIT_NOTE, f"it credits {invoice_name(of.account_id, of.credits_id)}")
    match found.state:
        case ShownState.MERGED:
            older = invoice_name(of.account_id, of.merged_into)
            yield Reason(Why.MERGED, f"its lines were taken over by {older}, which was carried")
        case ShownState.CLOSED:
            yield Reason(
                Why.IN_BATCH, f"it is closed in {batch_name(of.batch_id)}, and takes lines until that is locked"
            )
            if not of.aggregated:
                yield Reason(Why.NOT_AGGREGATED, "its lines are not aggregated yet; AggregateInvoices does it")
        case ShownState.LOCKED:
            yield Reason(Why.LOCKED, f"it is locked in {batch_name(of.batch_id)}, which is not published yet")
        case ShownState.PUBLISHED:
            yield Reason(Why.PUBLISHED, f"it was published with {batch_name(of.batch_id)}")
        case _:
            raise AssertionError(found.state)
