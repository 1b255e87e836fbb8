"""What accounts and what belongs to them refuse."""

from __future__ import annotations

from domain.billing.names import (
    ACCOUNT_TYPE,
    AGREEMENT_TYPE,
    PREMISE_TYPE,
    PROFILE_TYPE,
    account_name,
    agreement_name,
    premise_name,
    profile_name,
)
from domain.kernel.errors import AlreadyExists, NotFound


class AccountNotFound(NotFound):
    """There is no such account."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self, account_id: str) -> None:
        super().__init__(ACCOUNT_TYPE, account_name(account_id))


class PremiseNotFound(NotFound):
    """There is no such premise."""

    reason = "PREMISE_NOT_FOUND"

    def __init__(self, premise_id: str) -> None:
        super().__init__(PREMISE_TYPE, premise_name(premise_id))


class AgreementNotFound(NotFound):
    """The account has no such service agreement."""

    reason = "SERVICE_AGREEMENT_NOT_FOUND"

    def __init__(self, account_id: str, agreement_id: str) -> None:
        super().__init__(AGREEMENT_TYPE, agreement_name(account_id, agreement_id))


class ProfileNotFound(NotFound):
    """The account has no such profile."""

    reason = "PROFILE_NOT_FOUND"

    def __init__(self, account_id: str, profile_id: str) -> None:
        super().__init__(PROFILE_TYPE, profile_name(account_id, profile_id))


class AccountIdTaken(AlreadyExists):
    """There is an account with this id already."""

    reason = "ACCOUNT_ID_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=ACCOUNT_TYPE, resource_name=name)


class PremiseIdTaken(AlreadyExists):
    """There is a premise with this id already."""

    reason = "PREMISE_ID_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=PREMISE_TYPE, resource_name=name)


class AgreementIdTaken(AlreadyExists):
    """The account has a service agreement with this id already."""

    reason = "SERVICE_AGREEMENT_ID_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=AGREEMENT_TYPE, resource_name=name)


class ProfileIdTaken(AlreadyExists):
    """The account has a profile with this id already."""

    reason = "PROFILE_ID_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=PROFILE_TYPE, resource_name=name)
