"""Accounting details and what extraction keeps of them.

A detail's row never changes but for its marks (`voided_us`, `invoiced_us`, `reversed_by`). The stamp is a row beside
it: `extraction_stamp` only grows, and a stamp counts once its batch is COMPLETED, so that making a million stamps
visible is one small update. The stamp of a detail is the one of its highest completed batch.
`accounting_detail_pending` holds the details that no batch has taken, so that a run costs what is new and not what is
there.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index

from domain.kernel.columns import blob, flag, int32, int64, json_text, table, text

BUCKETS = 64
"""Details are spread over so many buckets, hashed from source and external id."""

SEGMENTS = 30
ATTRIBUTES = 30
CODED_COLUMNS = tuple(f"gl_segment_{n}" for n in range(1, SEGMENTS + 1)) + tuple(
    f"attribute_{n}" for n in range(1, ATTRIBUTES + 1)
)
"""The 60 free fields; bit i of `coded_mask` says whether CODED_COLUMNS[i] is not empty."""

ledger = table(
    "ledger",
    text("code", key=True),
    text("description", default=""),
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
)

group_account = table(
    "group_account",
    text("code", key=True),
    text("description", default=""),
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)

distribution_code = table(
    "distribution_code",  # what an account or charge means to the ledger
    text("code", key=True),
    text("description", default=""),
    text("ledger_code"),  # never changes
    text("group_account_code", default=""),
    text("distribution_account", default=""),
    text("bulking_group", default=""),
    text("category", default=""),
    text("gl_segments", default="[]"),  # JSON arrays of text
    text("attributes", default="[]"),
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)

accounting_period = table(
    "accounting_period",
    text("ledger_code", key=True),
    text("code", key=True),
    int32("start_day"),  # yyyymmdd, inclusive
    int32("end_day"),  # yyyymmdd, inclusive
    text("state"),  # states.PeriodState
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)
Index("accounting_period_starts_once", accounting_period.c.ledger_code, accounting_period.c.start_day, unique=True)
accounting_period.append_constraint(
    CheckConstraint("start_day <= end_day", name="accounting_period_ends_no_earlier_than_it_starts")
)

accounting_detail = table(
    "accounting_detail",
    int32("bucket", key=True),
    int64("detail_id", key=True),  # number * BUCKETS + bucket; numbers grow with time
    text("source"),
    text("external_id"),
    blob("content_hash"),  # 16 bytes over everything the caller gave
    text("description", default=""),
    text("subject_type", default=""),
    text("subject", default=""),
    text("origin"),  # R or F
    text("grouping", default=""),
    text("bulking_group", default=""),
    flag("reversal", default=0),
    text("distribution_account", default=""),
    text("ledger_code"),
    int32("accounting_date"),  # yyyymmdd
    int32("transaction_date"),
    text("accounting_period_code"),
    text("category", default=""),
    text("currency"),
    int64("debit_minor"),
    int64("credit_minor"),
    text("group_account_code", default=""),
    text("maker"),  # model.Maker
    text("operation_id", default=""),
    int64("created_us"),
    int64("reverses", default=0),  # the detail_id that it reverses
    int64("reversed_by", default=0),  # mark: the detail_id that reverses it
    int64("voided_us", default=0),  # mark
    int64("invoiced_us", default=0),  # mark
    int64("coded_mask", default=0),
    *(text(name, default="") for name in CODED_COLUMNS),
    fillfactor=90,
)
_d = accounting_detail.c
Index(
    "detail_external_id_unique",
    _d.bucket,
    _d.source,
    _d.external_id,
    unique=True,
    postgresql_where=_d.voided_us == 0,
    sqlite_where=_d.voided_us == 0,
)
Index(
    "ix_accounting_detail_void",  # whom a row that is made again replaces
    _d.bucket,
    _d.source,
    _d.external_id,
    _d.voided_us,  # so that all that is asked is in here: else SQLite would rather read the bucket
    postgresql_where=_d.voided_us > 0,
    sqlite_where=_d.voided_us > 0,
)
accounting_detail.append_constraint(
    CheckConstraint(
        "debit_minor >= 0 AND credit_minor >= 0 AND (debit_minor = 0) <> (credit_minor = 0)",
        name="detail_has_one_side_above_zero",
    )
)
accounting_detail.append_constraint(
    CheckConstraint("voided_us = 0 OR reversed_by = 0", name="detail_voided_or_reversed_never_both")
)
Index(
    "ix_accounting_detail_void_id",  # pages of them
    _d.bucket,
    _d.detail_id,
    _d.voided_us,  # as above
    postgresql_where=_d.voided_us > 0,
    sqlite_where=_d.voided_us > 0,
)
Index("ix_accounting_detail_subject", _d.subject, _d.detail_id)
Index(
    "ix_accounting_detail_registration",
    _d.grouping,
    _d.detail_id,
    postgresql_where=_d.origin == "R",
    sqlite_where=_d.origin == "R",
)
Index("ix_accounting_detail_accounting_date", _d.accounting_date, _d.detail_id)

accounting_detail_pending = table(
    "accounting_detail_pending",
    int32("bucket", key=True),
    int64("detail_id", key=True),
)

extraction_batch = table(
    "extraction_batch",
    int64("batch_no", key=True),
    text("state"),  # states.BatchState
    flag("restamping", default=0),  # takes details that carry a stamp; one such run at a time
    int64("resend_of", default=0),  # the batch_no that it sends again
    text("operation_id"),
    text("caller"),
    text("description", default=""),
    text("data_file_set_code", default=""),
    int64("created_us"),
    int64("message_us", default=0),
    int64("completed_us", default=0),
    int64("detail_count", default=0),
    int64("element_count", default=0),
    int64("message_count", default=0),
    int64("first_message_id", default=0),
    json_text("totals"),  # {"USD": {"debit": minor, "credit": minor}}
    json_text("request"),
    int64("scope_id", default=0),  # of the caller who started the run
    int64("acknowledged_count", default=0),  # messages
    int64("rejected_count", default=0),
)
_b = extraction_batch.c
Index(
    "only_one_restamping_run_at_a_time",
    _b.restamping,
    unique=True,
    postgresql_where=(_b.restamping == 1) & _b.state.in_(("SELECTING", "PREPARED")),
    sqlite_where=(_b.restamping == 1) & _b.state.in_(("SELECTING", "PREPARED")),
)
Index("ix_extraction_batch_operation", _b.operation_id)
_awaited = (_b.state == "COMPLETED") & (_b.message_count > _b.acknowledged_count + _b.rejected_count)
Index("ix_extraction_batch_awaited", _b.batch_no, postgresql_where=_awaited, sqlite_where=_awaited)
_rejected = _b.rejected_count > 0
Index("ix_extraction_batch_rejected", _b.batch_no, postgresql_where=_rejected, sqlite_where=_rejected)
Index(
    "ix_extraction_batch_scope",
    _b.scope_id,
    _b.batch_no,
    postgresql_where=_b.scope_id != 0,
    sqlite_where=_b.scope_id != 0,
)

extraction_stamp = table(
    "extraction_stamp",
    int32("bucket", key=True),
    int64("batch_no", key=True),
    int64("detail_id", key=True),
)
Index("ix_extraction_stamp_detail", extraction_stamp.c.bucket, extraction_stamp.c.detail_id)

extraction_element = table(
    "extraction_element",
    int64("batch_no", key=True),
    int64("element_no", key=True),  # from 1, in the order of the key
    text("bulking_group"),
    text("currency"),
    flag("reversal"),
    flag("invoiced"),
    int64("debit_minor"),
    int64("credit_minor"),
    int64("detail_count"),
    int32("emptied"),  # bits of model.EMPTIED_BITS: which of the four told fields the details disagreed on
    text("description", default=""),
    text("subject", default=""),
    text("distribution_account", default=""),
    text("ledger_code", default=""),
    int32("accounting_date", default=0),
    int32("transaction_date", default=0),
    text("accounting_period_code", default=""),
    text("category", default=""),
    text("source", default=""),
    *(text(name, default="") for name in CODED_COLUMNS),
)

message_block = table(
    "message_block",
    int64("first_message_id", key=True),
    int64("message_count"),
    int64("batch_no"),
    text("state"),  # USED or VOID
    int64("created_us"),
)

balance_movement = table(
    "balance_movement",  # what a use case or a step changed in the sums over details of a period, until it is compacted
    text("movement_id", key=True),  # grows with time: rows are put at the end, which costs half
    text("ledger_code", key=True),
    text("accounting_period_code", key=True),
    text("changes"),  # JSON: an array of [account, currency, and the six figures of balance_span], deltas
    int64("change_count"),
    int64("recorded_us"),  # when the use case was carried out
    int64("settled_us", default=0),  # mark: the instant as of which it counts; 0 until a balance is told
)
_m = balance_movement.c
Index(
    "ix_balance_movement_unsettled",
    _m.settled_us,
    postgresql_where=_m.settled_us == 0,
    sqlite_where=_m.settled_us == 0,
)
Index("ix_balance_movement_settled", _m.settled_us, postgresql_where=_m.settled_us > 0, sqlite_where=_m.settled_us > 0)

balance_span = table(
    "balance_span",  # what movements of a span of time came to, a row a place; deltas, too
    int64("settled_us", key=True),  # the instant as of which it counts: the end of the span
    text("movement_id", key=True),
    text("ledger_code", key=True),
    text("accounting_period_code", key=True),
    text("distribution_account", key=True),
    text("currency", key=True),
    int64("debit_minor"),  # of details that are not void
    int64("credit_minor"),
    int64("detail_count"),
    int64("extracted_debit_minor"),  # of those among them that carry a stamp that counts
    int64("extracted_credit_minor"),
    int64("extracted_count"),
)

batch_movement = table(
    "batch_movement",  # what a batch adds to the extracted sums once it is completed
    int64("batch_no", key=True),
    text("ledger_code", key=True),
    text("accounting_period_code", key=True),
    text("distribution_account", key=True),
    text("currency", key=True),
    text("movement_id", key=True),
    int64("debit_minor"),
    int64("credit_minor"),
    int64("detail_count"),
)

balance_mark = table(
    "balance_mark",
    text("name", key=True),  # settled: balances up to here are told; minutes, quarters: compacted up to here
    int64("at_us"),
)

balance_told = table(
    "balance_told",
    int64("at_us", key=True),  # an instant as of which a balance was told: it stays as it is for ever
)

message_receipt = table(
    "message_receipt",  # what the receiver said of the messages from first to last; of others, nothing yet
    int64("batch_no", key=True),
    int64("first_message_id", key=True),
    int64("last_message_id"),
    text("state"),  # receipts.states.ReceiptState
    text("reason", default=""),
    text("reference", default=""),
    text("caller", default=""),
    int64("created_us"),
    int64("updated_us"),
)
message_receipt.append_constraint(
    CheckConstraint("first_message_id <= last_message_id", name="message_receipt_ends_no_earlier_than_it_starts")
)
