"""Trial balances and message receipts.

What is in the books already becomes movements, to the minute in which it was taken in, voided or sent.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy
from alembic import op
from sqlalchemy import CheckConstraint, Column

from domain.kernel.columns import int64, text

revision = "0006"
down_revision = "0005"

_MINUTE_US = 60_000_000
_KEY = "d.ledger_code, d.accounting_period_code, d.distribution_account, d.currency"
_SPAN = (
    "INSERT INTO balance_span (ledger_code, accounting_period_code, distribution_account, currency, movement_id, "
    "debit_minor, credit_minor, detail_count, extracted_debit_minor, extracted_credit_minor, extracted_count, "
    "settled_us) "
)
_SUMS = "CAST(sum(d.debit_minor) AS BIGINT), CAST(sum(d.credit_minor) AS BIGINT), count(*)"
_TAKEN_BACK = "CAST(-sum(d.debit_minor) AS BIGINT), CAST(-sum(d.credit_minor) AS BIGINT), -count(*)"
_NOTHING = "0, 0, 0"
_SENT = (  # each detail that was ever sent, and when it was for the first time
    "SELECT s.bucket, s.detail_id, min(b.completed_us) AS sent_us FROM extraction_batch b "
    "JOIN extraction_stamp s ON s.batch_no = b.batch_no WHERE b.state = 'COMPLETED' GROUP BY s.bucket, s.detail_id"
)
_OF_DETAIL = "d.bucket = s.bucket AND d.detail_id = s.detail_id"
_EXTRACTED = (
    f"FROM ({_SENT}) s JOIN accounting_detail d ON {_OF_DETAIL} WHERE (d.voided_us = 0 OR s.sent_us <= d.voided_us)"
)


def upgrade() -> None:
    _tables()
    _receipts()
    marks = sqlalchemy.text("INSERT INTO balance_mark (name, at_us) VALUES (:name, 0)")
    op.get_bind().execute(marks, [{"name": name} for name in ("settled", "minutes", "quarters")])
    _fill()


def _tables() -> None:
    _table(
        "balance_movement",
        text("movement_id", key=True),
        text("ledger_code", key=True),
        text("accounting_period_code", key=True),
        text("changes"),
        int64("change_count"),
        int64("recorded_us"),
        int64("settled_us", default=0),
    )
    _index("ix_balance_movement_unsettled", "balance_movement", ["settled_us"], where="settled_us = 0")
    _index("ix_balance_movement_settled", "balance_movement", ["settled_us"], where="settled_us > 0")
    _table(
        "balance_span",
        int64("settled_us", key=True),
        text("movement_id", key=True),
        *_place(),
        int64("debit_minor"),
        int64("credit_minor"),
        int64("detail_count"),
        int64("extracted_debit_minor"),
        int64("extracted_credit_minor"),
        int64("extracted_count"),
    )
    _table(
        "batch_movement",
        int64("batch_no", key=True),
        *_place(),
        text("movement_id", key=True),
        int64("debit_minor"),
        int64("credit_minor"),
        int64("detail_count"),
    )
    _table("balance_mark", text("name", key=True), int64("at_us"))
    _table("balance_told", int64("at_us", key=True))


def _place() -> list[Column[Any]]:
    columns = ("ledger_code", "accounting_period_code", "distribution_account", "currency")
    return [text(name, key=True) for name in columns]


def _receipts() -> None:
    _table(
        "message_receipt",
        int64("batch_no", key=True),
        int64("first_message_id", key=True),
        int64("last_message_id"),
        text("state"),
        text("reason", default=""),
        text("reference", default=""),
        text("caller", default=""),
        int64("created_us"),
        int64("updated_us"),
        CheckConstraint("first_message_id <= last_message_id", name="message_receipt_ends_no_earlier_than_it_starts"),
    )
    op.add_column("extraction_batch", int64("acknowledged_count", default=0))
    op.add_column("extraction_batch", int64("rejected_count", default=0))
    awaited = "state = 'COMPLETED' AND message_count > acknowledged_count + rejected_count"
    _index("ix_extraction_batch_awaited", "extraction_batch", ["batch_no"], where=awaited)
    _index("ix_extraction_batch_rejected", "extraction_batch", ["batch_no"], where="rejected_count > 0")


def _fill() -> None:
    """Cost: reads all details once, those that were sent or voided once more; sorts what it has added up."""
    _spans("made", f"{_SUMS}, {_NOTHING}", "d.created_us", "FROM accounting_detail d WHERE 1 = 1")
    _spans("sent", f"{_NOTHING}, {_SUMS}", "s.sent_us", _EXTRACTED)
    _spans("void", f"{_TAKEN_BACK}, {_NOTHING}", "d.voided_us", "FROM accounting_detail d WHERE d.voided_us > 0")
    _spans("void-sent", f"{_NOTHING}, {_TAKEN_BACK}", "d.voided_us", f"{_EXTRACTED} AND d.voided_us > 0")
    op.execute(
        "INSERT INTO batch_movement (batch_no, ledger_code, accounting_period_code, distribution_account, currency, "  # noqa: S608
        f"movement_id, debit_minor, credit_minor, detail_count) SELECT s.batch_no, {_KEY}, 'before', {_SUMS} "
        "FROM extraction_batch b JOIN extraction_stamp s ON s.batch_no = b.batch_no "
        f"JOIN accounting_detail d ON {_OF_DETAIL} "
        "WHERE b.state IN ('SELECTING', 'PREPARED') AND d.voided_us = 0 AND NOT EXISTS (SELECT 1 "
        "FROM extraction_stamp o JOIN extraction_batch c ON c.batch_no = o.batch_no "
        "WHERE o.bucket = s.bucket AND o.detail_id = s.detail_id AND c.state = 'COMPLETED') "
        f"GROUP BY s.batch_no, {_KEY}"
    )


def _spans(name: str, deltas: str, at: str, source: str) -> None:
    """What `source` has, added up to the end of the minute of `at`, which may be this very minute: then to now."""
    minute = f"({at} + {_MINUTE_US - 1}) / {_MINUTE_US} * {_MINUTE_US}"
    now_us = time.time_ns() // 1_000
    end = f"CASE WHEN {minute} > {now_us} THEN {now_us} ELSE {minute} END"
    op.execute(f"{_SPAN} SELECT {_KEY}, '{name}', {deltas}, {end} {source} GROUP BY {_KEY}, {end}")


def _table(name: str, *columns: Column[Any] | CheckConstraint) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=False)


def _index(name: str, table: str, columns: list[str], *, where: str) -> None:
    limited = sqlalchemy.text(where)
    op.create_index(name, table, columns, postgresql_where=limited, sqlite_where=limited)
