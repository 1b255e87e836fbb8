"""What a distribution must be: whatever a detail would be refused for, its code is refused for already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields

from domain.gl_extraction.details.model import NewDetail
from domain.gl_extraction.details.rules import Books, characters, group_account, ledger_and_period, lists, texts
from domain.gl_extraction.distribution.model import Distribution
from domain.kernel.errors import Violation

FIELDS = tuple(field.name for field in fields(Distribution))

_RULES = (texts, lists, characters, ledger_and_period, group_account)
_DETAIL = NewDetail(
    name="",
    source="",
    external_id="",
    description="",
    subject_type="",
    subject="",
    origin="",
    grouping="",
    bulking_group="",
    reversal=False,
    distribution_account="",
    ledger_code="",
    accounting_date=None,
    transaction_date=None,
    accounting_period_code="",
    category="",
    debit=None,
    credit=None,
    group_account_code="",
    gl_segments=(),
    attributes=(),
)
"""A detail of which nothing is told."""


def violations(distribution: Distribution, books: Books) -> Iterator[Violation]:
    """Everything for which details with this distribution would be refused, on any day."""
    detail = _DETAIL._replace(**asdict(distribution))
    for rule in _RULES:
        yield from (found for found in rule(detail, books) if found.field.partition("[")[0] in FIELDS)
