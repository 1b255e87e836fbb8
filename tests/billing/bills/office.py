"""Bills of the utility, worked on by their use cases: generated, completed, and what becomes of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, text

from domain.billing.algorithms.model import Algorithm
from domain.billing.algorithms.registry import Algorithms
from domain.billing.bills import completing
from domain.billing.bills.completing import Bench, Key
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.configuration.registers import AGREEMENT_TYPES, CUSTOMER_CLASSES, SHELF
from domain.billing.segments import generating
from domain.billing.segments.generating import Request
from domain.billing.segments.model import Bill, Segment
from domain.billing.segments.store import segments
from domain.billing.tables import interval_data
from domain.flows.billing import Billed
from domain.flows.invoices import RunningInvoices
from domain.kernel.registers import store as registers
from server.database.transaction import Database
from tests.billing.segments.utility import head_office, use
from tests.billing.shop import Shop, open_shop

THROUGH = 20260201


@dataclass
class Office(Shop):
    """The utility with a bill of account A."""

    billed: Key = field(default_factory=lambda: Key("A", ""))


def open_office(database: Database) -> Office:
    """A head office and sites of 400, 350 and 250 kWh, billed for January: 419.84 EUR."""
    open_shop(database)
    office = Office(database)
    database.write(lambda tx: head_office(tx, "400", "350", "250"))
    office.billed = generate(office)
    complete(office, office.billed)
    return office


def read_again(shop: Shop, agreement_id: str, kwh: str | None) -> None:
    """Have a site use so much in January in place of what it did; None: nobody knows."""
    mine = interval_data.c.profile_id == agreement_id

    def write(tx: Connection) -> None:
        tx.execute(delete(interval_data).where(mine))
        if kwh is not None:
            use(tx, agreement_id, kwh, first=date(2026, 1, 1), last=date(2026, 2, 1))

    shop.database.write(write)


def plugin(code: str, decide: Any, moment: Moment = Moment.COMPLETION, *, of_agreements: bool = True) -> Algorithm:
    """An algorithm that decides so."""
    return Algorithm(code=code, description="", moments=frozenset({moment}), of_agreements=of_agreements, decide=decide)


def bench_of(shop: Shop, *others: Algorithm) -> Bench:
    """What bills of the utility are worked on with."""
    return Bench(shop.configurations, Billed(), RunningInvoices(), Algorithms(others))


def generate(shop: Shop, account_id: str = "A", *, through: int = THROUGH, **days: int) -> Key:
    """The pending bill of an account."""
    request = Request(account_id, through, **days)
    return Key(account_id, shop.write(generating.generate, shop.configurations, request).bill.bill_id)


def complete(shop: Shop, key: Key, *others: Algorithm) -> Bill:
    """Complete a bill."""
    return shop.write(completing.complete, bench_of(shop, *others), key)


def of_types(shop: Shop, uses: Sequence[AlgorithmUse], *codes: str) -> None:
    """Have SA types use algorithms."""

    def write(tx: Connection) -> None:
        for code in codes:
            found = registers.find(tx, AGREEMENT_TYPES, code)
            assert found is not None
            settings = replace(found.settings, algorithms=tuple(uses))
            registers.change(tx, AGREEMENT_TYPES, replace(found, settings=settings))
        registers.grow_version(tx, SHELF)

    shop.database.write(write)


def of_class(shop: Shop, *uses: AlgorithmUse, **settings: Any) -> None:
    """Have the customer class HOME use algorithms, or be set otherwise."""

    def write(tx: Connection) -> None:
        found = registers.find(tx, CUSTOMER_CLASSES, "HOME")
        assert found is not None
        changed = replace(found.settings, algorithms=tuple(uses), **settings)
        registers.change(tx, CUSTOMER_CLASSES, replace(found, settings=changed))
        registers.grow_version(tx, SHELF)

    shop.database.write(write)


def on_bill(shop: Shop, key: Key) -> list[Segment]:
    """The segments of a bill."""
    return shop.database.read(lambda tx: segments.of_bills(tx, [(key.account_id, key.bill_id)]))[key.account_id]


def posted(shop: Shop) -> dict[str, int]:
    """Debits less credits by distribution account."""
    query = text(
        "SELECT distribution_account, SUM(debit_minor - credit_minor) FROM accounting_detail"
        " WHERE source = 'billing' GROUP BY distribution_account"
    )
    return {row[0]: int(row[1]) for row in shop.database.read(lambda tx: tx.execute(query).all())}


def everything(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    """All rows that completing could change."""
    names = ("bill", "bill_segment", "billing_exception", "accounting_detail", "event")

    def read(tx: Connection) -> dict[str, list[tuple[object, ...]]]:
        return {name: sorted(map(tuple, tx.execute(text(f"SELECT * FROM {name}")))) for name in names}

    return shop.database.read(read)
