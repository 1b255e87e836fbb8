"""Invoicing: its configuration, invoices and their lines, batches, what is exported."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from alembic import op

from domain.kernel.columns import flag, int32, int64, json_text, text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    _invoicing_configuration()
    _issuer()
    _billing_cycle()
    _invoice_schedule()
    _recipient()
    _recipient_version()
    _invoice()
    _invoice_line()
    _invoice_reckoned_tax()
    _invoice_tax()
    _invoice_batch()
    _invoice_batch_transition()
    _number_series()
    _export_record()
    _invoice_export()
    op.execute("INSERT INTO invoicing_configuration (id, version) VALUES (1, 1)")


def _where(condition: str) -> dict[str, Any]:
    """A partial index."""
    return {"postgresql_where": sqlalchemy.text(condition), "sqlite_where": sqlalchemy.text(condition)}


def _invoicing_configuration() -> None:
    op.create_table(
        "invoicing_configuration",
        int32("id", key=True),
        int64("version"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


def _issuer() -> None:
    op.create_table(
        "issuer",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _billing_cycle() -> None:
    op.create_table(
        "billing_cycle",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _invoice_schedule() -> None:
    op.create_table(
        "invoice_schedule",
        text("cycle_code", key=True),
        text("schedule_code", key=True),
        int64("start_us"),
        int64("end_us"),
        text("state"),
        text("batch_id", default=""),
        flag("made", default=0),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("invoice_schedule_starts_once", "invoice_schedule", ["cycle_code", "start_us"], unique=True)
    op.create_index("ix_invoice_schedule_batch", "invoice_schedule", ["batch_id"], **_where("batch_id != ''"))


def _recipient() -> None:
    op.create_table(
        "recipient",
        text("account_id", key=True),
        int64("version", default=1),
        json_text("document"),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )


def _recipient_version() -> None:
    op.create_table(
        "recipient_version",
        text("account_id", key=True),
        int64("version", key=True),
        json_text("document"),
        int64("replaced_us"),
        text("replaced_by"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _invoice() -> None:
    op.create_table(
        "invoice",
        text("account_id", key=True),
        text("invoice_id", key=True),
        text("cycle_code"),
        text("schedule_code"),
        text("slot", default=""),
        text("kind", default="INVOICE"),
        text("state", default="RUNNING"),
        text("currency"),
        text("batch_id", default=""),
        flag("final", default=0),
        int32("carried_count", default=0),
        int32("line_count", default=0),
        int32("last_line_no", default=0),
        int64("net_minor", default=0),
        flag("aggregated", default=0),
        int64("tax_minor", default=0),
        int64("number_no", default=0),
        int64("recipient_version", default=0),
        text("credits_id", default=""),
        text("reason", default=""),
        text("merged_into", default=""),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("invoice_once", "invoice", ["cycle_code", "schedule_code", "account_id", "slot"], unique=True)
    op.create_index("ix_invoice_credits", "invoice", ["account_id", "credits_id"], **_where("credits_id != ''"))


def _invoice_line() -> None:
    op.create_table(
        "invoice_line",
        text("account_id", key=True),
        text("invoice_id", key=True),
        int32("line_no", key=True),
        text("source"),
        text("external_id"),
        text("segment_id", default=""),
        text("description", default=""),
        text("quantity", default=""),
        text("unit_code", default=""),
        text("price", default=""),
        int64("net_minor"),
        text("tax_category"),
        int32("tax_ppm"),
        int32("start_day", default=0),
        int32("end_day", default=0),
        text("distribution_code", default=""),
        int64("created_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("invoice_line_once", "invoice_line", ["account_id", "source", "external_id"], unique=True)


def _invoice_reckoned_tax() -> None:
    op.create_table(
        "invoice_reckoned_tax",
        text("account_id", key=True),
        text("invoice_id", key=True),
        text("source", key=True),
        text("external_id", key=True),
        text("segment_id", default=""),
        text("tax_category"),
        int32("tax_ppm"),
        int64("tax_minor"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "invoice_reckoned_tax_once", "invoice_reckoned_tax", ["account_id", "source", "external_id"], unique=True
    )


def _invoice_tax() -> None:
    op.create_table(
        "invoice_tax",
        text("account_id", key=True),
        text("invoice_id", key=True),
        text("tax_category", key=True),
        int32("tax_ppm", key=True),
        int64("net_minor"),
        int64("tax_minor"),
        int64("reckoned_minor"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _invoice_batch() -> None:
    op.create_table(
        "invoice_batch",
        text("batch_id", key=True),
        text("description", default=""),
        text("cycle_code"),
        text("kind", default="INVOICES"),
        text("state"),
        int64("state_since_us"),
        int64("close_at_us", default=0),
        json_text("schedules"),
        text("held_reason", default=""),
        text("held_message", default=""),
        int64("held_since_us", default=0),
        text("failed_state", default=""),
        text("asked_point", default=""),
        text("operation_id", default=""),
        int64("locked_us", default=0),
        int32("issue_day", default=0),
        json_text("issuer"),
        text("issuer_code", default=""),
        int64("first_number", default=0),
        int64("number_count", default=0),
        json_text("counts"),
        text("data_file_set_code", default=""),
        int32("transition_count", default=0),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        int64("published_us", default=0),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "invoice_batch_collects_once",
        "invoice_batch",
        ["cycle_code", "issuer_code", "issue_day"],
        unique=True,
        **_where("kind = 'CREDIT_NOTES' AND transition_count = 1"),
    )
    op.create_index("ix_invoice_batch_cycle", "invoice_batch", ["cycle_code", "batch_id"])
    op.create_index(
        "ix_invoice_batch_open", "invoice_batch", ["batch_id"], **_where("(state NOT IN ('PUBLISHED', 'CANCELED'))")
    )


def _invoice_batch_transition() -> None:
    op.create_table(
        "invoice_batch_transition",
        text("batch_id", key=True),
        int32("transition_no", key=True),
        text("from_state"),
        text("to_state"),
        int64("at_us"),
        text("caller"),
        text("method", default=""),
        text("operation_id", default=""),
        text("reason", default=""),
        json_text("counts"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _number_series() -> None:
    op.create_table(
        "number_series",
        text("issuer_code", key=True),
        int32("year", key=True),
        text("kind", key=True),
        int64("next_no", default=1),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


def _export_record() -> None:
    op.create_table(
        "export_record",
        text("batch_id", key=True),
        int32("export_no", key=True),
        text("cycle_code"),
        text("workflow"),
        text("state"),
        int32("attempt_count", default=0),
        int64("exported_count", default=0),
        int64("failed_count", default=0),
        text("reason", default=""),
        text("message", default=""),
        text("operation_id", default=""),
        int64("created_us"),
        int64("updated_us"),
        int64("done_us", default=0),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "export_record_pending_once", "export_record", ["batch_id"], unique=True, **_where("state = 'PENDING'")
    )


def _invoice_export() -> None:
    op.create_table(
        "invoice_export",
        text("account_id", key=True),
        text("invoice_id", key=True),
        text("batch_id"),
        text("state"),
        text("reason", default=""),
        text("message", default=""),
        int64("at_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 90},
    )
    op.create_index(
        "ix_invoice_export_failed",
        "invoice_export",
        ["batch_id", "account_id", "invoice_id"],
        **_where("state = 'FAILED'"),
    )
