"""Accounting: its configuration, claims, operations, assignments, batches and events."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from alembic import op

from domain.kernel.columns import flag, int32, int64, json_text, text

revision = "0008"
down_revision = "0007"

_OPEN = "state IN ('SCHEDULED', 'WAITING', 'PENDING', 'IN_PROGRESS', 'FAILED', 'IN_DOUBT')"

_COLLECTIONS = (
    ("ACCOUNT_HOLDER", "Account holder", 0, 0, '{"resolutions":["DENY"]}'),
    ("FEES", "Fees", 0, 0, '{"resolutions":[]}'),
    ("LOSS", "Loss", 0, 1, '{"resolutions":["DENY"]}'),
    ("MERCHANT", "Merchant", 0, 0, '{"resolutions":["DENY"]}'),
    ("SUSPENSE", "Suspense", 1, 0, '{"resolutions":["DENY","PARTIAL_DENY","PAY","WRITE_OFF"]}'),
)


def upgrade() -> None:
    _delivery()
    _distribution_code()
    _accounting()


def _delivery() -> None:
    """What a delivery to a system of record asks for itself, and whether it may have arrived."""
    for column in (
        int32("attempts_max", default=0),
        int64("pause_us", default=0),
        int64("pause_max_us", default=0),
        int32("under_way_max", default=0),
        int32("unanswered", default=0),
    ):
        op.add_column("delivery", column)


def _distribution_code() -> None:
    op.create_table(
        "distribution_code",
        text("code", key=True),
        text("description", default=""),
        text("ledger_code"),
        text("group_account_code", default=""),
        text("distribution_account", default=""),
        text("bulking_group", default=""),
        text("category", default=""),
        text("gl_segments", default="[]"),
        text("attributes", default="[]"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _accounting() -> None:
    """The room's tables, and what is there from the beginning."""
    # -- the tables of accounting --
    _accounting_configuration()
    _accounting_client()
    _claim_type()
    _collection()
    _account_determination()
    _accounting_rule()
    _accounting_rule_version()
    _claim()
    _dispute()
    _accounting_operation()
    _executed_step()
    _collection_balance()
    _assignment()
    _task()
    _accounting_batch()
    _accounting_batch_number()
    _accounting_batch_file()
    _accounting_batch_return()
    _accounting_event()
    _accounting_feed()
    op.execute("INSERT INTO accounting_configuration (id, version) VALUES (1, 1)")
    insert = sqlalchemy.text(
        "INSERT INTO collection (code, description, suspense, write_off, zero_for, created_us, updated_us) "
        "VALUES (:code, :description, :suspense, :write_off, :zero_for, 0, 0)"
    )
    for code, description, suspense, write_off, zero_for in _COLLECTIONS:
        values = {"suspense": suspense, "write_off": write_off, "zero_for": zero_for}
        op.get_bind().execute(insert, {"code": code, "description": description, **values})


def _where(condition: str) -> dict[str, Any]:
    """A partial index."""
    return {"postgresql_where": sqlalchemy.text(condition), "sqlite_where": sqlalchemy.text(condition)}


def _accounting_configuration() -> None:
    op.create_table(
        "accounting_configuration",
        int32("id", key=True),
        int64("version"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


def _accounting_client() -> None:
    op.create_table(
        "accounting_client",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _claim_type() -> None:
    op.create_table(
        "claim_type",
        text("code", key=True),
        text("description", default=""),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _collection() -> None:
    op.create_table(
        "collection",
        text("code", key=True),
        text("description", default=""),
        flag("suspense", default=0),
        flag("write_off", default=0),
        json_text("zero_for"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _account_determination() -> None:
    op.create_table(
        "account_determination",
        text("collection_code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _accounting_rule() -> None:
    op.create_table(
        "accounting_rule",
        text("code", key=True),
        int64("newest_version"),
        flag("retired", default=0),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _accounting_rule_version() -> None:
    op.create_table(
        "accounting_rule_version",
        text("code", key=True),
        int64("rule_version", key=True),
        json_text("document"),
        int64("valid_from_us"),
        int64("created_us"),
        text("created_by"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _claim() -> None:
    op.create_table(
        "claim",
        text("claim_id", key=True),
        text("client_code"),
        text("claim_type_code"),
        text("description", default=""),
        text("account", default=""),
        json_text("attributes"),
        json_text("dates"),
        text("state"),
        text("resolution", default=""),
        int64("events_made", default=0),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        int64("resolved_us", default=0),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_claim_client", "claim", ["client_code", "claim_id"])


def _dispute() -> None:
    op.create_table(
        "dispute",
        text("claim_id", key=True),
        text("dispute_id", key=True),
        text("description", default=""),
        int64("amount_minor"),
        text("currency"),
        int32("transaction_day", default=0),
        json_text("attributes"),
        json_text("amounts"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _accounting_operation() -> None:
    op.create_table(
        "accounting_operation",
        text("claim_id", key=True),
        text("operation_id", key=True),
        text("dispute_id"),
        text("client_code"),
        text("kind"),
        text("state"),
        text("workflow_point", default=""),
        text("step_key", default=""),
        text("rule_code", default=""),
        int64("rule_version", default=0),
        text("debit_collection"),
        text("credit_collection"),
        text("debit_account"),
        text("credit_account"),
        text("debit_distribution_code"),
        text("credit_distribution_code"),
        int64("amount_minor"),
        text("currency"),
        text("entry_reason", default=""),
        text("note", default=""),
        flag("tracking_only", default=0),
        int32("accounting_day"),
        int32("transaction_day"),
        text("reverses_id", default=""),
        text("reversed_by_id", default=""),
        text("settles_id", default=""),
        int64("performed_us"),
        text("performed_by"),
        int64("executed_us", default=0),
        text("executed_by", default=""),
        text("external_reference", default=""),
        int64("approved_us", default=0),
        text("approved_by", default=""),
        int64("canceled_us", default=0),
        text("canceled_by", default=""),
        text("cancel_reason", default=""),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_accounting_operation_approval",
        "accounting_operation",
        ["client_code", "operation_id"],
        **_where("state = 'AWAITING_APPROVAL'"),
    )
    op.create_index(
        "ix_accounting_operation_day", "accounting_operation", ["claim_id", "accounting_day", "operation_id"]
    )
    op.create_index(
        "ix_accounting_operation_settles",
        "accounting_operation",
        ["claim_id", "settles_id"],
        **_where("settles_id != ''"),
    )
    op.create_index(
        "operation_reversed_once",
        "accounting_operation",
        ["claim_id", "reverses_id"],
        unique=True,
        **_where("reverses_id != '' AND state != 'CANCELED'"),
    )


def _executed_step() -> None:
    op.create_table(
        "executed_step",
        text("claim_id", key=True),
        text("dispute_id", key=True),
        text("workflow_point", key=True),
        text("step_key", key=True),
        int64("at_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _collection_balance() -> None:
    op.create_table(
        "collection_balance",
        text("claim_id", key=True),
        text("dispute_id", key=True),
        text("collection_code", key=True),
        text("currency", key=True),
        int64("executed_minor", default=0),
        int64("pending_minor", default=0),
        int64("executed_count", default=0),
        int64("pending_count", default=0),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


def _assignment() -> None:
    op.create_table(
        "assignment",
        text("claim_id", key=True),
        text("operation_id", key=True),
        text("client_code"),
        text("workflow_point", default=""),
        text("channel"),
        text("state"),
        int32("accounting_day"),
        int64("scheduled_us", default=0),
        int64("ready_us", default=0),
        int64("goal_us", default=0),
        int64("due_us", default=0),
        int64("escalated_us", default=0),
        int32("attempts", default=0),
        flag("unanswered", default=0),
        text("reason", default=""),
        text("message", default=""),
        text("assignee", default=""),
        int64("batch_no", default=0),
        text("taken_by", default=""),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 60},
    )
    op.create_index(
        "ix_assignment_batchable",
        "assignment",
        ["client_code", "accounting_day", "claim_id", "operation_id"],
        **_where("state = 'PENDING' AND channel = 'BATCH'"),
    )
    op.create_index(
        "ix_assignment_due", "assignment", ["due_us"], **_where(f"{_OPEN} AND due_us > 0 AND escalated_us = 0")
    )
    op.create_index(
        "ix_assignment_open", "assignment", ["client_code", "state", "claim_id", "operation_id"], **_where(_OPEN)
    )
    op.create_index("ix_assignment_scheduled", "assignment", ["scheduled_us"], **_where("state = 'SCHEDULED'"))
    op.create_index(
        "ix_assignment_taken",
        "assignment",
        ["taken_by", "accounting_day", "claim_id", "operation_id"],
        **_where("taken_by != ''"),
    )
    op.create_index(
        "ix_assignment_taken_operation", "assignment", ["taken_by", "operation_id"], **_where("taken_by != ''")
    )


def _task() -> None:
    op.create_table(
        "task",
        text("client_code", key=True),
        text("task_id", key=True),
        text("claim_id", default=""),
        text("operation_id", default=""),
        int64("batch_no", default=0),
        text("kind"),
        text("queue"),
        text("state"),
        text("assignee", default=""),
        int64("goal_us", default=0),
        int64("due_us", default=0),
        int64("escalated_us", default=0),
        text("reason", default=""),
        text("message", default=""),
        text("outcome", default=""),
        int64("created_us"),
        int64("claimed_us", default=0),
        int64("closed_us", default=0),
        text("closed_by", default=""),
        int64("version", default=1),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 60},
    )
    op.create_index("ix_task_claim", "task", ["claim_id", "task_id"], **_where("claim_id != ''"))
    op.create_index(
        "ix_task_due", "task", ["due_us"], **_where("state != 'CLOSED' AND due_us > 0 AND escalated_us = 0")
    )
    op.create_index("ix_task_open", "task", ["client_code", "task_id", "queue"], **_where("state != 'CLOSED'"))
    op.create_index(
        "one_open_task_of_a_thing",
        "task",
        ["client_code", "claim_id", "operation_id", "batch_no"],
        unique=True,
        **_where("state != 'CLOSED'"),
    )


def _accounting_batch() -> None:
    op.create_table(
        "accounting_batch",
        text("client_code", key=True),
        int64("batch_no", key=True),
        int32("accounting_day"),
        text("state"),
        int64("rerun_no", default=0),
        text("format"),
        text("data_file_set_code", default=""),
        text("run_id"),
        text("writer_id", default=""),
        int64("operation_count", default=0),
        json_text("totals"),
        int64("accepted_count", default=0),
        int64("rejected_count", default=0),
        flag("regenerated_after_delivery", default=0),
        int64("created_us"),
        int64("written_us", default=0),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 60},
    )
    op.create_index("accounting_batch_of_run", "accounting_batch", ["run_id", "accounting_day"], unique=True)


def _accounting_batch_number() -> None:
    op.create_table(
        "accounting_batch_number",
        text("client_code", key=True),
        int64("next_no"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


def _accounting_batch_file() -> None:
    op.create_table(
        "accounting_batch_file",
        text("client_code", key=True),
        int64("batch_no", key=True),
        int64("rerun_no", key=True),
        text("data_file_set_code"),
        text("file_name"),
        text("run_id"),
        text("caller"),
        int64("created_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "accounting_batch_file_unique", "accounting_batch_file", ["data_file_set_code", "file_name"], unique=True
    )


def _accounting_batch_return() -> None:
    op.create_table(
        "accounting_batch_return",
        text("client_code", key=True),
        int64("batch_no", key=True),
        text("claim_id", key=True),
        text("operation_id", key=True),
        flag("accepted"),
        text("reason", default=""),
        text("message", default=""),
        text("external_reference", default=""),
        text("reversal_id", default=""),
        int64("at_us"),
        text("caller"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _accounting_event() -> None:
    op.create_table(
        "accounting_event",
        text("claim_id", key=True),
        int64("sequence", key=True),
        text("client_code"),
        text("event_id"),
        text("kind"),
        text("operation_id", default=""),
        int64("at_us"),
        int64("position", default=0),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "accounting_event_position_unique",
        "accounting_event",
        ["client_code", "position"],
        unique=True,
        **_where("position > 0"),
    )
    op.create_index(
        "ix_accounting_event_unplaced", "accounting_event", ["client_code", "event_id"], **_where("position = 0")
    )


def _accounting_feed() -> None:
    op.create_table(
        "accounting_feed",
        text("client_code", key=True),
        int64("position"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


# -- end of the tables of accounting --
