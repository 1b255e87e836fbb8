"""What accounts are held against: what is configured, and what there is elsewhere that they name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import Connection

from domain.billing.accounts import store
from domain.billing.accounts.model import Premise
from domain.billing.accounts.requests import Key
from domain.billing.configuration.registers import SHELF
from domain.billing.configuration.snapshot import Configurations, Snapshot
from domain.billing.creation.derivations import Series
from domain.kernel.call import Call
from domain.kernel.registers import store as registers
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.time import day_of, moment_of


@dataclass(frozen=True, slots=True)
class Known:
    """What there is for the caller, as far as it was asked about: premises by id, agreements and profiles.

    `billing_cycles` are those of invoicing.

    `today` is the day of the call, as yyyymmdd in UTC.
    """

    configuration: Snapshot
    today: int
    scope: Scope = EVERYTHING
    billing_cycles: Collection[str] = ()
    premises: Mapping[str, Premise] | None = None
    agreements: Collection[Key] = ()
    profiles: Mapping[Key, Series] = field(default_factory=dict)

    def premise(self, premise_id: str) -> Premise | None:
        """The premise, if there is one."""
        return (self.premises or {}).get(premise_id)


def gather(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    *,
    billing_cycles: Collection[str] = (),
    premises: Collection[str] = (),
    agreements: Collection[Key] = (),
    profiles: Collection[Key] = (),
    rates: bool = False,
) -> Known:
    """Look up what is named. What lies outside the caller's scope is not there (PLT-14).

    `rates`: agreements name rates of their own, so that the configuration stays as it is until they are there; whoever
    changes it then judges them, too.

    Cost: one statement for the configuration, one for billing cycles, one for premises, one for each of agreements and
    profiles of accounts, and one for these; none for what is not asked about.
    """
    named_cycles = {code for code in billing_cycles if code and call.scope.has("cycles", code)}
    named = {account_id for account_id, _ in chain(agreements, profiles)}
    seen = {
        account_id
        for account_id, account in store.accounts(tx, named).items()
        if call.scope.has("cycles", account.cycle_code)
    }
    if rates:
        registers.hold_shelf(tx, SHELF)
    return Known(
        configurations.current(tx),
        day_of(moment_of(call.now_us).date()),
        call.scope,
        configurations.billing_cycles(tx, named_cycles) if named_cycles else (),
        store.premises(tx, premises),
        store.agreement_keys(tx, {key for key in agreements if key[0] in seen}),
        store.profile_series(tx, {key for key in profiles if key[0] in seen}),
    )
