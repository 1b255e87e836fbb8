"""Use cases of time-of-use schemes that change them, and what they must be (BIL-20)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time as time_of_day

from sqlalchemy import Connection

from domain.billing.configuration import soundness
from domain.billing.configuration.model import AgreementType, Scheme, SchemeSettings
from domain.billing.configuration.registers import SCHEMES
from domain.kernel import calendars
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.registers import entries, service
from domain.kernel.registers.service import Change

WORD = SCHEMES.word
_MIDNIGHT = time_of_day(0)


def create(tx: Connection, call: Call, code: str, description: str, settings: SchemeSettings) -> Scheme:
    """Add a scheme. Raises: SharedBeyondScope; Invalid with every violation; CodeTaken."""
    new = Scheme(code, description, 1, call.now_us, call.now_us, settings)
    return entries.create(tx, call, SCHEMES, new, violations(settings))


def update(tx: Connection, call: Call, change: Change) -> Scheme:
    """Change the scheme that still has the etag, with which the SA types that use it stay sound.

    Frozen segments stay as they are (BIL-10).

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation; AgreementTypeUnsound.
    """

    def uses_it(agreement_type: AgreementType, _rate: str) -> bool:
        return any(each.measured and each.measured.scheme == change.code for each in agreement_type.settings.usage)

    service.refuse_outside(SCHEMES, change.code, call.scope)
    soundness.lock(tx)
    scheme = entries.update(tx, call, SCHEMES, change, lambda _, new: violations(new.settings))
    soundness.refuse_unsound(tx, call, uses_it)
    return scheme


def violations(settings: SchemeSettings) -> Iterator[Violation]:
    """All that is wrong with the settings of a scheme."""
    for at, row in enumerate(settings.rows):
        if row.end != _MIDNIGHT and row.start >= row.end:
            text = "must be after the start; what goes over midnight takes two rows"
            yield Violation(f"{WORD}.rows[{at}].end_time", "END_NOT_AFTER_START", text)
    if not settings.otherwise:
        yield Violation(f"{WORD}.otherwise", "FIELD_REQUIRED", "must be given: some instants are in no row")
    yield from calendars.place_faults(settings.country, settings.subdivision, WORD)
    yield from calendars.day_faults(settings.holidays, f"{WORD}.holidays")
