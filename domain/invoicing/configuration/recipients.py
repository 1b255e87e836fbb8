"""To whom the invoices of accounts go: one by one, and in bulk (INV-15).

What is replaced is kept, so that what was locked can still be shown as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from domain.invoicing.configuration import parties
from domain.invoicing.configuration import recipient_store as store
from domain.invoicing.configuration.model import Address, Party, Recipient, RecipientSettings
from domain.invoicing.configuration.registers import SHELF
from domain.invoicing.names import RECIPIENT_TYPE, recipient_name
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import REASON, character_fault
from domain.kernel.documents import Document
from domain.kernel.errors import EtagMissing, EtagStale, Invalid, NotFound, Violation
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.structures import document_of

WORD = "recipient"
_EMPTY = RecipientSettings(Party("", Address("")))


@dataclass(frozen=True, slots=True)
class Row:
    """A row that was read; `violations` say why nothing can be made of it, and then there are no `settings`."""

    account_id: str
    settings: RecipientSettings | None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was left out: its place among those handed in, and everything that is wrong with it."""

    position: int
    account_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of rows; the counts add up: received is the sum of the others."""

    received: int
    created: int
    changed: int
    unchanged: int
    refusals: tuple[Refusal, ...]


def get(tx: Connection, account: str) -> Recipient:
    """The recipient of an account. Raises: NotFound."""
    found = store.find(tx, account)
    if found is None:
        raise NotFound(RECIPIENT_TYPE, recipient_name(account))
    return found


def list_page(tx: Connection, page: Page) -> list[Recipient]:
    """One recipient more than the page holds, if there is one, by account; the key is the account."""
    return store.page(tx, after=str(page.after[0]) if page.after else "", limit=page.size + 1)


def update(
    tx: Connection, call: Call, account: str, etag: str, changes: Mapping[str, Any], *, allow_missing: bool
) -> Recipient:
    """Change the recipient that still has the etag; where there is none, `allow_missing` has it created, without one.

    Raises: NotFound; SharedBeyondScope; EtagMissing; EtagStale, also for the loser of a race; Invalid with every
    violation.
    """
    scopes.refuse_shared(call.scope, SHELF.scope_kind)
    creates = allow_missing and not etag
    old = store.lock(tx, [account], missing_us=call.now_us if creates else 0).get(account)
    if old is None and not creates:
        raise NotFound(RECIPIENT_TYPE, recipient_name(account))
    if old and not etag:
        raise EtagMissing(f"{WORD}.etag")
    if old and old.etag != etag:
        raise EtagStale(RECIPIENT_TYPE, old.name, etag=etag)
    settings = replace(old.settings if old else _EMPTY, **changes)
    if faults := tuple(violations(settings)):
        raise Invalid(*faults)
    new = _next(call, account, settings, old)
    store.put(tx, [new], [(old, call.caller)] if old else [], now_us=call.now_us)
    _record(tx, call, new, old)
    return new


def import_rows(tx: Connection, call: Call, rows: Sequence[Row]) -> Imported:
    """Create or change the recipients of the sound rows together; tell of each refused one why.

    A row sees what the rows before it have made. What is as it was is left alone, so that whatever was handed in can be
    handed in again. The audit trail has one entry for all. Cost: about six statements for 200 rows.

    Raises: SharedBeyondScope.
    """
    scopes.refuse_shared(call.scope, SHELF.scope_kind)
    judged = [(row, _faults(row)) for row in rows]
    sound = {row.account_id for row, faults in judged if not faults}
    newest: dict[str, Recipient] = store.lock(tx, sound, missing_us=call.now_us)
    new: dict[str, Recipient] = {}
    replaced: list[tuple[Recipient, str]] = []
    refusals, created, unchanged = [], 0, 0
    for position, (row, faults) in enumerate(judged):
        old = newest.get(row.account_id)
        if faults or row.settings is None:
            refusals.append(Refusal(position, row.account_id, faults))
        elif old and old.settings == row.settings:
            unchanged += 1
        else:
            created += old is None
            replaced += [(old, call.caller)] if old else []
            newest[row.account_id] = new[row.account_id] = _next(call, row.account_id, row.settings, old)
    store.put(tx, list(new.values()), replaced, now_us=call.now_us)
    done = Imported(len(rows), created, len(replaced), unchanged, tuple(refusals))
    if new:
        _audit(tx, call, done, sorted(new))
    return done


def violations(settings: RecipientSettings) -> Iterator[Violation]:
    """All that is wrong with a recipient."""
    yield from parties.faults(settings.party, f"{WORD}.party")
    if settings.party.tax_number:
        text = "is of sellers alone: a buyer is told by its VAT id, or its registration id"
        yield Violation(f"{WORD}.party.tax_number", "TAX_NUMBER_OF_BUYER", text)
    if fault := character_fault(settings.reference):
        yield Violation(f"{WORD}.reference", REASON, fault)


def _faults(row: Row) -> tuple[Violation, ...]:
    return row.violations or (tuple(violations(row.settings)) if row.settings else ())


def _next(call: Call, account: str, settings: RecipientSettings, old: Recipient | None) -> Recipient:
    if old is None:
        return Recipient(account, settings, 1, call.now_us, call.now_us)
    return Recipient(account, settings, old.version + 1, old.created_us, call.now_us)


def _record(tx: Connection, call: Call, new: Recipient, old: Recipient | None) -> None:
    """Note what became of a recipient: of what has changed, what was and what is."""
    after, before = document_of(new.settings), document_of(old.settings) if old else None
    changes: Document = {"from": None, "to": after}
    if before is not None:
        fields = [field for field in after if before[field] != after[field]]
        changes = {side: {field: of[field] for field in fields} for side, of in (("from", before), ("to", after))}
    events.append(tx, call, new.name, f"{WORD}.{'changed' if old else 'created'}", changes, scope_id=0)


def _audit(tx: Connection, call: Call, done: Imported, accounts: Sequence[str]) -> None:
    """One entry for all rows, under a name of its own: imports that commit at the same time do not meet."""
    changes = {
        "received_count": done.received,
        "created_count": done.created,
        "changed_count": done.changed,
        "unchanged_count": done.unchanged,
        "refused_count": len(done.refusals),
        "first_recipient": recipient_name(accounts[0]),
        "last_recipient": recipient_name(accounts[-1]),
    }
    events.append(tx, call, f"recipientImports/{new_id(call.now_us)}", "recipients.imported", changes, scope_id=0)
