"""Accounting: configuration, claims, operations and what carries them out.

Whatever belongs to a claim has the claim first in its primary key; configuration is small and read whole.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Index

from domain.kernel.columns import flag, int32, int64, json_text, table, text


def _partial(name: str, where: ColumnElement[bool], *columns: Any, unique: bool = False) -> None:  # noqa: ANN401
    Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


# Configuration: each change grows the one version, by which processes know that what they have read still holds.

accounting_configuration = table(
    "accounting_configuration",
    int32("id", key=True),  # 1: there is one row
    int64("version"),
    fillfactor=50,
)

accounting_client = table(
    "accounting_client",
    text("code", key=True),
    text("description", default=""),
    json_text("document"),  # calendar, channels, SLA, limits (`configuration.model.ClientSettings`)
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
)

claim_type = table(
    "claim_type",
    text("code", key=True),
    text("description", default=""),
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)

collection = table(
    "collection",
    text("code", key=True),
    text("description", default=""),
    flag("suspense", default=0),  # not zero: out of balance
    flag("write_off", default=0),  # an operation that touches it is a write-off
    json_text("zero_for"),  # {"resolutions": [...]} for which it must be zero
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)

account_determination = table(
    "account_determination",
    text("collection_code", key=True),
    text("description", default=""),
    json_text("document"),  # {"rows": [...]} in their order
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)

accounting_rule = table(
    "accounting_rule",
    text("code", key=True),
    int64("newest_version"),
    flag("retired", default=0),
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
)

accounting_rule_version = table(
    "accounting_rule_version",
    text("code", key=True),
    int64("rule_version", key=True),  # from 1; never changes once it is there
    json_text("document"),
    int64("valid_from_us"),
    int64("created_us"),
    text("created_by"),
)

# Claims

claim = table(
    "claim",
    text("claim_id", key=True),
    text("client_code"),
    text("claim_type_code"),
    text("description", default=""),
    text("account", default=""),  # the account holder's
    json_text("attributes"),  # text by name
    json_text("dates"),  # yyyymmdd by name
    text("state"),  # claims.states.ClaimState
    text("resolution", default=""),
    int64("events_made", default=0),  # the last sequence in accounting_event
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
    int64("resolved_us", default=0),
    fillfactor=70,
)
Index("ix_claim_client", claim.c.client_code, claim.c.claim_id)

dispute = table(
    "dispute",
    text("claim_id", key=True),
    text("dispute_id", key=True),
    text("description", default=""),
    int64("amount_minor"),
    text("currency"),
    int32("transaction_day", default=0),
    json_text("attributes"),  # text by name
    json_text("amounts"),  # {"fee": {"minor": 950, "currency": "USD"}}
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
)

# Operations: one row is balanced by construction, and its amount, accounts, currency and dates never change.

accounting_operation = table(
    "accounting_operation",
    text("claim_id", key=True),
    text("operation_id", key=True),  # sorts by age
    text("dispute_id"),
    text("client_code"),
    text("kind"),  # performing.model.Kind
    text("state"),  # performing.states.OperationState
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
    int64("amount_minor"),  # positive
    text("currency"),
    text("entry_reason", default=""),
    text("note", default=""),
    flag("tracking_only", default=0),
    int32("accounting_day"),
    int32("transaction_day"),  # the client's calendar day on which it was performed
    text("reverses_id", default=""),  # the operation that this one reverses
    text("reversed_by_id", default=""),  # the operation that reverses this one
    text("settles_id", default=""),  # the first operation, of which this is the second
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
    fillfactor=70,
)
_o = accounting_operation.c
Index("ix_accounting_operation_day", _o.claim_id, _o.accounting_day, _o.operation_id)
_partial(
    "operation_reversed_once",
    (_o.reverses_id != "") & (_o.state != "CANCELED"),
    _o.claim_id,
    _o.reverses_id,
    unique=True,
)
_partial("ix_accounting_operation_settles", _o.settles_id != "", _o.claim_id, _o.settles_id)
_partial("ix_accounting_operation_approval", _o.state == "AWAITING_APPROVAL", _o.client_code, _o.operation_id)

executed_step = table(
    "executed_step",  # a workflow point is run once for a dispute and key
    text("claim_id", key=True),
    text("dispute_id", key=True),
    text("workflow_point", key=True),
    text("step_key", key=True),
    int64("at_us"),
)

collection_balance = table(
    "collection_balance",  # credits less debits
    text("claim_id", key=True),
    text("dispute_id", key=True),
    text("collection_code", key=True),
    text("currency", key=True),
    int64("executed_minor", default=0),
    int64("pending_minor", default=0),
    int64("executed_count", default=0),  # operations, each once
    int64("pending_count", default=0),
    fillfactor=50,
)

# How operations are carried out

assignment = table(
    "assignment",
    text("claim_id", key=True),
    text("operation_id", key=True),
    text("client_code"),
    text("workflow_point", default=""),
    text("channel"),  # channels.model.Channel
    text("state"),  # execution.states.AssignmentState
    int32("accounting_day"),
    int64("scheduled_us", default=0),  # SCHEDULED: when it becomes pending
    int64("ready_us", default=0),  # from when its SLA runs
    int64("goal_us", default=0),
    int64("due_us", default=0),  # the deadline; 0: none
    int64("escalated_us", default=0),
    int32("attempts", default=0),
    flag("unanswered", default=0),  # an attempt ended without an answer, and nobody knows yet what came of it
    text("reason", default=""),  # of the last failure
    text("message", default=""),
    text("assignee", default=""),
    int64("batch_no", default=0),  # of the file with which it was executed
    text("taken_by", default=""),  # the run that has taken it into a file (accounting_batch.run_id)
    int64("updated_us"),
    fillfactor=60,
)
_a = assignment.c
_BATCHABLE = (_a.state == "PENDING") & (_a.channel == "BATCH")
_OPEN = _a.state.in_(("SCHEDULED", "WAITING", "PENDING", "IN_PROGRESS", "FAILED", "IN_DOUBT"))
_partial("ix_assignment_batchable", _BATCHABLE, _a.client_code, _a.accounting_day, _a.claim_id, _a.operation_id)
_partial("ix_assignment_taken", _a.taken_by != "", _a.taken_by, _a.accounting_day, _a.claim_id, _a.operation_id)
_partial("ix_assignment_taken_operation", _a.taken_by != "", _a.taken_by, _a.operation_id)
_partial("ix_assignment_scheduled", _a.state == "SCHEDULED", _a.scheduled_us)
_partial("ix_assignment_due", _OPEN & (_a.due_us > 0) & (_a.escalated_us == 0), _a.due_us)
_partial("ix_assignment_open", _OPEN, _a.client_code, _a.state, _a.claim_id, _a.operation_id)

task = table(
    "task",  # an entry of a work queue
    text("client_code", key=True),
    text("task_id", key=True),  # sorts by age
    text("claim_id", default=""),
    text("operation_id", default=""),
    int64("batch_no", default=0),
    text("kind"),  # execution.tasks.TaskKind
    text("queue"),
    text("state"),  # execution.states.TaskState
    text("assignee", default=""),
    int64("goal_us", default=0),
    int64("due_us", default=0),
    int64("escalated_us", default=0),
    text("reason", default=""),
    text("message", default=""),
    text("outcome", default=""),  # how it was closed
    int64("created_us"),
    int64("claimed_us", default=0),
    int64("closed_us", default=0),
    text("closed_by", default=""),
    int64("version", default=1),  # the etag
    fillfactor=60,
)
_t = task.c
_partial(
    "one_open_task_of_a_thing",
    _t.state != "CLOSED",
    _t.client_code,
    _t.claim_id,
    _t.operation_id,
    _t.batch_no,
    unique=True,
)
_partial("ix_task_open", _t.state != "CLOSED", _t.client_code, _t.task_id, _t.queue)
_partial("ix_task_due", (_t.state != "CLOSED") & (_t.due_us > 0) & (_t.escalated_us == 0), _t.due_us)
_partial("ix_task_claim", _t.claim_id != "", _t.claim_id, _t.task_id)

# Batch files

accounting_batch = table(
    "accounting_batch",
    text("client_code", key=True),
    int64("batch_no", key=True),  # from 1 for each client
    int32("accounting_day"),
    text("state"),  # batches.states.BatchState
    int64("rerun_no", default=0),  # of its newest file
    text("format"),
    text("data_file_set_code", default=""),
    text("run_id"),  # the run that took its records: those assignments of its day that are `taken_by` it
    text("writer_id", default=""),  # the run that writes a file of it just now
    int64("operation_count", default=0),
    json_text("totals"),  # {"USD": {"debit": minor, "credit": minor}}
    int64("accepted_count", default=0),
    int64("rejected_count", default=0),
    flag("regenerated_after_delivery", default=0),
    int64("created_us"),
    int64("written_us", default=0),
    int64("updated_us"),
    fillfactor=60,
)

Index("accounting_batch_of_run", accounting_batch.c.run_id, accounting_batch.c.accounting_day, unique=True)

accounting_batch_number = table(
    "accounting_batch_number",
    text("client_code", key=True),
    int64("next_no"),
    fillfactor=50,
)

accounting_batch_file = table(
    "accounting_batch_file",  # every file that a batch was ever written to
    text("client_code", key=True),
    int64("batch_no", key=True),
    int64("rerun_no", key=True),
    text("data_file_set_code"),
    text("file_name"),
    text("run_id"),  # the run that wrote it
    text("caller"),
    int64("created_us"),
)
Index(
    "accounting_batch_file_unique",
    accounting_batch_file.c.data_file_set_code,
    accounting_batch_file.c.file_name,
    unique=True,
)

accounting_batch_return = table(
    "accounting_batch_return",  # what the receiver said of a record
    text("client_code", key=True),
    int64("batch_no", key=True),
    text("claim_id", key=True),
    text("operation_id", key=True),
    flag("accepted"),
    text("reason", default=""),
    text("message", default=""),
    text("external_reference", default=""),
    text("reversal_id", default=""),  # the tracking-only operation that takes a rejected one back
    int64("at_us"),
    text("caller"),
)

# What happened, for those who watch

accounting_event = table(
    "accounting_event",
    text("claim_id", key=True),
    int64("sequence", key=True),  # from 1, per claim
    text("client_code"),
    text("event_id"),
    text("kind"),  # feed.model.EventKind
    text("operation_id", default=""),
    int64("at_us"),
    int64("position", default=0),  # in the client's feed, from 1; 0 until it is given, after the commit
    fillfactor=70,
)
_e = accounting_event.c
_partial("accounting_event_position_unique", _e.position > 0, _e.client_code, _e.position, unique=True)
_partial("ix_accounting_event_unplaced", _e.position == 0, _e.client_code, _e.event_id)

accounting_feed = table(
    "accounting_feed",
    text("client_code", key=True),
    int64("position"),  # the last one given
    fillfactor=50,
)
