"""Use cases of SA types that change them (BIL-01, BIL-04, BIL-21); they are read by `registers.service`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection

from domain.billing.configuration import soundness, store, type_rules
from domain.billing.configuration.algorithm_uses import Usable
from domain.billing.configuration.model import AgreementType
from domain.billing.configuration.registers import AGREEMENT_TYPES
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.registers import entries
from domain.kernel.registers.service import Change


def create(tx: Connection, call: Call, new: AgreementType, usable: Usable) -> AgreementType:
    """Add an SA type. Raises: SharedBeyondScope; Invalid with every violation; CodeTaken."""
    soundness.lock(tx)
    return entries.create(tx, call, AGREEMENT_TYPES, new, _faults(tx, call, new, usable))


def update(tx: Connection, call: Call, change: Change, usable: Usable) -> AgreementType:
    """Change the SA type that still has the etag; what other types are charged on it for stays possible.

    So does what its agreements are charged that have a rate of their own.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation.
    """
    soundness.lock(tx)

    def faults(old: AgreementType, new: AgreementType) -> Iterator[Violation]:
        changes = old.settings.usage != new.settings.usage
        own = store.rates_of_agreements(tx, soundness.today_of(call), new.code) if changes else ()
        return _faults(tx, call, new, usable, {rate for _, rate in own})

    return entries.update(tx, call, AGREEMENT_TYPES, change, faults)


def _faults(
    tx: Connection, call: Call, new: AgreementType, usable: Usable, own: Collection[str] = ()
) -> Iterator[Violation]:
    """What is wrong with a type; `own` are the rates that agreements have in place of its own."""
    settings = new.settings
    around = soundness.around(tx, call, {settings.rate, *own})
    codes = usable.known_codes(tx, {settings.receivable})
    for rate in sorted(own):
        yield from soundness.faults_of_own(settings, rate, around)
    yield from type_rules.violations(new.code, settings, around, codes)
    yield from usable.faults(tx, settings.algorithms, f"{AGREEMENT_TYPES.word}.algorithms", of_agreements=True)
