"""Accounts to be imported: cut into streams, packed into messages, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from countinghouse.billing.v1 import account_import_pb2 as pb
from countinghouse.client.errors import Violation

STREAM_ACCOUNTS_MAX = 10_000
"""A server lists every refusal of a stream of at most this many rows."""

MESSAGE_ACCOUNTS_MAX = 1_000
MESSAGE_BYTES_MAX = 2**20
ACCOUNT_BYTES_MAX = 3 * 2**20
"""An account with thousands of agreements has a message of its own, below the 4 MiB that a server takes."""


@dataclass(frozen=True, slots=True)
class AccountRefusal:
    """An account that was left out."""

    row: int
    """Its place among the accounts handed in, from 0."""
    account_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class AccountsOutcome:
    """What became of one stream of accounts."""

    first_row: int
    """The place of its first account among those handed in, from 0."""
    received_count: int
    created_count: int
    unchanged_count: int
    """Accounts that were there already with the same content; those of a stream that was sent again, too."""
    refusals: tuple[AccountRefusal, ...]


@dataclass(slots=True)
class AccountsTotals:
    """What became of all accounts: received = created + unchanged + refused."""

    received_count: int = 0
    created_count: int = 0
    unchanged_count: int = 0
    refused_count: int = 0
    refused_count_by_reason: Counter[str] = field(default_factory=Counter)
    """Refused accounts by reason; one counts once for each of its reasons."""

    def add(self, outcome: AccountsOutcome) -> None:
        """Add what became of one stream."""
        self.received_count += outcome.received_count
        self.created_count += outcome.created_count
        self.unchanged_count += outcome.unchanged_count
        self.refused_count += len(outcome.refusals)
        for refusal in outcome.refusals:
            self.refused_count_by_reason.update({violation.reason for violation in refusal.violations})


class AccountsBatch:
    """The accounts of one stream, packed, so that the stream can be sent again when it is cut."""

    def __init__(self, first_row: int) -> None:
        self.first_row = first_row
        self.received_count = 0
        self.requests: list[pb.ImportAccountsRequest] = []
        self._places: list[int] = []  # of the accounts sent, among all handed in
        self._too_large: list[AccountRefusal] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether the next account belongs to another stream."""
        return self.received_count == STREAM_ACCOUNTS_MAX

    def add(self, account: pb.AccountToImport) -> None:
        """Pack an account; one that no message can carry is refused here."""
        place = self.first_row + self.received_count
        self.received_count += 1
        size = account.ByteSize() + 8  # and the field's tag and length
        if size > ACCOUNT_BYTES_MAX:
            text = f"the account has {size} bytes, more than the {ACCOUNT_BYTES_MAX} that a message may carry"
            violation = Violation("", "ROW_TOO_LARGE", text)
            self._too_large.append(AccountRefusal(place, account.account_id, (violation,)))
            return
        if not self.requests or not self._has_room(size):
            self.requests.append(pb.ImportAccountsRequest())
            self._bytes = 0
        self.requests[-1].accounts.append(account)
        self._bytes += size
        self._places.append(place)

    def outcome(self, answer: pb.ImportAccountsResponse) -> AccountsOutcome:
        """What became of the accounts, refusals under their places among all that were handed in."""
        assert answer.received_count == len(self._places), "the server answered for other accounts than were sent"
        assert answer.refused_count == len(answer.refused_accounts), "the server did not list every refusal"
        refused = [_refusal(self._places[one.row], one) for one in answer.refused_accounts]
        return AccountsOutcome(
            first_row=self.first_row,
            received_count=self.received_count,
            created_count=answer.created_count,
            unchanged_count=answer.unchanged_count,
            refusals=tuple(sorted([*refused, *self._too_large], key=lambda refusal: refusal.row)),
        )

    def _has_room(self, size: int) -> bool:
        return self._bytes + size <= MESSAGE_BYTES_MAX and len(self.requests[-1].accounts) < MESSAGE_ACCOUNTS_MAX


def account_batches(accounts: Iterable[pb.AccountToImport]) -> Iterator[AccountsBatch]:
    """The accounts, cut into streams; takes no more from `accounts` than it gives."""
    batch = AccountsBatch(0)
    for account in accounts:
        batch.add(account)
        if batch.full:
            yield batch
            batch = AccountsBatch(batch.first_row + batch.received_count)
    if batch.received_count:
        yield batch


def _refusal(place: int, refused: pb.RefusedAccount) -> AccountRefusal:
    violations = tuple(Violation(v.field, v.reason, v.description) for v in refused.violations)
    return AccountRefusal(place, refused.account_id, violations)
