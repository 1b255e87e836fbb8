"""Money of the contract (`google.type.Money`) as exact minor units, and back (PLT-01)."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message
from google.type.money_pb2 import Money as MoneyProto

from domain.kernel.amounts import amount_fault, amount_of, minor_of
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money


def money_from_proto(message: Message, name: str, *, path: str = "") -> Money | None:
    """The amount in a field, of either sign; None when it is not given. `path` is that of the message.

    Raises: Invalid for an amount that is none, is finer than its currency's minor unit, or is too large.
    """
    if not message.HasField(name):
        return None
    value: MoneyProto = getattr(message, name)
    given = (value.currency_code, value.units, value.nanos)
    if fault := amount_fault(given):
        raise Invalid(Violation(f"{path}.{name}" if path else name, *fault))
    return Money(minor_of(given), value.currency_code)


def moneys_from_proto(amounts: Mapping[str, MoneyProto | None]) -> list[Money]:
    """The amounts, of either sign, by the paths of their fields.

    Raises: Invalid as `money_from_proto` for every one of them, and for those that are not given (None).
    """
    moneys, violations = [], []
    for path, value in amounts.items():
        given = ("", 0, 0) if value is None else (value.currency_code, value.units, value.nanos)
        if value is None:
            violations.append(Violation(path, "FIELD_REQUIRED", "must be given"))
        elif fault := amount_fault(given):
            violations.append(Violation(path, *fault))
        else:
            moneys.append(Money(minor_of(given), value.currency_code))
    if violations:
        raise Invalid(*violations)
    return moneys


def money_to_proto(amount: Money) -> MoneyProto:
    """An amount."""
    currency, units, nanos = amount_of(amount.minor, amount.currency)
    return MoneyProto(currency_code=currency, units=units, nanos=nanos)
