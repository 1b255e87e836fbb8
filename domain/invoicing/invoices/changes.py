"""People change invoices: they add a line to one that is named, take one off, or say that one is final (INV-12)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import listing, mixing, refusals
from domain.invoicing.invoices.errors import InvoiceMerged, InvoiceNotRunning, LineNotFound, LineOfBill
from domain.invoicing.invoices.holding import hold
from domain.invoicing.invoices.ingest import KnownDistributionCodes, ingest_chunk, unknown_code
from domain.invoicing.invoices.model import (
    BILLING,
    INVOICE_NET_MAX,
    LINES_MAX,
    Invoice,
    InvoiceLine,
    NewLine,
    Place,
    Shown,
)
from domain.invoicing.invoices.rows import GivenLine, line_of, prepare
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.invoices.store import adding as adding_store
from domain.invoicing.invoices.store import changing as store
from domain.invoicing.invoices.store import reading
from domain.invoicing.invoices.taking import take_one_off
from domain.invoicing.names import INVOICE_TYPE, invoice_name
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.errors import EtagStale, Invalid, Violation
from domain.kernel.registers import service

WORD = "invoice_line"


def add_for_account(
    tx: Connection, call: Call, cycle_code: str, row: GivenLine, known_codes: KnownDistributionCodes
) -> InvoiceLine:
    """Put a line on the account's running invoice; one that is there already is given as it is.

    Raises: NotFound for an unknown cycle, also outside the scope; Invalid with every violation.
    """
    done = ingest_chunk(tx, call, cycle_code, prepare([row]), known_codes)
    if done.refusals:
        raise _invalid(*done.refusals[0].violations)
    return _line(tx, row.account.rpartition("/")[2], done.places[0])


def add_to(
    tx: Connection, call: Call, invoice_id: str, row: GivenLine, known_codes: KnownDistributionCodes
) -> InvoiceLine:
    """Put a line on an invoice of the account that runs, or is closed in a batch that is not locked yet.

    It is not aggregated then, which holds the batch. A line that is there already is given as it is. Cost: some twelve
    statements; the invoice is locked until the transaction ends, and its batch shared.

    Raises: InvoiceNotFound, also outside the scope; InvoiceLocked; InvoiceMerged; Invalid with every violation.
    """
    faults = prepare([row]).refusals
    if faults:
        raise _invalid(*faults[0].violations)
    line = line_of(row)
    listing.row(tx, line.account_id, invoice_id, call.scope)
    (found,) = hold(tx, line.account_id, lambda: [invoice_id])
    if found.state is InvoiceState.MERGED:
        raise InvoiceMerged(found.name, invoice_name(found.account_id, found.merged_into))
    held = adding_store.lines(tx, [line.key]).get(line.key)
    if held is not None:
        if held.line != line:
            raise _invalid(refusals.DIFFERS)
        return _line(tx, line.account_id, held.place)
    if line.distribution_code not in known_codes(tx, [line.distribution_code]):
        raise _invalid(unknown_code(line.distribution_code))
    if wrong := _misfit(tx, found, line):
        raise _invalid(wrong)
    place = store.grow(tx, found, line.net_minor, call.now_us)
    adding_store.insert_lines(tx, [(line, place)], call.now_us)
    _tell(tx, call, found, "invoice.line_added", {"line": place.line_no, "net_minor": line.net_minor})
    return _line(tx, line.account_id, place)


def take_line_off(tx: Connection, call: Call, account_id: str, place: Place) -> None:
    """Take a line off its invoice, which is not locked.

    Raises: InvoiceNotFound, LineNotFound, also outside the scope; LineOfBill; InvoiceLocked.
    """
    found = listing.line(tx, listing.row(tx, account_id, place.invoice_id, call.scope), place.line_no)
    if found.source == BILLING:
        raise LineOfBill(found.name)
    if not take_one_off(tx, call, account_id, found.source, found.external_id).lines:
        raise LineNotFound(account_id, place.invoice_id, place.line_no)


def set_final(tx: Connection, call: Call, account_id: str, invoice_id: str, *, final: bool | None, etag: str) -> Shown:
    """Say of a running invoice whether it is final: such a one closes with its schedule, whatever it comes to.

    None leaves it; an empty etag changes it as it is.

    Raises: InvoiceNotFound, also outside the scope; EtagStale; InvoiceLocked; InvoiceNotRunning.
    """
    listing.row(tx, account_id, invoice_id, call.scope)
    (found,) = hold(tx, account_id, lambda: [invoice_id])
    if etag not in {"", found.etag}:
        raise EtagStale(INVOICE_TYPE, found.name, etag=etag)
    if found.state is not InvoiceState.RUNNING:
        raise InvoiceNotRunning(found.name, found.state)
    if final is None or final == found.final:
        return listing.shown(tx, [found])[0]
    changed = replace(found, final=final, version=found.version + 1, updated_us=call.now_us)
    store.set_final(tx, changed)
    _tell(tx, call, found, "invoice.updated", {"from": {"final": found.final}, "to": {"final": final}})
    return listing.shown(tx, [changed])[0]


def _misfit(tx: Connection, found: Invoice, line: NewLine) -> Violation | None:
    """Why an invoice does not take a line, if so; as lines by arrival are refused."""
    cycle = service.get(tx, CYCLES, found.cycle_code)
    if line.currency != found.currency:
        return refusals.other_currency(line, found.currency)
    if line.tax_ppm and line.tax_category not in cycle.settings.taxes:
        return refusals.tax_code_missing(line.tax_category, cycle.code)
    if not mixing.fits(tx, found, line):
        return mixing.MIXED
    if found.last_line_no >= LINES_MAX:
        return refusals.LINES_TOO_MANY
    if abs(found.net_minor + line.net_minor) > INVOICE_NET_MAX:
        return refusals.too_large(found.currency)
    return None


def _invalid(*violations: Violation) -> Invalid:
    return Invalid(*(Violation(f"{WORD}.{found.field}", found.reason, found.description) for found in violations))


def _line(tx: Connection, account_id: str, place: Place) -> InvoiceLine:
    found = reading.line(tx, account_id, *place)
    assert found is not None, "it was put there, or stood there"
    return found


def _tell(tx: Connection, call: Call, of: Invoice, kind: str, told: dict[str, object]) -> None:
    scope_id = scopes.intern(tx, scopes.of_one(CYCLES.shelf.scope_kind, of.cycle_code))
    events.append(tx, call, of.name, kind, told, scope_id=scope_id)
