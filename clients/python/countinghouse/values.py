"""Money and dates between Python and the wire. No amount ever passes through a float (PLT-01)."""

from datetime import date
from decimal import Context, Decimal, Inexact, localcontext

from google.type import date_pb2, money_pb2

NANOS = 1_000_000_000
_EXACT = Context(prec=60, traps=[Inexact])
_UNITS_MAX = 2**63 - 1


def money_from_decimal(amount: Decimal, currency: str) -> money_pb2.Money:
    """The amount as `google.type.Money`.

    Raises:
        ValueError: It has more than nine decimals, is not finite, or is beyond what 64 bits hold.
    """
    if not amount.is_finite():
        raise ValueError(f"{amount} is no amount")
    with localcontext(_EXACT):
        nanos = amount.scaleb(9)
        if nanos != nanos.to_integral_value():
            raise ValueError(f"{amount} has more than nine decimals")
        return money_from_nanos(int(nanos), currency)


def money_from_nanos(nanos: int, currency: str) -> money_pb2.Money:
    """The amount of `nanos` billionths of a unit; units and nanos have one sign.

    Raises:
        ValueError: It is beyond what 64 bits hold.
    """
    units, rest = divmod(abs(nanos), NANOS)
    if units > _UNITS_MAX:
        raise ValueError("the amount is beyond what google.type.Money holds")
    sign = -1 if nanos < 0 else 1
    return money_pb2.Money(currency_code=currency, units=sign * units, nanos=sign * rest)


def nanos_of(money: money_pb2.Money) -> int:
    """The amount in billionths of a unit, exact."""
    return money.units * NANOS + money.nanos


def decimal_of(money: money_pb2.Money) -> Decimal:
    """The amount, exact, with as many decimals as it needs."""
    return decimal_of_nanos(nanos_of(money))


def decimal_of_nanos(nanos: int) -> Decimal:
    """Billionths of a unit as an exact amount, with as many decimals as it needs."""
    with localcontext(_EXACT):
        amount = Decimal(nanos).scaleb(-9).normalize()
        return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount


def date_to_proto(day: date) -> date_pb2.Date:
    """The day as `google.type.Date`."""
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def date_from_proto(day: date_pb2.Date) -> date:
    """The day; for whole dates only.

    Raises:
        ValueError: Year, month or day is missing, or there is no such day.
    """
    return date(day.year, day.month, day.day)
