"""What receipts refuse."""

from __future__ import annotations

from domain.gl_extraction.names import batch_name
from domain.kernel.errors import IllegalTransition


class MessageReceiptFinal(IllegalTransition):
    """What the receiver has said of a message is final."""

    reason = "MESSAGE_RECEIPT_FINAL"

    def __init__(self, batch_no: int, message_id: int, *, state: str, wanted: str, others: int) -> None:
        more = f", and so are {others:,} more of those given" if others else ""
        message = f"message {message_id} of {batch_name(batch_no)} is {state} and cannot become {wanted}{more}"
        super().__init__(f"{batch_name(batch_no)}/messages/{message_id}", state=state, wanted=wanted, message=message)


class MessagesNotSent(IllegalTransition):
    """Only messages of a completed batch can have been received."""

    reason = "MESSAGES_NOT_SENT"

    def __init__(self, batch_no: int, *, state: str, wanted: str) -> None:
        name = batch_name(batch_no)
        message = f"{name} is {state}; its messages can become {wanted} once it is COMPLETED"
        super().__init__(name, state=state, wanted=wanted, message=message)
