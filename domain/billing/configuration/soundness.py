"""SA types stay sound whatever of their surroundings is changed: a rate, or a time-of-use scheme (decision 0024).

So do their agreements that have a rate of their own: of those that go on each type and rate is judged once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.configuration import fitting, store, type_rules
from domain.billing.configuration.errors import AgreementTypeUnsound
from domain.billing.configuration.fitting import Around
from domain.billing.configuration.model import AgreementType, AgreementTypeSettings
from domain.billing.configuration.registers import AGREEMENT_TYPES, PROFILE_TYPES, RATES, SCHEMES, SHELF
from domain.billing.names import agreement_type_name
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.registers import store as registers
from domain.kernel.time import day_of, moment_of


def lock(tx: Connection) -> None:
    """Let nobody else change the configuration until the transaction ends: what is judged now stays so."""
    registers.lock_shelf(tx, SHELF)


def around(tx: Connection, call: Call, rates: Collection[str]) -> Around:
    """What types that name these rates are judged by. Cost: five statements that read small tables whole."""
    types = {each.code: each for each in registers.everything(tx, AGREEMENT_TYPES)}
    held = store.versions_that_hold(tx, rates)
    return Around(
        today_of(call),
        {each.code: each.currency for each in registers.everything(tx, RATES)},
        {code: [each.settings for each in versions] for code, versions in held.items()},
        {each.code: each for each in registers.everything(tx, SCHEMES)},
        {each.code: each for each in registers.everything(tx, PROFILE_TYPES)},
        types,
    )


def today_of(call: Call) -> int:
    """The day of a call, as yyyymmdd in UTC."""
    return day_of(moment_of(call.now_us).date())


def refuse_unsound(tx: Connection, call: Call, concerned: Callable[[AgreementType, str], bool]) -> None:
    """Undo a change with which a type that it concerns is not sound any more, by its rate or by one of its agreements.

    `concerned` is asked for each type with each rate. Raises: AgreementTypeUnsound. Cost: two statements when there are
    none, else as `around`.
    """
    types = {each.code: each for each in registers.everything(tx, AGREEMENT_TYPES)}
    own = store.rates_of_agreements(tx, today_of(call))
    pairs = [(each, each.settings.rate) for each in types.values()] + [(types[code], rate) for code, rate in own]
    pairs = [each for each in pairs if concerned(*each)]
    if not pairs:
        return
    surroundings = around(tx, call, {rate for _, rate in pairs})
    for each, rate in pairs:
        found = type_rules.surroundings(each.settings, surroundings)
        if rate != each.settings.rate:
            found = faults_of_own(each.settings, rate, surroundings)
        if faults := tuple(found):
            raise AgreementTypeUnsound(agreement_type_name(each.code), faults)


def faults_of_own(settings: AgreementTypeSettings, rate: str, around: Around) -> Iterator[Violation]:
    """Why a rate that agreements have of their own cannot charge what their type uses."""
    for each in fitting.faults(settings, rate, around, type_rules.WORD):
        yield replace(each, description=f"agreements of the type have a rate of their own: {each.description}")
