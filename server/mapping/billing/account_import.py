"""Accounts that come by stream, and what became of them, as the contract tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from countinghouse.billing.v1 import account_import_pb2 as pb
from domain.billing.accounts.importing import Imported, NewTree, Refusal, Row
from domain.kernel.errors import Invalid, Violation
from server.mapping.billing.accounts import new_account_from_proto, new_premise_from_proto
from server.mapping.billing.agreements import new_agreement_from_proto
from server.mapping.billing.profiles import new_profile_from_proto

REFUSALS_MAX = 10_000
REFUSALS_BYTES = 3 << 20
"""Refused rows beyond so many bytes are told in short, so that an answer stays below the 4 MiB that clients take."""

_ID_MAX = 64
_VIOLATIONS_MAX = 100

T = TypeVar("T")


def row_from_proto(given: pb.AccountToImport, validate: Callable[[pb.AccountToImport], None]) -> Row:
    """A row, held against what the contract says of its fields; `validate` raises Invalid."""
    try:
        validate(given)
        tree = _tree(given)
    except Invalid as error:
        return Row(given.account_id, None, tuple(error.violations))
    return Row(given.account_id, tree)


def _tree(given: pb.AccountToImport) -> NewTree:
    """Raises: Invalid with every date that is none."""
    faults: list[Violation] = []
    agreements = [
        _read(
            lambda each=each, at=at: new_agreement_from_proto(  # type: ignore[misc]
                each.service_agreement, each.service_agreement_id, f"service_agreements[{at}].service_agreement"
            ),
            faults,
        )
        for at, each in enumerate(given.service_agreements)
    ]
    if faults:
        raise Invalid(*faults)
    return NewTree(
        new_account_from_proto(given.account, given.account_id),
        tuple(new_premise_from_proto(each.premise, each.premise_id) for each in given.premises),
        tuple(each for each in agreements if each),
        tuple(new_profile_from_proto(each.profile, each.profile_id) for each in given.profiles),
    )


def _read(read: Callable[[], T], faults: list[Violation]) -> T | None:
    try:
        return read()
    except Invalid as error:
        faults += error.violations
        return None


class Tally:
    """Adds up what became of the chunks of a stream, in their order."""

    def __init__(self) -> None:
        self._answer = pb.ImportAccountsResponse()
        self._reasons: Counter[str] = Counter()
        self._bytes = 0

    def add(self, chunk: Imported) -> None:
        """Add the next chunk of the stream."""
        answer = self._answer
        for refusal in chunk.refusals[: REFUSALS_MAX - len(answer.refused_accounts)]:
            told = _refusal_to_proto(refusal, answer.received_count, in_short=self._bytes > REFUSALS_BYTES)
            answer.refused_accounts.append(told)
            self._bytes += told.ByteSize()
        for refusal in chunk.refusals:
            self._reasons.update({violation.reason for violation in refusal.violations})
        answer.received_count += chunk.received
        answer.created_count += chunk.created
        answer.unchanged_count += chunk.unchanged
        answer.refused_count += len(chunk.refusals)

    def to_proto(self) -> pb.ImportAccountsResponse:
        """The answer to the stream."""
        self._answer.refused_count_by_reason.update(self._reasons)
        return self._answer


def _refusal_to_proto(refusal: Refusal, first_row: int, *, in_short: bool) -> pb.RefusedAccount:
    """A refused row; `first_row` is the place in the stream of the first row of its chunk."""
    violations = refusal.violations[: 1 if in_short else _VIOLATIONS_MAX]
    return pb.RefusedAccount(
        row=first_row + refusal.position,
        account_id=refusal.account_id[:_ID_MAX],
        violations=[
            pb.AccountViolation(field=each.field, reason=each.reason, description="" if in_short else each.description)
            for each in violations
        ],
    )
