"""What crediting is refused for."""

from __future__ import annotations

from domain.kernel.errors import Refused, Unavailable
from domain.kernel.money import Money


class InvoiceNotLocked(Refused):
    """Nobody has the invoice yet: take off what is wrong of it. Credited is what is locked, with a number."""

    reason = "INVOICE_NOT_LOCKED"

    def __init__(self, name: str, state: str) -> None:
        super().__init__(
            f"{name} is {state}, and has no number: take off what is wrong of it, instead of crediting it",
            resource_name=name,
            state=state,
        )


class CreditNoteNotCredited(Refused):
    """A credit note is not credited itself: what it gave back is charged anew, by lines of the running invoice."""

    reason = "CREDIT_NOTE_NOT_CREDITED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a credit note: what it gave back is charged anew", resource_name=name)


class LineCredited(Refused):
    """All of the line was given back before; nothing is given back twice."""

    reason = "LINE_CREDITED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was given back before", resource_name=name)


class LinePartTooLarge(Refused):
    """A part of a line is above nothing, and at most what is left of it."""

    reason = "LINE_PART_TOO_LARGE"

    def __init__(self, name: str, left: Money) -> None:
        super().__init__(
            f"of {name} more than nothing is given back, and at most what is left: {left.decimal()} {left.currency}",
            resource_name=name,
            left=f"{left.decimal()} {left.currency}",
        )


class LinePartOfBill(Refused):
    """The line is of a bill: it is given back whole, with its segment, and what is right is billed again."""

    reason = "LINE_PART_OF_BILL"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is of a bill: it is given back whole, with its segment, and what is right is billed again",
            resource_name=name,
        )


class LineWithoutQuantity(Refused):
    """The line tells no quantity of which a part could be given back; name an amount."""

    reason = "LINE_WITHOUT_QUANTITY"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} tells no quantity; name the amount that is given back", resource_name=name)


class NothingLeftToCredit(Refused):
    """All of the invoice was given back before."""

    reason = "INVOICE_CREDITED"

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing of {name} is left to be given back", resource_name=name)


class CreditNotesBusy(Unavailable):
    """The batch that collects credit notes goes on just now; try again."""

    reason = "CREDIT_NOTES_BUSY"
