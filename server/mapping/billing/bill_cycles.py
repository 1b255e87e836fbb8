"""Bill cycles and their windows as the contract tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countinghouse.billing.v1 import bill_cycles_pb2 as pb
from domain.billing.configuration.model import Cycle, Window
from domain.billing.configuration.windows import WORD, WindowKey
from domain.billing.names import cycle_name, window_name
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers.service import Change
from domain.kernel.time import real_day
from server.mapping.days import day_to_proto
from server.mapping.entries import change_from_proto, stamps
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

_DAYS = {
    "start_date": "start_day",
    "end_date": "end_day",
    "through_date": "through_day",
    "bill_date": "bill_day",
    "accounting_date": "accounting_day",
}
_FIELDS = (*_DAYS, "freeze", "complete")
_NO_DAY = -1


def cycle_to_proto(found: Cycle) -> pb.BillCycle:
    """A bill cycle."""
    return pb.BillCycle(name=cycle_name(found.code), code=found.code, description=found.description, **stamps(found))


def cycle_change(request: pb.UpdateBillCycleRequest) -> Change:
    """What is changed of which bill cycle. Raises: Invalid as `updated_code`."""
    return change_from_proto(request, "bill_cycle", cycle_name, {})


def window_to_proto(found: Window) -> pb.BillCycleWindow:
    """A window of a bill cycle."""
    return pb.BillCycleWindow(
        name=window_name(found.cycle_code, found.code),
        code=found.code,
        **{field: day_to_proto(getattr(found, name)) for field, name in _DAYS.items()},
        freeze=found.freeze,
        complete=found.complete,
        create_time=instant_to_proto(found.created_us),
        update_time=instant_to_proto(found.updated_us),
        etag=found.etag,
    )


def key_from_name(name: str) -> WindowKey:
    """The window that a name is of."""
    _, cycle, _, code = name.split("/")
    return WindowKey(cycle, code)


def given_from_proto(given: pb.BillCycleWindow) -> Mapping[str, Any]:
    """A window as it is given: a day that is not given is 0, one that the calendar does not have _NO_DAY."""
    return _values(given, _FIELDS)


def window_change(request: pb.UpdateBillCycleWindowRequest) -> tuple[WindowKey, Mapping[str, Any]]:
    """What is changed of which window. Raises: Invalid as `updated_code`."""
    given, mask = request.bill_cycle_window, request.update_mask
    if not given.name:
        raise Invalid(Violation(f"{WORD}.name", "FIELD_REQUIRED", "must be given"))
    cycle = given.name.removeprefix("billCycles/").partition("/")[0]
    code = updated_code(given, mask, word=WORD, name_of=lambda code: window_name(cycle, code))
    return WindowKey(cycle, code), _values(given, asked_fields(given, mask, _FIELDS))


def _values(given: pb.BillCycleWindow, fields: tuple[str, ...] | list[str]) -> Mapping[str, Any]:
    return {_DAYS.get(field, field): _value(given, field) for field in fields}


def _value(given: Any, field: str) -> int | bool:  # noqa: ANN401 - by name the type of a field is not known
    value = getattr(given, field)
    if field not in _DAYS:
        return bool(value)
    return (real_day(value.year, value.month, value.day) or _NO_DAY) if given.HasField(field) else 0
