"""Invoicing: billing cycles and their schedules, running invoices and their lines, batches, what is exported.

Whatever belongs to an account has the account first in its primary key; configuration is small and read whole. What a
batch changes of a million invoices stands in columns that no index has, so that their rows change in place.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Index, Table

from domain.kernel.columns import flag, int32, int64, json_text, table, text


def _partial(name: str, where: ColumnElement[bool], *columns: Any, unique: bool = False) -> None:  # noqa: ANN401
    Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


# Configuration: each change grows the one version, by which processes know that what they have read still holds.

invoicing_configuration = table(
    "invoicing_configuration",
    int32("id", key=True),  # 1: there is one row
    int64("version"),
    fillfactor=50,
)


def _register(name: str) -> Table[Any]:
    return table(
        name,
        text("code", key=True),
        text("description", default=""),
        json_text("document"),  # the settings of `configuration.model`
        int64("version", default=1),  # the etag
        int64("created_us"),
        int64("updated_us"),
    )


issuer = _register("issuer")
billing_cycle = _register("billing_cycle")

invoice_schedule = table(
    "invoice_schedule",
    text("cycle_code", key=True),
    text("schedule_code", key=True),
    int64("start_us"),
    int64("end_us"),  # not included; where it ends the next one starts
    text("state"),  # configuration.model.ScheduleState
    text("batch_id", default=""),  # the batch that closes it, or has
    flag("made", default=0),  # by the system, as there was none
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
    fillfactor=70,
)
_s = invoice_schedule.c
Index("invoice_schedule_starts_once", _s.cycle_code, _s.start_us, unique=True)
_partial("ix_invoice_schedule_batch", _s.batch_id != "", _s.batch_id)

recipient = table(
    "recipient",  # to whom an account's invoices go, as it is now
    text("account_id", key=True),
    int64("version", default=1),  # the etag; invoices that are locked keep it
    json_text("document"),
    int64("created_us"),
    int64("updated_us"),
    fillfactor=70,
)

recipient_version = table(
    "recipient_version",  # as it was
    text("account_id", key=True),
    int64("version", key=True),
    json_text("document"),
    int64("replaced_us"),
    text("replaced_by"),  # the caller
)

# Invoices

invoice = table(
    "invoice",
    text("account_id", key=True),
    text("invoice_id", key=True),  # sorts by age
    text("cycle_code"),
    text("schedule_code"),  # of a credit note: names.credit_place of its batch
    text("slot", default=""),  # empty, for one an account and schedule; else its own id
    text("kind", default="INVOICE"),  # invoices.states.InvoiceKind
    text("state", default="RUNNING"),  # invoices.states.InvoiceState
    text("currency"),
    text("batch_id", default=""),  # that has closed it
    flag("final", default=0),
    int32("carried_count", default=0),
    int32("line_count", default=0),
    int32("last_line_no", default=0),  # the highest number that a line has ever had; it never goes back
    int64("net_minor", default=0),  # of its lines, always
    flag("aggregated", default=0),
    int64("tax_minor", default=0),  # once it is aggregated
    int64("number_no", default=0),  # in its series, once it is locked; 0: none
    int64("recipient_version", default=0),  # as of the lock; 0: there was none
    text("credits_id", default=""),  # of a credit note: the invoice of the account that it credits
    text("reason", default=""),  # of a credit note
    text("merged_into", default=""),  # of one that was dropped: who took its lines over
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
    fillfactor=45,  # a batch changes each row three times; so its versions stand beside it
)
_i = invoice.c
Index("invoice_once", _i.cycle_code, _i.schedule_code, _i.account_id, _i.slot, unique=True)
_partial("ix_invoice_credits", _i.credits_id != "", _i.account_id, _i.credits_id)

invoice_line = table(
    "invoice_line",
    text("account_id", key=True),
    text("invoice_id", key=True),
    int32("line_no", key=True),  # by arrival
    text("source"),
    text("external_id"),
    text("segment_id", default=""),  # the bill segment that it comes from
    text("description", default=""),
    text("quantity", default=""),  # decimal text; empty: not told
    text("unit_code", default=""),  # UN/ECE recommendation 20
    text("price", default=""),  # of one unit, decimal text
    int64("net_minor"),
    text("tax_category"),  # invoices.states.TaxCategory
    int32("tax_ppm"),  # the rate in millionths: 19 % is 190000
    int32("start_day", default=0),
    int32("end_day", default=0),  # not included
    text("distribution_code", default=""),  # of one that no bill made; posted when the invoice is locked
    int64("created_us"),
)
_l = invoice_line.c
Index("invoice_line_once", _l.account_id, _l.source, _l.external_id, unique=True)

invoice_reckoned_tax = table(
    "invoice_reckoned_tax",  # tax that a bill has reckoned and posted
    text("account_id", key=True),
    text("invoice_id", key=True),
    text("source", key=True),
    text("external_id", key=True),
    text("segment_id", default=""),  # the bill segment that it comes from
    text("tax_category"),
    int32("tax_ppm"),
    int64("tax_minor"),
)
_r = invoice_reckoned_tax.c
Index("invoice_reckoned_tax_once", _r.account_id, _r.source, _r.external_id, unique=True)

invoice_tax = table(
    "invoice_tax",  # what aggregation comes to
    text("account_id", key=True),
    text("invoice_id", key=True),
    text("tax_category", key=True),
    int32("tax_ppm", key=True),
    int64("net_minor"),
    int64("tax_minor"),  # rounded once
    int64("reckoned_minor"),  # of it, what bills have posted
    flag("own", default=1),  # there may be lines in it that no bill has made, which the lock posts
)

# Batches

invoice_batch = table(
    "invoice_batch",
    text("batch_id", key=True),
    text("description", default=""),
    text("cycle_code"),
    text("kind", default="INVOICES"),  # batches.states.BatchKind
    text("state"),  # batches.states.BatchState
    int64("state_since_us"),
    int64("close_at_us", default=0),  # 0: at once
    json_text("schedules"),  # codes of the schedules whose invoices it has; of credit notes, their place
    text("held_reason", default=""),  # why it does not go on
    text("held_message", default=""),
    int64("held_since_us", default=0),
    text("failed_state", default=""),  # where it goes back to by a retry
    text("asked_point", default=""),  # the point whose hook has let it go on
    text("operation_id", default=""),  # that moves it on, or has last
    int64("locked_us", default=0),  # from here on nothing of its invoices changes
    int32("issue_day", default=0),
    json_text("issuer"),  # as of the lock
    text("issuer_code", default=""),  # of it
    int64("first_number", default=0),
    int64("number_count", default=0),
    json_text("counts"),
    text("data_file_set_code", default=""),
    int32("transition_count", default=0),
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
    int64("published_us", default=0),
    fillfactor=50,
)
_b = invoice_batch.c
_over = _b.state.in_(("PUBLISHED", "CANCELED"))
_partial("ix_invoice_batch_open", ~_over, _b.batch_id)
Index("ix_invoice_batch_cycle", _b.cycle_code, _b.batch_id)
_partial(
    "invoice_batch_collects_once",
    (_b.kind == "CREDIT_NOTES") & (_b.transition_count == 1),  # what went on, and came back by a retry, does not
    _b.cycle_code,
    _b.issuer_code,
    _b.issue_day,
    unique=True,
)

invoice_batch_transition = table(
    "invoice_batch_transition",
    text("batch_id", key=True),
    int32("transition_no", key=True),  # from 1
    text("from_state"),  # empty: it was created
    text("to_state"),
    int64("at_us"),
    text("caller"),
    text("method", default=""),
    text("operation_id", default=""),
    text("reason", default=""),
    json_text("counts"),
    int64("version", default=0),  # of the batch, by this transition
)

number_series = table(
    "number_series",
    text("issuer_code", key=True),
    int32("year", key=True),
    text("kind", key=True),  # invoices.states.InvoiceKind
    int64("next_no", default=1),
    fillfactor=50,
)

# Export

export_record = table(
    "export_record",
    text("batch_id", key=True),
    int32("export_no", key=True),  # from 1
    text("cycle_code"),
    text("workflow"),
    text("state"),  # export.model.ExportState
    int32("attempt_count", default=0),
    int64("exported_count", default=0),
    int64("failed_count", default=0),
    text("reason", default=""),
    text("message", default=""),
    text("operation_id", default=""),
    int64("created_us"),
    int64("updated_us"),
    int64("done_us", default=0),
    fillfactor=50,
)
_e = export_record.c
_partial("export_record_pending_once", _e.state == "PENDING", _e.batch_id, unique=True)

invoice_export = table(
    "invoice_export",
    text("account_id", key=True),
    text("invoice_id", key=True),
    text("batch_id"),
    text("state"),  # export.model.InvoiceExportState
    text("reason", default=""),
    text("message", default=""),
    int64("at_us"),
    fillfactor=90,
)
_x = invoice_export.c
_partial("ix_invoice_export_failed", _x.state == "FAILED", _x.batch_id, _x.account_id, _x.invoice_id)
