"""What a version of an accounting rule must say (ACC-01, ACC-03, ACC-06, ACC-13): all that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Collection as Codes
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from domain.accounting.configuration.model import (
    AmountSource,
    Collection,
    EntryAmount,
    Processing,
    RuleSettings,
    RuleVersion,
)
from domain.kernel.calendars import SPAN_MAX_DAYS
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation


def named_collections(settings: RuleSettings) -> frozenset[str]:
    """The collections that it names."""
    named = {settings.debit_collection, settings.credit_collection}
    if settings.entry_amount.source is AmountSource.COLLECTION_BALANCE:
        named.add(settings.entry_amount.name)
    if settings.settlement:
        named |= {settings.settlement.debit_collection, settings.settlement.credit_collection}
    return frozenset(named)


def still_to_run(versions: Iterable[RuleVersion], now_us: int) -> Iterator[RuleVersion]:
    """Those of some rules' versions, by code and number, that run now or may run later."""
    for _, of_rule in groupby(versions, lambda version: version.code):
        known = list(of_rule)
        running = max((each.rule_version for each in known if each.valid_from_us <= now_us), default=0)
        yield from (each for each in known if each.rule_version >= running)


def needs_suspense(settings: RuleSettings, collection: str) -> bool:
    """Whether it is sound only as long as the collection is one of suspense (ACC-03, ACC-06)."""
    settlement = settings.settlement
    if settlement and collection in {settlement.debit_collection, settlement.credit_collection}:
        return True
    return settings.debit_collection == settings.credit_collection == collection


def violations(
    settings: RuleSettings, claim_types: Codes[str], collections: Mapping[str, Collection], path: str
) -> Iterator[Violation]:
    """Everything that is wrong with it.

    `claim_types` and `collections` are those of the ones it names that there are; `path` is the field it stands in.
    """
    yield from _texts(settings, path)
    yield from _claim_types(settings, claim_types, path)
    yield from _sides(settings, collections, path)
    yield from _entry_amount(settings.entry_amount, collections, f"{path}.entry_amount")
    yield from _delay(settings, path)
    yield from _settlement(settings, collections, f"{path}.settlement")


def _texts(settings: RuleSettings, path: str) -> Iterator[Violation]:
    for name in ("workflow_point", "entry_reason"):
        if not getattr(settings, name):
            yield _required(f"{path}.{name}")
    for name in ("description", "entry_reason"):
        if fault := character_fault(getattr(settings, name)):
            yield Violation(f"{path}.{name}", REASON, fault)


def _claim_types(settings: RuleSettings, known: Codes[str], path: str) -> Iterator[Violation]:
    field = f"{path}.claim_type_codes"
    if not settings.claim_types:
        yield _required(field)
    for code in sorted(settings.claim_types):
        if code not in known:
            yield Violation(field, "CLAIM_TYPE_UNKNOWN", f"there is no claim type {code!r}")


def _sides(settings: RuleSettings, collections: Mapping[str, Collection], path: str) -> Iterator[Violation]:
    debit, credit = settings.debit_collection, settings.credit_collection
    yield from _collection(debit, collections, f"{path}.debit_collection_code")
    yield from _collection(credit, collections, f"{path}.credit_collection_code")
    if debit and debit == credit and debit in collections and not collections[debit].suspense:
        text = f"must not be {debit} on both sides: only suspense moves to suspense"
        yield Violation(f"{path}.credit_collection_code", "COLLECTIONS_EQUAL", text)


def _entry_amount(amount: EntryAmount, collections: Mapping[str, Collection], path: str) -> Iterator[Violation]:
    if amount.source is AmountSource.CALLER:
        if amount.name:
            yield Violation(
                f"{path}.name", "ENTRY_AMOUNT_NAME_UNUSED", "must be empty when the caller gives the amount"
            )
    elif amount.source is AmountSource.COLLECTION_BALANCE:
        yield from _collection(amount.name, collections, f"{path}.name")
    elif not amount.name:
        yield _required(f"{path}.name")


def _delay(settings: RuleSettings, path: str) -> Iterator[Violation]:
    delay = settings.delay
    if delay is None:
        return
    if settings.processing is Processing.TRACKING_ONLY:
        text = "must not be given: what is for tracking only is executed as it is performed"
        yield Violation(f"{path}.delay", "DELAY_OF_TRACKING_ONLY", text)
    if not 0 <= delay.days <= SPAN_MAX_DAYS:
        yield Violation(f"{path}.delay.days", "DELAY_OUT_OF_RANGE", f"must be from 0 to {SPAN_MAX_DAYS:,}")
    if not delay.claim_date:
        yield _required(f"{path}.delay.claim_date")


def _settlement(settings: RuleSettings, collections: Mapping[str, Collection], path: str) -> Iterator[Violation]:
    settlement = settings.settlement
    if settlement is None:
        return
    if settings.processing is Processing.TRACKING_ONLY:
        text = "must not be given: what is for tracking only makes nothing to be carried out"
        yield Violation(path, "SETTLEMENT_OF_TRACKING_ONLY", text)
    for side in ("debit_collection", "credit_collection"):
        code, field = getattr(settlement, side), f"{path}.{side}_code"
        yield from _collection(code, collections, field)
        if code in collections and not collections[code].suspense:
            yield Violation(field, "SETTLEMENT_NOT_SUSPENSE", f"must be a collection of suspense, and {code} is none")
    if not settlement.entry_reason:
        yield _required(f"{path}.entry_reason")
    if fault := character_fault(settlement.entry_reason):
        yield Violation(f"{path}.entry_reason", REASON, fault)


def _collection(code: str, collections: Mapping[str, Collection], field: str) -> Iterator[Violation]:
    if not code:
        yield _required(field)
    elif code not in collections:
        yield Violation(field, "COLLECTION_UNKNOWN", f"there is no collection {code!r}")


def _required(field: str) -> Violation:
    return Violation(field, "FIELD_REQUIRED", "must be given")
