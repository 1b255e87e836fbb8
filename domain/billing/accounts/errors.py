"""What accounts and what belongs to them refuse."""

from __future__ import annotations

from domain.billing.names import ACCOUNT_TYPE, account_name
from domain.kernel.errors import NotFound


class AccountNotFound(NotFound):
    """There is no such account."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self, account_id: str) -> None:
        super().__init__(ACCOUNT_TYPE, account_name(account_id))
