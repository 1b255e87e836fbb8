"""Use cases of billing cycles that change them, and what they must be; they are read by `registers.service`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias

from sqlalchemy import Connection

from domain.invoicing.configuration.model import NO_EXPORT, Cycle, CycleSettings
from domain.invoicing.configuration.registers import CYCLES, ISSUERS
from domain.invoicing.invoices.states import TaxCategory
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.money import digits_of
from domain.kernel.registers import entries
from domain.kernel.registers import store as registers
from domain.kernel.registers.service import Change
from domain.kernel.time import is_zone

WORD = CYCLES.word
PERIOD_COUNT_MAX = 366
CARRIES_MAX = 1_000
PAYMENT_DAYS_MAX = 366

KnownDistributionCodes: TypeAlias = Callable[[Connection, Collection[str]], frozenset[str]]
"""Those of some distribution codes that there are; the general ledger's room knows them."""

_KEY = re.compile(r"[A-Za-z0-9._-]{0,64}")
_WORKFLOW = re.compile(r"[A-Za-z0-9._-]{1,64}")


def create(tx: Connection, call: Call, new: Cycle, known_codes: KnownDistributionCodes) -> Cycle:
    """Add a billing cycle.

    Raises: NotFound for one outside the caller's scope, whether there is one or not; Invalid with every violation;
    CodeTaken.
    """
    return entries.create(tx, call, CYCLES, new, _faults(tx, new, known_codes))


def update(tx: Connection, call: Call, change: Change, known_codes: KnownDistributionCodes) -> Cycle:
    """Change the billing cycle that still has the etag; schedules that there are stay as they are.

    Raises: EtagMissing; NotFound; EtagStale; Invalid with every violation.
    """
    return entries.update(tx, call, CYCLES, change, lambda _, new: _faults(tx, new, known_codes))


def violations(settings: CycleSettings) -> Iterator[Violation]:
    """All that is wrong with the settings of a cycle by themselves."""
    if digits_of(settings.currency) is None:
        yield Violation(
            f"{WORD}.currency_code", "CURRENCY_UNKNOWN", "must be a currency's code of three letters (ISO 4217)"
        )
    if not is_zone(settings.time_zone):
        yield Violation(f"{WORD}.time_zone", "TIME_ZONE_UNKNOWN", "must be the name of a time zone (IANA)")
    yield from _range_faults(settings)
    yield from _minimum_faults(settings)
    yield from _export_faults(settings)
    if not _KEY.fullmatch(settings.hookpoint):
        text = "must have at most 64 letters, digits, dots, dashes and underscores"
        yield Violation(f"{WORD}.hookpoint_key", "HOOKPOINT_KEY_INVALID", text)


def _faults(tx: Connection, new: Cycle, known_codes: KnownDistributionCodes) -> Iterator[Violation]:
    settings = new.settings
    yield from violations(settings)
    if registers.find(tx, ISSUERS, settings.issuer) is None:
        yield Violation(f"{WORD}.issuer_code", "ISSUER_UNKNOWN", f"there is no issuer {settings.issuer!r}")
    named = {
        f"{WORD}.receivable_distribution_code": settings.receivable,
        **{f'{WORD}.tax_distribution_codes["{category}"]': code for category, code in sorted(settings.taxes.items())},
    }
    known = known_codes(tx, {code for code in named.values() if code})
    for field, code in named.items():
        if code not in known:
            yield Violation(field, "DISTRIBUTION_CODE_UNKNOWN", f"there is no distribution code {code!r}")
    for category in sorted(settings.taxes.keys() - set(TaxCategory)):
        text = f"must be one of EN 16931: {', '.join(TaxCategory)}"
        yield Violation(f'{WORD}.tax_distribution_codes["{category}"]', "TAX_CATEGORY_UNKNOWN", text)


def _range_faults(settings: CycleSettings) -> Iterator[Violation]:
    if not 1 <= settings.period_count <= PERIOD_COUNT_MAX:
        yield Violation(f"{WORD}.period_count", "PERIOD_COUNT_OUT_OF_RANGE", f"must be from 1 to {PERIOD_COUNT_MAX}")
    if not 0 <= settings.maximum_carries <= CARRIES_MAX:
        text = f"must be from 0, for no end to it, to {CARRIES_MAX:,}"
        yield Violation(f"{WORD}.maximum_carries", "MAXIMUM_CARRIES_OUT_OF_RANGE", text)
    if not 0 <= settings.payment_days <= PAYMENT_DAYS_MAX:
        yield Violation(f"{WORD}.payment_days", "PAYMENT_DAYS_OUT_OF_RANGE", f"must be from 0 to {PAYMENT_DAYS_MAX}")


def _minimum_faults(settings: CycleSettings) -> Iterator[Violation]:
    for currency, minor in settings.minimum_usage.items():
        if minor < 0:
            text = f"must not be negative ({currency})"
            yield Violation(f"{WORD}.minimum_usage", "MINIMUM_USAGE_NEGATIVE", text)


def _export_faults(settings: CycleSettings) -> Iterator[Violation]:
    if not _WORKFLOW.fullmatch(settings.workflow):
        text = "must have from 1 to 64 letters, digits, dots, dashes and underscores"
        yield Violation(f"{WORD}.export_workflow", "EXPORT_WORKFLOW_INVALID", text)
    for each, count in Counter(settings.formats).items():
        if count > 1:
            yield Violation(f"{WORD}.export_formats", "EXPORT_FORMAT_TWICE", f"has {each} more than once")
    if not settings.formats and settings.workflow != NO_EXPORT:
        text = f"must have a format, unless the workflow is {NO_EXPORT}"
        yield Violation(f"{WORD}.export_formats", "EXPORT_FORMATS_MISSING", text)
