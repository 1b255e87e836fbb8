"""A shop to measure: books, one client with a system of record, two rules, and claims by number.

Claims come in two sets: of those that are spread, each has a merchant of its own; of those that are hot, nine in ten
belong to one of HOT merchants. The merchant's account is the debit account of what the rules move. Each of CLIENTS
callers at once has a share of the claims, so that nobody waits for a claim.
"""

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection

from domain.accounting import tables
from domain.accounting.configuration import store
from domain.accounting.configuration.model import (
    AmountSource,
    ClaimType,
    Client,
    ClientSettings,
    Determination,
    DeterminationRow,
    EntryAmount,
    Processing,
    Rule,
    RuleSettings,
    RuleVersion,
    ServiceSettings,
)
from domain.accounting.configuration.registers import CLAIM_TYPES, CLIENTS, DETERMINATIONS, SHELF
from domain.gl_extraction.distribution import service as distribution
from domain.gl_extraction.distribution.model import Distribution
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import NewPeriod
from domain.gl_extraction.reference import service as reference
from domain.gl_extraction.reference.model import LEDGERS
from domain.kernel.bulk import insert_rows
from domain.kernel.calendars import Calendar
from domain.kernel.call import Call
from domain.kernel.documents import to_text
from domain.kernel.registers import store as registers
from domain.kernel.time import BusinessZone
from server.database.transaction import Database

CLIENT = "SERVED"
SYSTEM_OF_RECORD = "core"
DISPUTE = "1"
CREDIT, CHARGEBACK = "CREDIT", "CHARGEBACK"
"""Workflow points: what the system of record is to post, and what is for tracking only."""
SPREAD, HOT_CLAIMS = "s", "h"
"""The first letters of the claims of both sets; `s0` is the first."""
CALLERS = 16
SHARES = {SPREAD: 1_250, HOT_CLAIMS: 100}
"""How many claims of each set are each caller's."""
HOT = 10
CONCURRENCY_MAX = 16
CONNECTIONS = '[[systems_of_record]]\nname = "{name}"\nkind = "grpc"\ntarget = "{target}"\ntls = false\n'
"""The server's file of systems of record."""

_ACCOUNTS = {"ACCOUNT_HOLDER": "claim.account", "MERCHANT": "claim.attributes.merchant"}


def fill(url: str) -> None:
    """Open the shop in an empty database."""
    database = Database(url)
    now_us = database.clock_us()
    call = Call("bench", "bench/Fill", "", now_us)
    database.write(lambda tx: _configure(tx, call))
    for letter in SHARES:
        database.write(partial(_add_claims, letter=letter, now_us=now_us))
    database.dispose()


def share_of(letter: str, caller: int) -> range:
    """The numbers of a caller's claims."""
    return range(caller * SHARES[letter], (caller + 1) * SHARES[letter])


def merchant(letter: str, number: int) -> str:
    """The merchant of a claim."""
    hot = letter == HOT_CLAIMS and number % HOT != 0
    return f"merchant-{number // HOT % HOT}" if hot else f"merchant-{letter}{number}"


def _configure(tx: Connection, call: Call) -> None:
    now_us = call.now_us
    reference.create(tx, call, LEDGERS, code="GL", description="")
    year = datetime.now(UTC).year
    for each in (year, year + 1):
        periods.create(tx, call, NewPeriod("GL", str(each), each * 10_000 + 101, each * 10_000 + 1231))
    for collection, expression in _ACCOUNTS.items():
        code = f"GL-{collection}"
        distribution.create(tx, call, code, Distribution("GL", distribution_account=collection))
        row = DeterminationRow("true", "", expression, code)
        registers.create(tx, DETERMINATIONS, Determination(collection, "", (row,), 1, now_us, now_us))
    registers.create(tx, CLAIM_TYPES, ClaimType("CARD", "", 1, now_us, now_us))
    for point, processing in ((CREDIT, Processing.EXECUTE), (CHARGEBACK, Processing.TRACKING_ONLY)):
        rule = RuleVersion(point, 1, _settings(point, processing), now_us, now_us, "bench")
        store.create_rule(tx, Rule(rule, retired=False, version=1, created_us=now_us, updated_us=now_us))
        store.create_rule_version(tx, rule)
    service = ServiceSettings(SYSTEM_OF_RECORD, 9, 500_000, 10_000, 500_000, CONCURRENCY_MAX)
    settings = ClientSettings(Calendar(BusinessZone("UTC"), ()), service=service)
    registers.create(tx, CLIENTS, Client(CLIENT, "", settings, 1, now_us, now_us))
    registers.grow_version(tx, SHELF)


def _settings(point: str, processing: Processing) -> RuleSettings:
    return RuleSettings(
        description="",
        claim_types=frozenset({"CARD"}),
        workflow_point=point,
        position=0,
        debit_collection="MERCHANT",
        credit_collection="ACCOUNT_HOLDER",
        entry_reason=point.lower(),
        entry_amount=EntryAmount(AmountSource.CALLER),
        processing=processing,
        manual=False,
    )


def _add_claims(tx: Connection, letter: str, now_us: int) -> None:
    """Claims with a dispute each."""
    claims, disputes = [], []
    for number in range(CALLERS * SHARES[letter]):
        code, holder = f"{letter}{number}", f"holder-{letter}{number}"
        attributes = to_text({"merchant": merchant(letter, number)})
        claims.append((code, CLIENT, "CARD", "", holder, attributes, "{}", "OPEN", "", 0, 1, now_us, now_us, 0))
        disputes.append((code, DISPUTE, "", 10_000, "USD", 0, "{}", "{}", 1, now_us, now_us))
    insert_rows(tx, "claim", [column.name for column in tables.claim.columns], claims)
    insert_rows(tx, "dispute", [column.name for column in tables.dispute.columns], disputes)
