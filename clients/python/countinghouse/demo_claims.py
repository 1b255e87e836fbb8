"""Claims for trying things out: a small bank's disputes, in every state, and the same for the same seed.

The clients need no set-up: one works by hand, one by hand against the clock, one by batch file. Where the servers know
a system of record named `simulator`, a fourth uses that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from random import Random
from typing import Any

from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from countinghouse.accounting.v1 import claims_pb2
from countinghouse.values import NANOS, date_to_proto, money_from_nanos, nanos_of

LEDGER = "claims"
CLAIM_TYPE = "CARD"
BRANCH, DESK, CARDS, HARBOR = "BRANCH", "DESK", "CARDS", "HARBOR"
SIMULATOR = "simulator"
"""The system of record of HARBOR."""
CURRENCIES = ("USD", "USD", "USD", "EUR")
LIMIT = 500
"""Units of money above which write-offs, reversals and adjustments by hand wait for another person."""

_NETWORKS = ("visa", "mastercard")
_REASONS = ("goods not received", "charged twice", "not as described", "card not present", "cash not dispensed")
_ACCOUNTS = {"CLEARING": "1995", "FEES": "4100", "LOSS": "6100"}
_SIDES = ("ACCOUNT_HOLDER", "CLEARING", "FEES", "LOSS", "MERCHANT", "SUSPENSE")


class Act(Enum):
    """What is done about a claim."""

    RUN = auto()
    """Run a workflow point; `of` names it."""
    BY_HAND = auto()
    """Perform a rule by hand; `of` names it."""
    TAKE = auto()
    """Take the task of the last operation in hand."""
    COMPLETE = auto()
    """Carry the last operation out by hand."""
    CANCEL = auto()
    REVERSE = auto()
    RESOLVE = auto()
    """End the claim; `of` is the resolution."""
    WAIT = auto()
    """Let the others go first."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done about a claim."""

    act: Act
    of: str = ""
    part: int = 100
    """Hundredths of the disputed amount, where the caller gives it."""


@dataclass(frozen=True, slots=True)
class Story:
    """How a claim came to be as it is."""

    told: str
    client: str
    steps: tuple[Step, ...]
    large: bool = False
    """Whether its amounts are above the limit."""


_CREDIT, _DONE = Step(Act.RUN, "CREDIT"), Step(Act.COMPLETE)
_CREDITED = (_CREDIT, _DONE)
_CHARGED_BACK = (*_CREDITED, Step(Act.RUN, "CHARGEBACK"))

STORIES = (
    Story("a person is to carry it out", BRANCH, (_CREDIT,)),
    Story("a person has it in hand", BRANCH, (_CREDIT, Step(Act.TAKE))),
    Story("out of balance: credited, not charged back", BRANCH, _CREDITED),
    Story("out of balance: charged back in part", BRANCH, (*_CREDITED, Step(Act.RUN, "CHARGEBACK", part=60))),
    Story("settled: credited and charged back", BRANCH, _CHARGED_BACK),
    Story("resolved: paid", BRANCH, (*_CHARGED_BACK, Step(Act.RESOLVE, "PAY"))),
    Story("written off", BRANCH, (*_CREDITED, Step(Act.BY_HAND, "WRITE_OFF"), _DONE)),
    Story("a write-off awaits approval", BRANCH, (*_CREDITED, Step(Act.BY_HAND, "WRITE_OFF")), large=True),
    Story("canceled", BRANCH, (_CREDIT, Step(Act.CANCEL))),
    Story("reversed", BRANCH, (*_CREDITED, Step(Act.REVERSE), _DONE)),
    Story("being reversed", BRANCH, (*_CREDITED, Step(Act.REVERSE))),
    Story("scheduled for a later day", BRANCH, (Step(Act.RUN, "GOODWILL"),)),
    Story("a second operation waits for the first", BRANCH, (Step(Act.RUN, "ARBITRATION"),)),
    Story("overdue", DESK, (_CREDIT,)),
    Story("in a batch", CARDS, (_CREDIT,)),
    Story("in a batch, then charged back", CARDS, (_CREDIT, Step(Act.WAIT), Step(Act.RUN, "CHARGEBACK"))),
    Story("waits for the next batch", CARDS, (Step(Act.WAIT), Step(Act.WAIT), _CREDIT)),
)
BY_SERVICE = (
    Story("carried out by the system of record", HARBOR, (_CREDIT,)),
    Story("charged back there", HARBOR, (_CREDIT, Step(Act.WAIT), Step(Act.RUN, "CHARGEBACK"))),
)
CALLER_GIVES = frozenset({"CHARGEBACK"})
"""Workflow points whose rules take the caller's amount."""
FILES_AFTER = 1
"""So many steps of every claim are done when the batch files are written."""


@dataclass(frozen=True, slots=True)
class Case:
    """A claim and its story."""

    claim_id: str
    story: Story
    request: claims_pb2.CreateClaimRequest

    def step(self, at: int) -> Step:
        """What is done about it at a place of its story; nothing behind the end."""
        return self.story.steps[at] if at < len(self.story.steps) else Step(Act.WAIT)

    def amount(self, part: int) -> Money:
        """Hundredths of the disputed amount, exact to the cent."""
        minor = _minor(self.request.disputes[0].dispute.amount) * part // 100
        return _money(minor, self.request.disputes[0].dispute.amount.currency_code)


def configuration(*, service: bool) -> dict[str, Any]:
    """Distribution codes, accounts, clients and rules, as a document of `countinghouse accounting config`."""
    return {
        "distributionCodes": [_distribution_code(code) for code in _SIDES],
        "claimTypes": [{"code": CLAIM_TYPE, "description": "Disputes of card holders"}],
        "collections": [{"code": "CLEARING", "description": "With the card networks", "suspense": True}],
        "accountDeterminationTables": [_table(code) for code in _SIDES],
        "clients": list(_clients(service=service)),
        "accountingRules": [{"code": code, "newestVersion": _rule(**says)} for code, says in _RULES.items()],
    }


def claim_id(seed: int, number: int) -> str:
    """The id of a claim; they count from 1."""
    return f"demo-{seed}-{number:04}"


def cases(seed: int, count: int, stories: tuple[Story, ...], *, goodwill: date) -> list[Case]:
    """`count` claims that live the stories in turn; the same arguments give the same claims.

    Goodwill is credited on the day `goodwill`, for which the ledger needs a period.
    """
    random = Random(seed)  # noqa: S311 - made-up data, not a secret
    return [
        _case(random, claim_id(seed, number + 1), stories[number % len(stories)], goodwill) for number in range(count)
    ]


def _case(random: Random, claim_id: str, story: Story, goodwill: date) -> Case:
    currency = random.choice(CURRENCIES)
    minor = random.randrange(*((LIMIT * 100, 2_400_00) if story.large else (4_00, 380_00)))
    opened = Date(year=2026, month=1 + random.randrange(9), day=1 + random.randrange(28))
    dispute = claims_pb2.Dispute(
        description=random.choice(_REASONS),
        amount=_money(minor, currency),
        transaction_date=opened,
        attributes={"network": random.choice(_NETWORKS)},
        amounts={"fee": _money(15_00, currency), "goodwill": _money(10_00, currency)},
    )
    claim = claims_pb2.Claim(
        client_code=story.client,
        claim_type_code=CLAIM_TYPE,
        description=story.told,
        account=f"{40_000_000 + random.randrange(9_999_999)}",
        dates={"opened": opened, "goodwill": date_to_proto(goodwill)},
    )
    return Case(
        claim_id,
        story,
        claims_pb2.CreateClaimRequest(
            claim_id=claim_id,
            claim=claim,
            request_id=claim_id,
            disputes=[claims_pb2.NewDispute(dispute_id="1", dispute=dispute)],
        ),
    )


def _clients(*, service: bool) -> Iterator[dict[str, Any]]:
    limits = [{"currencyCode": currency, "units": str(LIMIT)} for currency in sorted(set(CURRENCIES))]
    common = {"timeZone": "UTC", "calendar": {}, "approvalLimits": limits}  # they work every day
    yield {**common, "code": BRANCH, "description": "A bank whose branches work by hand", **_by_hand("432000s")}
    yield {**common, "code": DESK, "description": "A desk that is always late", **_by_hand("1s")}
    batch = {"cutOff": {"hours": 23, "minutes": 59}, "format": "BATCH_FILE_FORMAT_CSV"}
    yield {**common, "code": CARDS, "description": "A card issuer that takes batch files", "batch": batch}
    if service:
        settings = {"systemOfRecord": SIMULATOR, "maxRetries": 3}
        yield {**common, "code": HARBOR, "description": "A bank with a system of record", "service": settings}


def _distribution_code(code: str) -> dict[str, Any]:
    return {
        "code": f"DEMO_{code}",
        "description": f"{code.replace('_', ' ').capitalize()} of disputed claims",
        "ledgerCode": LEDGER,
        "bulkingGroup": "disputes",
        "category": code.lower(),
    }


def _by_hand(deadline: str) -> dict[str, Any]:
    level = {"channel": "CHANNEL_MANUAL", "goal": deadline, "deadline": deadline}
    return {"serviceLevels": [level]}


def _table(code: str) -> dict[str, Any]:
    row = {"distributionCode": f"DEMO_{code}"}
    match code:
        case "ACCOUNT_HOLDER":
            rows = [{**row, "condition": "true", "accountExpression": "claim.account"}]
        case "MERCHANT":
            rows = [
                {**row, "condition": 'dispute.attributes.network == "visa"', "account": "2101"},
                {**row, "condition": "true", "account": "2102"},
            ]
        case "SUSPENSE":
            rows = [
                {**row, "condition": 'claim.client == "CARDS"', "account": "1991"},
                {**row, "condition": "true", "account": "1990"},
            ]
        case _:
            rows = [{**row, "condition": "true", "account": _ACCOUNTS[code]}]
    return {"collectionCode": code, "rows": rows}


_OF_DISPUTE, _OF_BALANCE = "ENTRY_AMOUNT_SOURCE_DISPUTE_FIELD", "ENTRY_AMOUNT_SOURCE_COLLECTION_BALANCE"
_RULES: dict[str, dict[str, Any]] = {
    "PROVISIONAL_CREDIT": {
        "description": "Credit the card holder while the dispute goes on",
        "point": "CREDIT",
        "sides": ("SUSPENSE", "ACCOUNT_HOLDER"),
        "entryAmount": {"source": _OF_DISPUTE, "name": "amount"},
    },
    "CHARGEBACK": {
        "description": "The network has taken it back from the merchant",
        "point": "CHARGEBACK",
        "sides": ("MERCHANT", "SUSPENSE"),
        "entryAmount": {"source": "ENTRY_AMOUNT_SOURCE_CALLER"},
        "processingType": "PROCESSING_TYPE_TRACKING_ONLY",
    },
    "ARBITRATION": {
        "description": "The network decides: credit the card holder out of clearing",
        "point": "ARBITRATION",
        "sides": ("CLEARING", "ACCOUNT_HOLDER"),
        "entryAmount": {"source": _OF_DISPUTE, "name": "amount"},
        "settlement": {
            "debitCollectionCode": "SUSPENSE",
            "creditCollectionCode": "CLEARING",
            "entryReason": "SETTLEMENT",
        },
    },
    "GOODWILL": {
        "description": "A goodwill credit when the year ends well",
        "point": "GOODWILL",
        "sides": ("LOSS", "ACCOUNT_HOLDER"),
        "entryAmount": {"source": _OF_DISPUTE, "name": "goodwill"},
        "delay": {"days": 0, "kind": "DELAY_KIND_CALENDAR_DAYS", "claimDate": "goodwill"},
    },
    "FEE": {
        "description": "Charge a fee for a dispute without grounds",
        "point": "FEE",
        "sides": ("ACCOUNT_HOLDER", "FEES"),
        "entryAmount": {"source": _OF_DISPUTE, "name": "fee"},
        "manual": True,
    },
    "GESTURE": {
        "description": "Credit the card holder as a gesture",
        "point": "GESTURE",
        "sides": ("LOSS", "ACCOUNT_HOLDER"),
        "entryAmount": {"source": "ENTRY_AMOUNT_SOURCE_CALLER"},
        "manual": True,
    },
    "WRITE_OFF": {
        "description": "Write off what is left in suspense",
        "point": "WRITE_OFF",
        "sides": ("LOSS", "SUSPENSE"),
        "entryAmount": {"source": _OF_BALANCE, "name": "SUSPENSE"},
        "manual": True,
    },
}


def _rule(*, point: str, sides: tuple[str, str], **says: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a version
    return {
        "claimTypeCodes": [CLAIM_TYPE],
        "workflowPoint": point,
        "debitCollectionCode": sides[0],
        "creditCollectionCode": sides[1],
        "entryReason": point,
        "processingType": "PROCESSING_TYPE_EXECUTE",
        **says,
    }


def _money(minor: int, currency: str) -> Money:
    return money_from_nanos(minor * NANOS // 100, currency)


def _minor(money: Money) -> int:
    return nanos_of(money) * 100 // NANOS
