"""Billing runs as values: what is asked for, and what a run is told when it starts (BIL-30)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from domain.billing.configuration.windows import WindowKey
from domain.billing.segments.model import Bill, Wanted
from domain.kernel.documents import Document, read_as

RUN_KIND = "billing.run_billing"
PREVIEW_KIND = "billing.preview_billing"

OPEN_TODAY = "-"
"""In place of a window's code: the one whose days today is among."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: that accounts of a cycle are billed by a window of it; none named: all that there are.

    `failed_only`: of these, those with something to be worked off from the window's bills. `outside_window`: although
    today is none of its days. `preview`: only tell what would come of it (BIL-15).
    """

    cycle: str
    window: str = OPEN_TODAY
    accounts: tuple[str, ...] = ()
    failed_only: bool = False
    outside_window: bool = False
    preview: bool = False
    description: str = ""


def request_to_document(request: Request) -> Document:
    """The request as a schedule keeps it."""
    return {**asdict(request), "accounts": list(request.accounts)}


def request_from_document(document: Document) -> Request:
    """The request that `request_to_document` wrote. Raises: WrittenByNewer."""
    return read_as(Request, {**document, "accounts": tuple(document["accounts"])})


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is told when it starts, so that a recovery comes to the same; days are those of its window."""

    cycle: str
    window: str
    through_day: int
    bill_day: int
    accounting_day: int
    freeze: bool
    complete: bool
    failed_only: bool = False
    accounts: tuple[str, ...] = ()

    @property
    def key(self) -> WindowKey:
        """Its window."""
        return WindowKey(self.cycle, self.window)

    @property
    def wanted(self) -> Wanted:
        """By which days each account is billed."""
        return Wanted(self.through_day, self.bill_day, self.accounting_day, self.window)

    def leaves(self, bill: Bill | None) -> bool:
        """Whether an account's pending bill is none of this run's, as a run of a later window has made it."""
        return bill is not None and bill.window_code not in {"", self.window} and bill.through_day > self.through_day


def order_to_document(order: Order) -> Document:
    """The order for the operation's row."""
    return {**asdict(order), "accounts": list(order.accounts)}


def order_from_document(document: Document) -> Order:
    """The order that `order_to_document` wrote. Raises: WrittenByNewer."""
    return read_as(Order, {**document, "accounts": tuple(document["accounts"])})
