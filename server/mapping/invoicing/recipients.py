"""Recipients as the contract tells them, one by one and by stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from countinghouse.invoicing.v1 import recipients_pb2 as pb
from domain.invoicing.configuration.model import Recipient, RecipientSettings
from domain.invoicing.configuration.recipients import WORD, Imported, Refusal, Row
from domain.kernel.errors import Invalid, Violation
from server.mapping.entries import Reads, values_of
from server.mapping.invoicing.parties import party_from_proto, party_to_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, mask_faults

REFUSALS_MAX = 10_000
REFUSALS_BYTES = 3 << 20
"""Refused rows beyond so many bytes are told in short, so that an answer stays below the 4 MiB that clients take."""

_ID_MAX = 64
_READS: Reads = {
    "party": lambda given: {"party": party_from_proto(given.party)},
    "reference": lambda given: {"reference": given.reference},
}


def recipient_to_proto(found: Recipient) -> pb.Recipient:
    """A recipient."""
    return pb.Recipient(
        name=found.name,
        party=party_to_proto(found.settings.party),
        reference=found.settings.reference,
        create_time=instant_to_proto(found.created_us),
        update_time=instant_to_proto(found.updated_us),
        etag=found.etag,
    )


def account_from_name(name: str) -> str:
    """The account whose recipient has a name that the contract has checked."""
    return name.rpartition("/")[2]


def recipient_change(request: pb.UpdateRecipientRequest) -> tuple[str, Mapping[str, Any]]:
    """Of which account what is changed. Raises: Invalid for one without a name, and for a mask of no fields."""
    given, mask = request.recipient, request.update_mask
    missing = () if given.name else (Violation(f"{WORD}.name", "FIELD_REQUIRED", "must be given"),)
    if found := (*missing, *mask_faults(given, mask, WORD)):
        raise Invalid(*found)
    return account_from_name(given.name), values_of(given, _READS, asked_fields(given, mask, _READS))


def row_from_proto(given: pb.RecipientToImport, validate: Callable[[pb.RecipientToImport], None]) -> Row:
    """A row, held against what the contract says of its fields; `validate` raises Invalid."""
    try:
        validate(given)
    except Invalid as error:
        return Row(given.account_id, None, tuple(error.violations))
    return Row(given.account_id, RecipientSettings(**values_of(given.recipient, _READS)))


class Tally:
    """Adds up what became of the chunks of a stream, in their order."""

    def __init__(self) -> None:
        self._answer = pb.ImportRecipientsResponse()
        self._reasons: Counter[str] = Counter()
        self._bytes = 0

    def add(self, chunk: Imported) -> None:
        """Add the next chunk of the stream."""
        answer = self._answer
        for refusal in chunk.refusals[: REFUSALS_MAX - len(answer.refused_recipients)]:
            told = _refusal_to_proto(refusal, answer.received_count, in_short=self._bytes > REFUSALS_BYTES)
            answer.refused_recipients.append(told)
            self._bytes += told.ByteSize()
        for refusal in chunk.refusals:
            self._reasons.update({violation.reason for violation in refusal.violations})
        answer.received_count += chunk.received
        answer.created_count += chunk.created
        answer.changed_count += chunk.changed
        answer.unchanged_count += chunk.unchanged
        answer.refused_count += len(chunk.refusals)

    def to_proto(self) -> pb.ImportRecipientsResponse:
        """The answer to the stream."""
        self._answer.refused_count_by_reason.update(self._reasons)
        return self._answer


def _refusal_to_proto(refusal: Refusal, first_row: int, *, in_short: bool) -> pb.RefusedRecipient:
    """A refused row; `first_row` is the place in the stream of the first row of its chunk."""
    violations = refusal.violations[: 1 if in_short else None]
    return pb.RefusedRecipient(
        row=first_row + refusal.position,
        account_id=refusal.account_id[:_ID_MAX],
        violations=[
            pb.RecipientViolation(
                field=each.field, reason=each.reason, description="" if in_short else each.description
            )
            for each in violations
        ],
    )
