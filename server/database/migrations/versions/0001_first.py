"""The first schema.

The columns are made by the house's vocabulary (`domain.kernel.columns`); what a word of it means never changes, as the
databases of every release were made by it.
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy
from alembic import op
from sqlalchemy import CheckConstraint, Column

from domain.kernel.columns import blob, flag, int32, int64, json_text, text

revision = "0001"
down_revision = None

GROWING = ("accounting_detail_no",)
GAPLESS = ("extraction_batch_no", "message_id")


def upgrade() -> None:
    _kernel()
    _operations()
    _data_files()
    _gl_extraction()
    _first_rows()


def _kernel() -> None:
    _table(
        "event",
        text("owner", key=True),
        int64("sequence", key=True),
        text("event_id"),
        text("type"),
        int64("at_us"),
        text("caller", default=""),
        text("method", default=""),
        text("request_id", default=""),
        text("operation_id", default=""),
        flag("audit", default=0),
        json_text("payload"),
    )
    _index("event_id_unique", "event", ["event_id"], unique=True)
    _index("ix_event_caller", "event", ["caller", "event_id"])
    _index("ix_event_operation", "event", ["operation_id", "event_id"])
    _table(
        "idempotency",
        text("caller", key=True),
        text("method", key=True),
        text("request_id", key=True),
        blob("digest"),
        blob("answer"),
        int64("created_us"),
    )
    _index("ix_idempotency_created_us", "idempotency", ["created_us"])
    _table(
        "sequence",
        text("name", key=True),
        int64("next_value"),
    )
    _table(
        "secret",
        text("name", key=True),
        blob("value"),
    )


def _operations() -> None:
    _table(
        "operation",
        text("operation_id", key=True),
        text("kind"),
        text("method"),
        text("state"),
        text("stage", default=""),
        text("description", default=""),
        text("caller"),
        text("request_id", default=""),
        int64("revision", default=1),
        flag("cancel_requested", default=0),
        int32("recoveries", default=0),
        int32("chunks_made", default=0),
        int32("chunks_open", default=0),
        int32("chunks_failed", default=0),
        int64("created_us"),
        int64("started_us", default=0),
        int64("updated_us"),
        int64("ended_us", default=0),
        json_text("request"),
        json_text("progress"),
        json_text("result"),
        json_text("error"),
        fillfactor=50,
    )
    _index("ix_operation_created", "operation", ["created_us", "operation_id"])
    _index("ix_operation_unfinished", "operation", ["state"], where="ended_us = 0")
    _table(
        "chunk",
        text("operation_id", key=True),
        int32("chunk_no", key=True),
        text("task"),
        text("stage"),
        text("state"),
        int64("epoch", default=0),
        text("worker_id", default=""),
        int32("attempts", default=0),
        int64("not_before_us", default=0),
        int64("items_total", default=0),
        json_text("payload"),
        json_text("error"),
        fillfactor=50,
    )
    _index("ix_chunk_claimed", "chunk", ["operation_id"], where="state = 'CLAIMED'")
    _index("ix_chunk_ready", "chunk", ["operation_id", "chunk_no"], where="state = 'READY'")
    _table(
        "worker",
        text("worker_id", key=True),
        text("host"),
        int32("pid"),
        int64("started_us"),
        int64("lease_until_us"),
        fillfactor=50,
    )


def _data_files() -> None:
    _table(
        "data_file_set",
        text("code", key=True),
        text("description", default=""),
        flag("locked", default=0),
        int32("file_count", default=0),
        int64("size_bytes", default=0),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
    )
    _index("ix_data_file_set_created", "data_file_set", ["created_us", "code"])
    _table(
        "data_file",
        text("set_code", key=True),
        text("file_name", key=True),
        text("operation_id"),
        int32("position"),
        text("path"),
        text("media_type"),
        int64("size_bytes"),
        text("sha256"),
        int64("record_count"),
        json_text("totals"),
        flag("manifest", default=0),
        int64("created_us"),
        int64("visible_us", default=0),
    )
    _index("ix_data_file_operation", "data_file", ["operation_id", "position"])
    _index("ix_data_file_visible", "data_file", ["set_code", "visible_us", "operation_id", "position"])


def _gl_extraction() -> None:
    _table(
        "ledger",
        text("code", key=True),
        text("description", default=""),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
    )
    _table(
        "group_account",
        text("code", key=True),
        text("description", default=""),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
    )
    _table(
        "accounting_period",
        text("ledger_code", key=True),
        text("code", key=True),
        int32("start_day"),
        int32("end_day"),
        text("state"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        CheckConstraint("start_day <= end_day", name="accounting_period_ends_no_earlier_than_it_starts"),
    )
    _index("accounting_period_starts_once", "accounting_period", ["ledger_code", "start_day"], unique=True)
    _table(
        "accounting_detail",
        int32("bucket", key=True),
        int64("detail_id", key=True),
        text("source"),
        text("external_id"),
        blob("content_hash"),
        text("description", default=""),
        text("subject_type", default=""),
        text("subject", default=""),
        text("origin"),
        text("grouping", default=""),
        text("bulking_group", default=""),
        flag("reversal", default=0),
        text("distribution_account", default=""),
        text("ledger_code"),
        int32("accounting_date"),
        int32("transaction_date"),
        text("accounting_period_code"),
        text("category", default=""),
        text("currency"),
        int64("debit_minor"),
        int64("credit_minor"),
        text("group_account_code", default=""),
        text("maker"),
        text("operation_id", default=""),
        int64("created_us"),
        int64("reverses", default=0),
        int64("reversed_by", default=0),
        int64("voided_us", default=0),
        int64("invoiced_us", default=0),
        int64("coded_mask", default=0),
        *(text(f"gl_segment_{number}", default="") for number in range(1, 31)),
        *(text(f"attribute_{number}", default="") for number in range(1, 31)),
        CheckConstraint(
            "debit_minor >= 0 AND credit_minor >= 0 AND (debit_minor = 0) <> (credit_minor = 0)",
            name="detail_has_one_side_above_zero",
        ),
        CheckConstraint("voided_us = 0 OR reversed_by = 0", name="detail_voided_or_reversed_never_both"),
        fillfactor=90,
    )
    _index(
        "detail_external_id_unique",
        "accounting_detail",
        ["bucket", "source", "external_id"],
        unique=True,
        where="voided_us = 0",
    )
    _index("ix_accounting_detail_accounting_date", "accounting_detail", ["accounting_date", "detail_id"])
    _index("ix_accounting_detail_registration", "accounting_detail", ["grouping", "detail_id"], where="origin = 'R'")
    _index("ix_accounting_detail_subject", "accounting_detail", ["subject", "detail_id"])
    void = "voided_us > 0"
    by_external_id = ["bucket", "source", "external_id", "voided_us"]
    _index("ix_accounting_detail_void", "accounting_detail", by_external_id, where=void)
    _index("ix_accounting_detail_void_id", "accounting_detail", ["bucket", "detail_id", "voided_us"], where=void)
    _table(
        "accounting_detail_pending",
        int32("bucket", key=True),
        int64("detail_id", key=True),
    )
    _table(
        "extraction_batch",
        int64("batch_no", key=True),
        text("state"),
        flag("restamping", default=0),
        int64("resend_of", default=0),
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
        json_text("totals"),
        json_text("request"),
    )
    _index("ix_extraction_batch_operation", "extraction_batch", ["operation_id"])
    _index(
        "only_one_restamping_run_at_a_time",
        "extraction_batch",
        ["restamping"],
        unique=True,
        where="restamping = 1 AND state IN ('SELECTING', 'PREPARED')",
    )
    _table(
        "extraction_stamp",
        int32("bucket", key=True),
        int64("batch_no", key=True),
        int64("detail_id", key=True),
    )
    _index("ix_extraction_stamp_detail", "extraction_stamp", ["bucket", "detail_id"])
    _table(
        "extraction_element",
        int64("batch_no", key=True),
        int64("element_no", key=True),
        text("bulking_group"),
        text("currency"),
        flag("reversal"),
        flag("invoiced"),
        int64("debit_minor"),
        int64("credit_minor"),
        int64("detail_count"),
        int32("emptied"),
        text("description", default=""),
        text("subject", default=""),
        text("distribution_account", default=""),
        text("ledger_code", default=""),
        int32("accounting_date", default=0),
        int32("transaction_date", default=0),
        text("accounting_period_code", default=""),
        text("category", default=""),
        text("source", default=""),
        *(text(f"gl_segment_{number}", default="") for number in range(1, 31)),
        *(text(f"attribute_{number}", default="") for number in range(1, 31)),
    )
    _table(
        "message_block",
        int64("first_message_id", key=True),
        int64("message_count"),
        int64("batch_no"),
        text("state"),
        int64("created_us"),
    )


def _first_rows() -> None:
    connection = op.get_bind()
    rows_of = list(GAPLESS)
    if connection.dialect.name == "postgresql":
        for name in GROWING:
            op.execute(f"CREATE SEQUENCE {name} AS BIGINT INCREMENT BY 1000 START WITH 1000 MINVALUE 1000")
    else:
        rows_of += GROWING
    sequences = sqlalchemy.text("INSERT INTO sequence (name, next_value) VALUES (:name, 1)")
    connection.execute(sequences, [{"name": name} for name in rows_of])
    secret = sqlalchemy.text("INSERT INTO secret (name, value) VALUES ('page_tokens', :value)")
    connection.execute(secret, {"value": secrets.token_bytes(32)})


def _table(name: str, *parts: Column[Any] | CheckConstraint, fillfactor: int = 0) -> None:
    storage: dict[str, Any] = {"postgresql_with": {"fillfactor": fillfactor}} if fillfactor else {}
    op.create_table(name, *parts, sqlite_strict=True, sqlite_with_rowid=False, **storage)


def _index(name: str, table: str, columns: list[str], *, unique: bool = False, where: str = "") -> None:
    condition = sqlalchemy.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition)
