"""Generating bills: gather, decide, record; online for one account, or for many in a run (BIL-11, 14, 15)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from domain.billing.accounts.errors import AccountNotFound
from domain.billing.configuration.snapshot import Configurations
from domain.billing.days import day_violations, furthest_from
from domain.billing.names import account_name, bill_name
from domain.billing.segments.drafting import draft
from domain.billing.segments.errors import NothingToBill
from domain.billing.segments.gathering import Known, gather, usage_of
from domain.billing.segments.model import Facts, Wanted
from domain.billing.segments.planning import plan
from domain.billing.segments.recording import Billed, billed, record
from domain.billing.segments.store import exceptions
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.errors import Invalid, Violation
from domain.kernel.ids import new_id
from domain.kernel.script import Script
from domain.kernel.time import BusinessZone, iso_day


@dataclass(frozen=True, slots=True)
class Request:
    """Which account is billed online; days that are 0 are today by its clock, `accounting_day` is then `bill_day`.

    A bill that was made by a window keeps it, and the days that are not given.
    """

    account_id: str
    through_day: int = 0
    bill_day: int = 0
    accounting_day: int = 0


def generate(tx: Connection, call: Call, configurations: Configurations, request: Request) -> Billed:
    """Make the pending bill of an account, or make it again: what is frozen stays, the rest is calculated anew.

    Cost: some nine statements, and those of `usage.gathering`. Raises: AccountNotFound; NothingToBill; Invalid for a
    day that is too far ahead.
    """
    found = _one(tx, call, configurations, request, lock=True)
    save(tx, call, found, kind="bill.generated", whole=True)
    return found


def preview(tx: Connection, call: Call, configurations: Configurations, request: Request) -> Billed:
    """The same with nothing saved: what would be new has no id (BIL-15). Cost and Raises: as `generate`."""
    return _one(tx, call, configurations, request, lock=False)


def generate_many(
    tx: Connection, call: Call, configurations: Configurations, wanted: Mapping[str, Wanted]
) -> dict[str, Billed]:
    """Make the pending bills of accounts, of those that there are and that have something to bill.

    Nothing is told to the audit trail: whoever bills many says so once. Cost: the statements of one account, however
    many, and two of the script for each account of which something is made again.
    """
    found = decide(tx, call, gather(tx, configurations, wanted, lock=True), wanted)
    script = Script(tx)
    record(script, list(found.values()), call)
    script.run()
    return found


def decide(
    tx: Connection,
    call: Call,
    known: Known,
    wanted: Mapping[str, Wanted],
    *,
    again: Mapping[str, Collection[str]] | None = None,
    saved: bool = True,
    ids_of: Callable[[str], Callable[[], str]] | None = None,
) -> dict[str, Billed]:
    """What the bills of accounts are to be; none for those that have nothing to bill.

    `again` names, by account, the agreements that alone are made again. `ids_of` makes the ids for an account; they are
    fresh without it, or empty for what is not `saved`. Cost: the statements of `usage.gathering`.
    """
    agendas = {
        account_id: plan(facts, known.snapshot, wanted[account_id].through_day, (again or {}).get(account_id, ()))
        for account_id, facts in known.facts.items()
    }
    usage = usage_of(tx, known.snapshot, agendas.values())
    new_ids = partial(new_id, call.now_us) if saved else str
    drafts = {account_id: draft(agenda, known.snapshot, usage) for account_id, agenda in agendas.items()}
    return {
        account_id: billed(each, wanted[account_id], call, new_ids=ids_of(account_id) if ids_of else new_ids)
        for account_id, each in drafts.items()
        if each.segments or each.agenda.facts.bill
    }


def save(tx: Connection, call: Call, found: Billed, *, kind: str, whole: bool = False) -> None:
    """Record a bill, and tell the audit trail how many segments it has. Cost: one statement.

    With the `whole` bill, what was an exception of its account is made again, too.
    """
    script, bill = Script(tx), found.bill
    if whole:
        exceptions.close_of_accounts(script, [bill.account_id], now_us=call.now_us, by=call.caller)
    record(script, [found], call)
    payload = {
        "through_date": iso_day(bill.through_day),
        "made": len(found.made),
        "kept": len(found.kept),
        "deleted": len(found.gone),
        "in_error": sum(1 for each in found.segments if each.reason),
    }
    scope_id = scopes.id_of(scopes.of_one("cycles", bill.cycle_code)) if bill.cycle_code else 0
    events.add(script, call, bill_name(bill.account_id, bill.bill_id), kind, payload, scope_id=scope_id)
    script.run()


def inside(known: Known, account_id: str, call: Call) -> Facts:
    """What is known of an account. Raises: AccountNotFound, also for one outside the caller's scope."""
    facts = known.facts.get(account_id)
    if facts is None or not call.scope.has("cycles", facts.account.cycle_code):
        raise AccountNotFound(account_id)
    return facts


def _one(tx: Connection, call: Call, configurations: Configurations, request: Request, *, lock: bool) -> Billed:
    account_id = request.account_id
    known = gather(tx, configurations, [account_id], lock=lock)
    wanted = _wanted(inside(known, account_id, call), call, request)
    found = decide(tx, call, known, {account_id: wanted}, saved=lock).get(account_id)
    if found is None:
        raise NothingToBill(account=account_name(account_id), through_date=iso_day(wanted.through_day))
    return found


def _wanted(facts: Facts, call: Call, request: Request) -> Wanted:
    """Which days are billed: those that are given, of a bill that a run has made its own, or else today."""
    today = BusinessZone(facts.account.time_zone).today(call.now_us)
    if found := tuple(_violations(request, furthest_from(today))):
        raise Invalid(*found)
    if facts.bill is not None and facts.bill.window_code:
        own = facts.bill
        accounting_day = request.accounting_day or request.bill_day or own.accounting_day
        return Wanted(
            request.through_day or own.through_day, request.bill_day or own.bill_day, accounting_day, own.window_code
        )
    bill_day = request.bill_day or today
    return Wanted(request.through_day or today, bill_day, request.accounting_day or bill_day)


def _violations(request: Request, furthest: int) -> Iterator[Violation]:
    """What is wrong with the days that are given; `furthest` is the last that can be billed."""
    if request.through_day > furthest:
        sentence = f"must not be after {iso_day(furthest)}: nothing is billed more than a year ahead"
        yield Violation("through_date", "THROUGH_DATE_TOO_LATE", sentence)
    for field, day in (("bill_date", request.bill_day), ("accounting_date", request.accounting_day)):
        if day:
            yield from day_violations(field, day, furthest)
