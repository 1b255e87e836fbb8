"""What accounts have on invoices before they are billed: nothing, lines of others, and what no bill can be put on."""

from __future__ import annotations

from random import Random
from typing import Any

from sqlalchemy import Connection, text

from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.model import Cycle, CycleSettings
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import adding
from domain.invoicing.invoices.model import INVOICE_NET_MAX, NewLine
from domain.kernel.call import Call
from domain.kernel.registers import store as registers
from tests.billing.shop import NOW_US, ZONE

INVOICE_CYCLES = ("", "MONTHLY", "MONTHLY", "MONTHLY", "UNTAXED", "GONE")
"""`UNTAXED` has no distribution code for taxes, and `GONE` there is not."""

_LAST_MONTH = NOW_US - 31 * 86_400_000_000
_FILLED = {
    "lines": (),
    "final": ("final = 1",),
    "full": (f"net_minor = {INVOICE_NET_MAX}",),
    "worn": ("last_line_no = 999999",),
    "other": ("currency = 'CHF'",),
    "locked": ("state = 'LOCKED'", "batch_id = 'B'"),
    "late": (),
}
_KINDS = ("none", "none", "none", *_FILLED)


def open_cycles(tx: Connection) -> None:
    """A billing cycle beside that of the shop, and schedules of both since last month."""
    stamps: dict[str, Any] = {"description": "", "version": 1, "created_us": NOW_US, "updated_us": NOW_US}
    settings = CycleSettings("CITY", "EUR", ZONE, "RECEIVABLE", {})
    assert registers.create(tx, CYCLES, Cycle(code="UNTAXED", settings=settings, **stamps))
    for code in ("MONTHLY", "UNTAXED"):
        schedules.covering(tx, Call("bob", "test/Sell", "", _LAST_MONTH), code, _LAST_MONTH)


def join(tx: Connection, account_id: str, cycle_code: str) -> None:
    """An account is on an invoice cycle."""
    statement = text("UPDATE billing_account SET invoice_cycle_code = :cycle WHERE account_id = :id")
    tx.execute(statement, {"cycle": cycle_code, "id": account_id})


def fill(tx: Connection, random: Random, account_id: str, currency: str, cycle_code: str) -> None:
    """Whatever may be on an account's invoices; most often nothing."""
    kind = random.choice(_KINDS)
    cycle = registers.find(tx, CYCLES, cycle_code)
    if kind == "none" or cycle is None:
        return
    call = Call("bob", "test/Sell", "", _LAST_MONTH if kind in {"locked", "late"} else NOW_US)
    sold = [NewLine(account_id, "shop", str(at), currency, 1_000, "Z", 0, "sold") for at in range(random.randint(1, 2))]
    assert not adding.add(tx, call, cycle, sold).refused
    for change in _FILLED[kind]:
        tx.execute(text(f"UPDATE invoice SET {change} WHERE account_id = :id"), {"id": account_id})
