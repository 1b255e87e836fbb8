"""Billing cycles as the contract tells them."""

from __future__ import annotations

from collections.abc import Mapping

from countinghouse.invoicing.v1 import billing_cycles_pb2 as pb
from domain.invoicing.configuration.model import DATA_FILES, Cycle, CycleSettings, Format, PeriodUnit
from domain.invoicing.names import cycle_name
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money
from domain.kernel.registers.service import Change
from server.mapping.entries import Reads, change_from_proto, stamps, values_of
from server.mapping.money import money_to_proto, moneys_from_proto

_UNITS = {PeriodUnit.DAYS: pb.PERIOD_UNIT_DAYS, PeriodUnit.MONTHS: pb.PERIOD_UNIT_MONTHS}
_UNITS_BY_NUMBER = {number: unit for unit, number in _UNITS.items()}
_FORMATS = {
    Format.PDF: pb.EXPORT_FORMAT_PDF,
    Format.UBL: pb.EXPORT_FORMAT_UBL,
    Format.JSON: pb.EXPORT_FORMAT_JSON,
}
_FORMATS_BY_NUMBER = {number: each for each, number in _FORMATS.items()}
_PAYMENT_DAYS = 14

_READS: Reads = {
    "issuer_code": lambda given: {"issuer": given.issuer_code},
    "currency_code": lambda given: {"currency": given.currency_code},
    "time_zone": lambda given: {"time_zone": given.time_zone},
    "period_count": lambda given: {"period_count": given.period_count or 1},
    "period_unit": lambda given: {"period_unit": _UNITS_BY_NUMBER.get(given.period_unit, PeriodUnit.MONTHS)},
    "minimum_usage": lambda given: {"minimum_usage": _minimum_usage(given)},
    "maximum_carries": lambda given: {"maximum_carries": given.maximum_carries},
    "payment_days": lambda given: {
        "payment_days": given.payment_days if given.HasField("payment_days") else _PAYMENT_DAYS
    },
    "hookpoint_key": lambda given: {"hookpoint": given.hookpoint_key},
    "export_workflow": lambda given: {"workflow": given.export_workflow or DATA_FILES},
    "export_formats": lambda given: {"formats": tuple(_FORMATS_BY_NUMBER[each] for each in given.export_formats)},
    "receivable_distribution_code": lambda given: {"receivable": given.receivable_distribution_code},
    "tax_distribution_codes": lambda given: {"taxes": dict(given.tax_distribution_codes)},
}


def cycle_to_proto(found: Cycle) -> pb.BillingCycle:
    """A billing cycle."""
    settings = found.settings
    return pb.BillingCycle(
        name=cycle_name(found.code),
        code=found.code,
        description=found.description,
        issuer_code=settings.issuer,
        currency_code=settings.currency,
        time_zone=settings.time_zone,
        period_count=settings.period_count,
        period_unit=_UNITS[settings.period_unit],
        minimum_usage=[money_to_proto(Money(minor, code)) for code, minor in sorted(settings.minimum_usage.items())],
        maximum_carries=settings.maximum_carries,
        payment_days=settings.payment_days,
        hookpoint_key=settings.hookpoint,
        export_workflow=settings.workflow,
        export_formats=[_FORMATS[each] for each in settings.formats],
        receivable_distribution_code=settings.receivable,
        tax_distribution_codes=settings.taxes,
        **stamps(found),
    )


def settings_from_proto(given: pb.BillingCycle) -> CycleSettings:
    """What is set of a cycle. Raises: Invalid for amounts that are none, and for two of a currency."""
    return CycleSettings(**values_of(given, _READS))


def cycle_change(request: pb.UpdateBillingCycleRequest) -> Change:
    """What is changed of which billing cycle. Raises: Invalid as `updated_code` and `settings_from_proto`."""
    return change_from_proto(request, "billing_cycle", cycle_name, _READS)


def _minimum_usage(given: pb.BillingCycle) -> Mapping[str, int]:
    """The minimums by currency."""
    path = "billing_cycle.minimum_usage"
    amounts = moneys_from_proto({f"{path}[{at}]": each for at, each in enumerate(given.minimum_usage)})
    found: dict[str, int] = {}
    twice = []
    for at, amount in enumerate(amounts):
        if amount.currency in found:
            text = f"there is one of {amount.currency} already"
            twice.append(Violation(f"{path}[{at}].currency_code", "MINIMUM_USAGE_TWICE", text))
        found[amount.currency] = amount.minor
    if twice:
        raise Invalid(*twice)
    return found
