"""Use cases of rates: versions are final, a change is a new one (BIL-20); rates are read by `registers.service`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.billing.configuration import documents, rate_rules, soundness, store
from domain.billing.configuration.algorithm_uses import KnownDistributionCodes
from domain.billing.configuration.model import ConfiguredRate, RateVersion
from domain.billing.configuration.rate_rules import Given
from domain.billing.configuration.registers import RATES
from domain.billing.names import RATE_VERSION_TYPE, rate_name, rate_version_name
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.characters import REASON, character_fault
from domain.kernel.documents import Document
from domain.kernel.errors import EtagMissing, Invalid, NotFound, Violation
from domain.kernel.paging import Page
from domain.kernel.registers import service
from domain.kernel.registers.service import Change

WORD = RATES.word
CREATED_IN = f"{WORD}.newest_version"
VERSION_WORD = "rate_version"
"""The fields that a version stands in: when a rate is created, and when it is changed."""


@dataclass(frozen=True, slots=True)
class Told:
    """A rate with the version of it that came last."""

    rate: ConfiguredRate
    newest: RateVersion


@dataclass(frozen=True, slots=True)
class NewRate:
    """A rate as it is to be, with what its first version says."""

    code: str
    description: str
    currency: str
    first: Given


def create(tx: Connection, call: Call, new: NewRate, known_codes: KnownDistributionCodes) -> Told:
    """Add a rate with its first version. Raises: SharedBeyondScope; Invalid with every violation; CodeTaken."""
    service.refuse_outside(RATES, new.code, call.scope)
    soundness.lock(tx)
    settings, violations = rate_rules.judged(tx, new.first, known_codes, currency=new.currency, path=CREATED_IN)
    if violations := [*_description_faults(new.description), *violations]:
        raise Invalid(*violations)
    rate = ConfiguredRate(new.code, new.description, 1, call.now_us, call.now_us, new.currency, newest_version=1)
    service.create(tx, call, RATES, rate)
    version = RateVersion(new.code, 1, settings, call.now_us, call.caller)
    _add(tx, call, version)
    return Told(rate, version)


def create_version(
    tx: Connection, call: Call, code: str, etag: str, *, given: Given, known_codes: KnownDistributionCodes
) -> RateVersion:
    """Change the rate that still has the etag: a version more, with which SA types and agreements by it stay sound.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation; AgreementTypesUnsound.
    """
    if not etag:
        raise EtagMissing("etag")
    service.refuse_outside(RATES, code, call.scope)
    soundness.lock(tx)

    def changed(old: ConfiguredRate) -> ConfiguredRate:
        return replace(old, newest_version=old.newest_version + 1)

    rate = service.update(tx, call, RATES, Change(code, etag, {}), changed)
    settings, violations = rate_rules.judged(tx, given, known_codes, currency=rate.currency, path=VERSION_WORD)
    if violations:
        raise Invalid(*violations)
    version = RateVersion(code, rate.newest_version, settings, call.now_us, call.caller)
    _add(tx, call, version)
    soundness.refuse_unsound(tx, call, lambda _, rate: rate == code)
    return version


def update(tx: Connection, call: Call, change: Change) -> Told:
    """Change the description of the rate that still has the etag.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid.
    """

    def changed(old: ConfiguredRate) -> ConfiguredRate:
        new: ConfiguredRate = replace(old, **change.changes)
        if violations := tuple(_description_faults(new.description)):
            raise Invalid(*violations)
        return new

    return told(tx, [service.update(tx, call, RATES, change, changed)])[0]


def get(tx: Connection, code: str) -> Told:
    """The rate. Raises: NotFound."""
    return told(tx, [service.get(tx, RATES, code)])[0]


def list_page(tx: Connection, page: Page) -> list[Told]:
    """One rate more than the page holds, if there is one, by code; the key is the code."""
    return told(tx, service.list_page(tx, RATES, page))


def told(tx: Connection, rates: list[ConfiguredRate]) -> list[Told]:
    """Rates with their newest versions. Cost: one statement."""
    newest = store.newest_versions(tx, [rate.code for rate in rates])
    return [Told(rate, newest[rate.code]) for rate in rates]


def get_version(tx: Connection, code: str, number: int) -> RateVersion:
    """A version of a rate. Raises: NotFound."""
    found = store.find_rate_version(tx, code, number)
    if found is None:
        raise NotFound(RATE_VERSION_TYPE, rate_version_name(code, number))
    return found


def list_versions(tx: Connection, code: str, page: Page) -> list[RateVersion]:
    """One version more than the page holds, if there is one, the newest first; the key is the number.

    Raises: NotFound for the rate.
    """
    service.get(tx, RATES, code)
    before = int(page.after[0]) if page.after else 0
    return store.rate_versions_page(tx, code, before=before, limit=page.size + 1)


def _add(tx: Connection, call: Call, version: RateVersion) -> None:
    store.create_rate_version(tx, version)
    changes: Document = {"from": None, "to": _told(version)}
    events.append(tx, call, rate_name(version.code), f"{WORD}.version_created", changes, scope_id=0)


def _told(version: RateVersion) -> Document:
    components = documents.components_document(version.settings.components)
    return {"version": version.rate_version, "effective_day": version.settings.effective_day, **components}


def _description_faults(description: str) -> Iterator[Violation]:
    if fault := character_fault(description):
        yield Violation(f"{WORD}.description", REASON, fault)
