"""Why a billing run does not start, and what it makes of an account that it cannot bill."""

from __future__ import annotations

from domain.billing.names import WINDOW_TYPE, cycle_name
from domain.kernel.errors import NotFound, Refused
from domain.kernel.time import iso_day
from domain.operations.errors import RESOURCE_TYPE as OPERATION_TYPE


class WindowNotOpen(Refused):
    """Today is none of the window's days: say outside_window to run it all the same."""

    reason = "BILL_CYCLE_WINDOW_NOT_OPEN"

    def __init__(self, name: str, *, today: int, start_day: int, end_day: int) -> None:
        super().__init__(
            f"{name} is open from {iso_day(start_day)} to {iso_day(end_day)}, and today is {iso_day(today)}:"
            " say outside_window to run it all the same",
            resource_type=WINDOW_TYPE,
            resource_name=name,
        )


class NoWindowOpen(Refused):
    """Today is a day of none of the bill cycle's windows."""

    reason = "BILL_CYCLE_HAS_NO_OPEN_WINDOW"

    def __init__(self, cycle: str, *, today: int) -> None:
        sentence = f"{cycle_name(cycle)} has no window on {iso_day(today)}: name the window that is to be run"
        super().__init__(sentence, resource_name=cycle_name(cycle))


class RunUnderWay(Refused):
    """Another run of the window is under way or paused: have it come to its end, or cancel it."""

    reason = "BILLING_RUN_UNDER_WAY"

    def __init__(self, name: str, operation_id: str) -> None:
        operation = f"operations/{operation_id}"
        super().__init__(
            f"{name} is being run by {operation}: wait for its end, resume it if it is paused, or cancel it",
            resource_type=WINDOW_TYPE,
            resource_name=name,
            operation=operation,
        )


class BillingRunNotFound(NotFound):
    """The operation is no billing run and no preview of one."""

    reason = "BILLING_RUN_NOT_FOUND"

    def __init__(self, operation_id: str) -> None:
        super().__init__(OPERATION_TYPE, f"operations/{operation_id}")


class AccountNotBilled(Refused):
    """Something unexpected stands in the way of billing the account; the log of the server says what."""

    reason = "ACCOUNT_NOT_BILLED"


class BillChangedSinceAsked(Refused):
    """The bill changed while algorithms were asked over the network: bill it again."""

    reason = "BILL_CHANGED_SINCE_ASKED"
