"""A batch as the tests know it: yen and dinars, a reversal, a formula that is none, umlauts."""

from __future__ import annotations

from dataclasses import replace

from domain.accounting.batches.layouts.model import Header, Record, Side
from domain.accounting.batches.layouts.tally import Tally

DAY = 20260528
PERFORMED_US = 1_779_999_999_123_456  # 2026-05-28T20:26:39.123456Z
CREATED_US = 1_780_000_000_000_000


def operation(
    number: int,
    *,
    amount_minor: int = 100,
    currency: str = "USD",
    collection: str = "SUSPENSE",
    counter_collection: str = "ACCOUNT_HOLDER",
    **values: object,
) -> tuple[Record, Record]:
    """The two steps of an operation, the debit first."""
    operation_id = f"{number:026d}"
    debit = Record(
        operation_id=operation_id,
        idempotency_key=operation_id,
        side=Side.DEBIT,
        account="1400",
        counter_account="DE02120300000000202051",
        amount_minor=amount_minor,
        currency=currency,
        reason="PROVISIONAL_CREDIT",
        claim="C-2026-17",
        dispute="D-1",
        rule="PROVISIONAL",
        rule_version=3,
        performed_us=PERFORMED_US,
        accounting_day=DAY,
        collection=collection,
        reverses="",
        description="",
    )
    debit = replace(debit, **values)  # type: ignore[arg-type]
    credit = replace(
        debit,
        side=Side.CREDIT,
        account=debit.counter_account,
        counter_account=debit.account,
        collection=counter_collection,
    )
    return debit, credit


def header_of(records: list[Record], **values: object) -> Header:
    """The header that belongs to records."""
    tally = Tally(DAY)
    for record in records:
        tally.add(record)
    header = Header(
        batch_no=7,
        rerun_no=1,
        client="northern-bank",
        created_us=CREATED_US,
        accounting_day=DAY,
        operation_count=len(records) // 2,
        record_count=len(records),
        totals=tally.totals,
    )
    return replace(header, **values)  # type: ignore[arg-type]


RECORDS = [
    *operation(1, amount_minor=15_000, currency="JPY", description="=HYPERLINK(1)"),
    *operation(2, amount_minor=1_250, currency="KWD", description='Gebühr für "Müller & Söhne", zurück'),
    *operation(
        3,
        amount_minor=15_000,
        currency="JPY",
        collection="ACCOUNT_HOLDER",
        counter_collection="SUSPENSE",
        reverses=f"{1:026d}",
        reason="REVERSAL",
        rule="",
        rule_version=0,
        account="DE02120300000000202051",
        counter_account="1400",
        description="two\nlines ",
    ),
]
HEADER = header_of(RECORDS)
