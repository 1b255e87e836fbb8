"""Ids in resource names of billing; the contract has checked their form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from domain.billing.accounts.requests import Key
from domain.kernel.errors import Invalid, Violation
from server.mapping.updates import mask_faults


def id_from_name(name: str) -> str:
    """The id in `accounts/{account}` or `premises/{premise}`; the empty string in none."""
    return name.rpartition("/")[2]


def key_from_name(name: str) -> Key:
    """The ids in `accounts/{account}/serviceAgreements/{service_agreement}` or `accounts/{account}/profiles/{…}`."""
    _, account_id, _, own_id = name.split("/")
    return account_id, own_id


def key_or_none(name: str) -> Key | None:
    """As `key_from_name`; None for the empty string."""
    return key_from_name(name) if name else None


def require_sound_update(given: Any, mask: FieldMask, word: str) -> None:  # noqa: ANN401 - any resource
    """Refuse a resource that is not named, and a mask with what is no field. Raises: Invalid."""
    if found := tuple(_faults(given, mask, word)):
        raise Invalid(*found)


def _faults(given: Any, mask: FieldMask, word: str) -> Iterator[Violation]:  # noqa: ANN401
    if not given.name:
        yield Violation(f"{word}.name", "FIELD_REQUIRED", "must be given")
    yield from mask_faults(given, mask, word)
