"""Use cases of account determination tables that change them (ACC-02); they are read by `service`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TypeAlias

from sqlalchemy import Connection

from domain.accounting.configuration import vocabulary
from domain.accounting.configuration.model import Determination, DeterminationRow
from domain.accounting.configuration.registers import COLLECTIONS, DETERMINATIONS
from domain.kernel.call import Call
from domain.kernel.characters import REASON, character_fault
from domain.kernel.conditions.expressions import compile_condition, compile_text
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers import service, store
from domain.kernel.registers.service import Change

WORD = DETERMINATIONS.word

KnownDistributionCodes: TypeAlias = Callable[[Connection, Collection[str]], frozenset[str]]
"""Those of some distribution codes that there are; the general ledger's room knows them."""


def create(
    tx: Connection,
    call: Call,
    collection: str,
    *,
    description: str,
    rows: tuple[DeterminationRow, ...],
    known_codes: KnownDistributionCodes,
) -> Determination:
    """Add the table of a collection. Raises: SharedBeyondScope; Invalid with every violation; CodeTaken."""
    service.refuse_outside(DETERMINATIONS, collection, call.scope)
    new = Determination(collection, description, rows, version=1, created_us=call.now_us, updated_us=call.now_us)
    return service.create(tx, call, DETERMINATIONS, _sound(tx, new, known_codes))


def update(tx: Connection, call: Call, change: Change, known_codes: KnownDistributionCodes) -> Determination:
    """Change description or rows of the table that still has the etag; what was performed keeps its accounts.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation.
    """

    def changed(old: Determination) -> Determination:
        return _sound(tx, replace(old, **change.changes), known_codes)

    return service.update(tx, call, DETERMINATIONS, change, changed)


def _sound(tx: Connection, table: Determination, known_codes: KnownDistributionCodes) -> Determination:
    collections = store.hold(tx, COLLECTIONS, (table.collection_code,))
    codes = known_codes(tx, {row.distribution_code for row in table.rows})
    if found := tuple(_violations(table, collections, codes)):
        raise Invalid(*found)
    return table


def _violations(table: Determination, collections: Collection[str], codes: Collection[str]) -> Iterator[Violation]:
    if table.collection_code not in collections:
        text = f"there is no collection {table.collection_code}"
        yield Violation(f"{WORD}.collection_code", "COLLECTION_UNKNOWN", text)
    if fault := character_fault(table.description):
        yield Violation(f"{WORD}.description", REASON, fault)
    if not table.rows:
        yield Violation(f"{WORD}.rows", "FIELD_REQUIRED", "must have a row")
    for at, row in enumerate(table.rows):
        yield from _row(row, codes, f"{WORD}.rows[{at}]")


def _row(row: DeterminationRow, codes: Collection[str], path: str) -> Iterator[Violation]:
    try:
        compile_condition(row.condition, vocabulary.SIDES, path=f"{path}.condition")
    except Invalid as refused:
        yield from refused.violations
    if bool(row.account) == bool(row.account_expression):
        yield Violation(f"{path}.account", "ACCOUNT_NOT_ONE", "of account and account_expression exactly one is given")
    if fault := character_fault(row.account):
        yield Violation(f"{path}.account", REASON, fault)
    if row.account_expression:
        try:
            compile_text(row.account_expression, vocabulary.SIDES, path=f"{path}.account_expression")
        except Invalid as refused:
            yield from refused.violations
    if row.distribution_code not in codes:
        text = f"there is no distribution code {row.distribution_code!r}"
        yield Violation(f"{path}.distribution_code", "DISTRIBUTION_CODE_UNKNOWN", text)
