"""A small shop for tests of the domain: a ledger, clients of each channel, rules, and claims with disputes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import time as time_of_day
from typing import TypeVar

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.claims import store as claims
from domain.accounting.claims.model import Dispute
from domain.accounting.configuration import store
from domain.accounting.configuration.model import (
    AmountSource,
    BatchSettings,
    ClaimType,
    Client,
    ClientSettings,
    Determination,
    DeterminationRow,
    EntryAmount,
    FileFormat,
    Processing,
    Rule,
    RuleSettings,
    RuleVersion,
    ServiceSettings,
)
from domain.accounting.configuration.registers import CLAIM_TYPES, CLIENTS, DETERMINATIONS, SHELF
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import settling
from domain.accounting.execution.settling import Done
from domain.accounting.performing import executing
from domain.accounting.performing.booking import Books
from domain.accounting.performing.model import Operation
from domain.accounting.performing.requests import Entry, Execution
from domain.flows.accounting import Posting
from domain.gl_extraction.distribution import service as distribution
from domain.gl_extraction.distribution.model import Distribution
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import NewPeriod
from domain.gl_extraction.reference import service as reference
from domain.gl_extraction.reference.model import LEDGERS
from domain.kernel.calendars import Calendar
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.registers import store as registers
from domain.kernel.time import BusinessZone
from server.database.transaction import Database
from tests.accounting.claims_and_events import put_claim

T = TypeVar("T")

NOW_US = 1_795_000_000_000_000  # 2026-11-18 12:26:40 UTC, a Wednesday
CALENDAR = Calendar(BusinessZone("UTC"), (6, 7))
SERVICE = ServiceSettings("core", 3, 1_000_000, 10_000, 100_000, 8)
BATCH = BatchSettings(time_of_day(17, 0), FileFormat.CSV, "")
CLIENTS_OF = {
    Channel.SERVICE: ("SERVED", ClientSettings(CALENDAR, service=SERVICE)),
    Channel.BATCH: ("FILED", ClientSettings(CALENDAR, batch=BATCH)),
    Channel.MANUAL: ("MANUAL", ClientSettings(CALENDAR)),
}
COLLECTIONS = ("ACCOUNT_HOLDER", "FEES", "LOSS", "MERCHANT", "SUSPENSE")


def rule(code: str, debit: str, credit: str, *, point: str = "", **settings: object) -> RuleVersion:
    """A rule of claims of type CARD; it takes the caller's amount and is executed, unless `settings` say otherwise."""
    made = RuleSettings(
        description="",
        claim_types=frozenset({"CARD"}),
        workflow_point=point or code,
        position=0,
        debit_collection=debit,
        credit_collection=credit,
        entry_reason=code.lower(),
        entry_amount=EntryAmount(AmountSource.CALLER),
        processing=Processing.EXECUTE,
        manual=True,
    )
    return RuleVersion(code, 1, replace(made, **settings), NOW_US - 1, NOW_US - 1, "ada")  # type: ignore[arg-type]


RULES = (
    rule("CREDIT", "SUSPENSE", "ACCOUNT_HOLDER"),
    rule("CHARGEBACK", "MERCHANT", "SUSPENSE", processing=Processing.TRACKING_ONLY),
    rule("WRITE_OFF", "LOSS", "SUSPENSE", entry_amount=EntryAmount(AmountSource.COLLECTION_BALANCE, "SUSPENSE")),
    rule("DISPUTED", "SUSPENSE", "ACCOUNT_HOLDER", entry_amount=EntryAmount(AmountSource.DISPUTE_FIELD, "amount")),
)


@dataclass
class Shop:
    """The use cases on one database, each in a transaction of its own, at a clock that stands still."""

    database: Database
    configurations: Configurations = field(default_factory=Configurations)
    books: Books = field(default_factory=lambda: Books(Posting()))
    now_us: int = NOW_US

    def call(self, caller: str = "ada") -> Call:
        """A call of somebody who may see all."""
        return Call(caller, "test/Test", "", self.now_us)

    def write(self, use_case: Callable[..., T], *args: object, **more: object) -> T:
        """Run a use case."""
        return self.database.write(lambda tx: use_case(tx, self.call(), *args, **more))

    def execute(
        self, claim_id: str, point: str, *amounts: int, currency: str = "USD", step_key: str = ""
    ) -> list[Operation]:
        """Run a workflow point for as many disputes (1, 2, …) as there are amounts, in minor units."""
        entries = tuple(Entry(claim_id, str(at), Money(minor, currency)) for at, minor in enumerate(amounts, start=1))
        wanted = Execution(claim_id, point, entries, step_key)
        return list(self.write(executing.execute, self.configurations, self.books, wanted).operations)

    def settle(self, operations: Sequence[Operation]) -> list[Operation]:
        """Record that operations were carried out."""
        done = [Done(each.claim_id, each.operation_id, self.now_us, "core", "ref") for each in operations]
        return self.write(settling.settle, self.configurations, self.books, done)


def open_shop(
    database: Database, rules: Sequence[RuleVersion] = RULES, *, disputes: int = 3, **settings: object
) -> Shop:
    """A shop with a claim for each client, named like it in lower case; `settings` are those that clients share."""
    shop = Shop(database)
    call = shop.call()

    def fill(tx: Connection) -> None:
        reference.create(tx, call, LEDGERS, code="GL", description="")
        periods.create(tx, call, NewPeriod("GL", "2026", 20260101, 20261231))
        for code in COLLECTIONS:
            distribution.create(tx, call, f"GL-{code}", Distribution("GL", distribution_account=code))
            row = DeterminationRow("true", f"acct-{code.lower()}", "", f"GL-{code}")
            registers.create(tx, DETERMINATIONS, Determination(code, "", (row,), 1, NOW_US, NOW_US))
        registers.create(tx, CLAIM_TYPES, ClaimType("CARD", "", 1, NOW_US, NOW_US))
        for each in rules:
            store.create_rule(tx, Rule(each, retired=False, version=1, created_us=NOW_US, updated_us=NOW_US))
            store.create_rule_version(tx, each)
        for code, its in CLIENTS_OF.values():
            registers.create(tx, CLIENTS, Client(code, "", replace(its, **settings), 1, NOW_US, NOW_US))  # type: ignore[arg-type]
        registers.grow_version(tx, SHELF)
        for code, _ in CLIENTS_OF.values():
            add_claim(tx, code.lower(), code, disputes=disputes)

    database.write(fill)
    return shop


def add_claim(tx: Connection, claim_id: str, client: str, *, disputes: int = 3) -> None:
    """A claim with disputes 1, 2, … of 100.00 USD each."""
    put_claim(tx, claim_id, client)
    claims.create_disputes(
        tx,
        [
            Dispute(claim_id, str(at), "", Money(10_000, "USD"), 0, {}, {}, 1, NOW_US, NOW_US)
            for at in range(1, disputes + 1)
        ],
    )
