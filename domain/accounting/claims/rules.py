"""What claims and disputes must be like; pure checks, each violation with the path of its field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from domain.accounting.claims.model import NewClaim, NewDispute
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation
from domain.kernel.money import Money


def claim_violations(new: NewClaim, *, client_known: bool, claim_type_known: bool) -> Iterator[Violation]:
    """What is wrong with a new claim and the disputes that it brings along, given what there is for the caller."""
    if not client_known:
        yield Violation("claim.client_code", "CLIENT_UNKNOWN", f"there is no client {new.client_code}")
    if not claim_type_known:
        yield Violation("claim.claim_type_code", "CLAIM_TYPE_UNKNOWN", f"there is no claim type {new.claim_type_code}")
    yield from texts_violations("claim", new.texts, new.attributes)
    given = Counter(dispute.dispute_id for dispute in new.disputes if dispute.dispute_id)
    for at, dispute in enumerate(new.disputes):
        if given[dispute.dispute_id] > 1:
            yield Violation(f"disputes[{at}].dispute_id", "ID_REPEATED", "another dispute of the call has this id")
        yield from dispute_violations(f"disputes[{at}].dispute", dispute)


def dispute_violations(path: str, new: NewDispute) -> Iterator[Violation]:
    """What is wrong with a dispute that stands at `path` of a request."""
    yield from texts_violations(path, {"description": new.description}, new.attributes)
    yield from amounts_violations(path, {"amount": new.amount})
    yield from amounts_violations(path, {f'amounts["{name}"]': amount for name, amount in new.amounts.items()})


def texts_violations(path: str, texts: Mapping[str, str], attributes: Mapping[str, str]) -> Iterator[Violation]:
    """Texts, by field, and attributes that hold what cannot be kept."""
    fields = {**texts, **{f'attributes["{name}"]': value for name, value in attributes.items()}}
    for field, value in fields.items():
        if fault := character_fault(value):
            yield Violation(f"{path}.{field}", REASON, fault)


def amounts_violations(path: str, amounts: Mapping[str, Money]) -> Iterator[Violation]:
    """Amounts, by field, that are negative (ACC-07)."""
    for field, amount in amounts.items():
        if amount.minor < 0:
            yield Violation(f"{path}.{field}", "AMOUNT_NEGATIVE", "must not be negative")
