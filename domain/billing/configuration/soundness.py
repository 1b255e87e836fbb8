"""SA types stay sound whatever of their surroundings is changed: a rate, or a time-of-use scheme (decision 0024)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import Connection

from domain.billing.configuration import fitting, store, type_rules
from domain.billing.configuration.errors import AgreementTypeUnsound
from domain.billing.configuration.fitting import Around
from domain.billing.configuration.model import AgreementType
from domain.billing.configuration.registers import AGREEMENT_TYPES, PROFILE_TYPES, RATES, SCHEMES, SHELF
from domain.billing.names import agreement_type_name
from domain.kernel.call import Call
from domain.kernel.registers import store as registers
from domain.kernel.time import day_of, moment_of


def lock(tx: Connection) -> None:
    """Let nobody else change the configuration until the transaction ends: what is judged now stays so."""
    registers.lock_shelf(tx, SHELF)


def around(tx: Connection, call: Call, rates: Collection[str]) -> Around:
    """What types that name these rates are judged by. Cost: five statements that read small tables whole."""
    types = {each.code: each for each in registers.everything(tx, AGREEMENT_TYPES)}
    today = day_of(moment_of(call.now_us).date())
    held = store.versions_that_hold(tx, rates)
    return Around(
        {each.code: each.currency for each in registers.everything(tx, RATES)},
        {code: fitting.still_to_hold([each.settings for each in versions], today) for code, versions in held.items()},
        {each.code: each for each in registers.everything(tx, SCHEMES)},
        {each.code: each for each in registers.everything(tx, PROFILE_TYPES)},
        types,
    )


def refuse_unsound(tx: Connection, call: Call, concerned: Callable[[AgreementType], bool]) -> None:
    """Undo a change with which one of the types that it concerns is not sound any more.

    Raises: AgreementTypeUnsound. Cost: one statement when there are none, else as `around`.
    """
    types = [each for each in registers.everything(tx, AGREEMENT_TYPES) if concerned(each)]
    if not types:
        return
    surroundings = around(tx, call, {each.settings.rate for each in types})
    for each in types:
        if found := tuple(type_rules.surroundings(each.settings, surroundings)):
            raise AgreementTypeUnsound(agreement_type_name(each.code), found)
