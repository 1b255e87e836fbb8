"""A small utility for trying things out: what it sells, at which rates, and when it bills."""

from datetime import date
from typing import Any

LEDGER = "utility"
CYCLE = "DEMO"
CURRENCY, ZONE = "EUR", "Europe/Berlin"
HOME, BUSINESS = "DEMO_HOME", "DEMO_BUSINESS"
"""Customer classes."""
HOMES, BUSINESSES = "DEMO_HOMES", "DEMO_BUSINESSES"
"""Billing cycles."""
INVOICE_CYCLES = {HOME: HOMES, BUSINESS: BUSINESSES}
HOURLY, DAILY, COUNTER = "DEMO_HOURLY", "DEMO_DAILY", "DEMO_COUNTER"
"""Types of profiles."""
COUNTER_DIGITS = 5
TIME, STEPS, COUNTED, ESTIMATED, SITE, HEAD_OFFICE = (
    f"DEMO_{name}" for name in ("TIME", "STEPS", "COUNTED", "ESTIMATED", "SITE", "HEAD_OFFICE")
)
"""Types of service agreements."""
GREEN, GARAGE = "DEMO_GREEN", "DEMO_GARAGE"
"""Rates that agreements have instead of their type's."""

STARTS = tuple(date(2026, month, 1) for month in (1, 2, 3, 4, 5))
"""The months: three are billed, a fourth is to come."""
WINDOWS = ("2026-01", "2026-02", "2026-03")
NEXT_WINDOW = "2026-04"

_NEW_PRICE = date(2026, 3, 16)


def configuration() -> dict[str, Any]:
    """Everything as it was in January, as a document of `countinghouse billing configure`."""
    return {
        "distributionCodes": [_code(*each) for each in _CODES],
        "customerClasses": [_class(HOME, 14, _HOME_RUNS), _class(BUSINESS, 30, [])],
        "timeOfUseSchemes": [{"code": "DEMO_DAY_NIGHT", "country": "DE", "rows": [_DAY], "otherwise": "NIGHT"}],
        "profileTypes": [
            {"code": HOURLY, "kind": "PROFILE_KIND_INTERVALS", "unit": "kWh", "intervalLength": "3600s"},
            {"code": DAILY, "kind": "PROFILE_KIND_INTERVALS", "unit": "kWh", "intervalLength": "86400s"},
            {"code": COUNTER, "kind": "PROFILE_KIND_REGISTER", "unit": "kWh", "registerDigits": COUNTER_DIGITS},
        ],
        "rates": [_rate(code, *components) for code, components in _RATES.items()],
        "serviceAgreementTypes": _types(),
        "billCycles": [{"code": CYCLE, "windows": list(map(_window, WINDOWS))}],
    }


def new_price() -> dict[str, Any]:
    """What changed in March."""
    return {"rates": [_rate(GREEN, _standing("8.00"), _steps("0.341"), _vat(), start=_NEW_PRICE)]}


def next_window() -> dict[str, Any]:
    """The window of the month to come."""
    return {"billCycles": [{"code": CYCLE, "windows": [_window(NEXT_WINDOW)]}]}


def day(value: date) -> dict[str, int]:
    """A day in the words of JSON."""
    return {"year": value.year, "month": value.month, "day": value.day}


def _code(code: str, account: str, description: str) -> dict[str, Any]:
    account_of = {"distributionAccount": account, "bulkingGroup": "bills"}
    return {"code": f"DEMO_{code}", "description": description, "ledgerCode": LEDGER, **account_of}


def _class(code: str, due_days: int, algorithms: list[dict[str, Any]]) -> dict[str, Any]:
    return {"code": code, "calendar": {"country": "DE"}, "dueDays": due_days, "algorithms": algorithms}


def _runs(algorithm: str, **parameters: str) -> dict[str, Any]:
    moment = "ALGORITHM_MOMENT_PRE_COMPLETION"
    return {"moment": moment, "sequence": 10, "algorithm": algorithm, "parameters": parameters}


def _window(code: str) -> dict[str, Any]:
    """The bills of a month are made at the beginning of the next."""
    after = STARTS[int(code[-2:])]
    last = after.replace(day=5)
    days = {"startDate": day(after), "endDate": day(last), "throughDate": day(after)}
    return {"name": f"billCycles/{CYCLE}/windows/{code}", "code": code, **days, "freeze": True, "complete": True}


def _rate(code: str, *components: dict[str, Any], start: date = STARTS[0]) -> dict[str, Any]:
    version = {"effectiveDate": day(start), "components": list(components)}
    return {"code": code, "currencyCode": CURRENCY, "newestVersion": version}


def _decimal(text: str) -> dict[str, str]:
    return {"value": text}


def _standing(price: str) -> dict[str, Any]:
    return {"code": "STANDING", "distributionCode": "DEMO_STANDING", "fixed": {"price": _decimal(price)}}


def _energy(charge: str, usage: str = "ENERGY", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    return {"code": "ENERGY", "distributionCode": "DEMO_POWER", charge: {"usage": usage, "unit": "kWh", **more}}


def _steps(*prices: str, limit: str = "250", usage: str = "ENERGY") -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"price": _decimal(price)} for price in prices]
    for step in steps[:-1]:
        step["limit"] = _decimal(limit)
    return _energy("stepped", usage, steps=steps)


def _by_time(**prices: str) -> dict[str, Any]:
    return _energy("timeOfUse", prices=[{"bucket": name, "price": _decimal(price)} for name, price in prices.items()])


def _of(code: str, charge: str, percent: str, *components: str) -> dict[str, Any]:
    distribution_code = "DEMO_VAT" if charge == "tax" else "DEMO_POWER"
    charged = {"percent": _decimal(percent), "componentCodes": list(components)}
    return {"code": code, "distributionCode": distribution_code, charge: charged}


def _vat(*more: str) -> dict[str, Any]:
    return _of("VAT", "tax", "19", "STANDING", "ENERGY", *more)


def _types() -> list[dict[str, Any]]:
    judged = {"segments": 2, "highPercent": _decimal("300")}
    sites = {"serviceAgreementTypeCodes": [SITE], "measure": "kWh"}
    return [
        _type(TIME, TIME, _measured(HOURLY, timeOfUseSchemeCode="DEMO_DAY_NIGHT")),
        _type(STEPS, STEPS, _measured(DAILY), plausibleRange=judged),
        _type(COUNTED, STEPS, _measured(COUNTER)),
        _type(ESTIMATED, STEPS, _measured(DAILY, missingData="MISSING_DATA_ESTIMATE")),
        _type(SITE, SITE, _measured(DAILY), processingSequence="10"),
        _type(HEAD_OFFICE, HEAD_OFFICE, {"name": "SITES", "chargedOn": sites}, processingSequence="20"),
    ]


def _type(code: str, rate: str, *usage: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    owed = {"receivableDistributionCode": "DEMO_RECEIVABLE"}
    return {"code": code, "rateCode": rate, **owed, "usage": list(usage), **more}


def _measured(profile_type: str, **more: str) -> dict[str, Any]:
    return {"name": "ENERGY", "measured": {"profileTypeCode": profile_type, **more}}


_CODES = (
    ("RECEIVABLE", "1200", "Owed by customers"),
    ("POWER", "4100", "Energy"),
    ("STANDING", "4110", "Standing charges"),
    ("MINIMUM", "4120", "Rest to the minimum bill"),
    ("VAT", "2210", "Value added tax"),
)
_DAY = {
    "bucket": "DAY",
    "weekdays": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
    "startTime": {"hours": 7},
    "endTime": {"hours": 21},
    "holidays": "HOLIDAY_RULE_EXCEPT",
}
_HOME_RUNS = [
    _runs("minimum-bill", amount="12.00", currency=CURRENCY, distribution_code="DEMO_MINIMUM"),
    _runs("bill-message", text="You may pay less by time of use: ask us.", condition="bill.amount_minor > 12000"),
]
_RATES = {
    TIME: (_standing("9.50"), _by_time(DAY="0.3412", NIGHT="0.2275"), _vat()),
    STEPS: (
        _standing("8.00"),
        _steps("0.358", "0.312"),
        _of("ONLINE", "discount", "2.5", "ENERGY"),
        _vat("ONLINE"),
    ),
    GREEN: (_standing("8.00"), _steps("0.329"), _vat()),
    GARAGE: (_standing("2.50"), _steps("0.358"), _vat()),
    SITE: (_standing("24.00"), _steps("0.265", "0.241", limit="1500"), _vat()),
    HEAD_OFFICE: (_standing("60.00"), _steps("0.0125", usage="SITES"), _vat()),
}
"""What is charged, by the rate's code."""
