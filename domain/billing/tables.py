"""Billing: configuration, accounts and what they use, bills and their segments.

Whatever belongs to an account has the account first in its primary key; configuration is small and read whole.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Index, Table

from domain.kernel.columns import flag, int32, int64, json_text, table, text


def _partial(name: str, where: ColumnElement[bool], *columns: Any, unique: bool = False) -> None:  # noqa: ANN401
    Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)


# Configuration: each change grows the one version, by which processes know that what they have read still holds.

billing_configuration = table(
    "billing_configuration",
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


customer_class = _register("customer_class")
time_of_use_scheme = _register("time_of_use_scheme")
profile_type = _register("profile_type")
service_agreement_type = _register("service_agreement_type")
bill_cycle = _register("bill_cycle")

bill_cycle_window = table(
    "bill_cycle_window",
    text("cycle_code", key=True),
    text("window_code", key=True),
    int32("start_day"),  # a run bills by it from this day …
    int32("end_day"),  # … up to and with this one
    int32("through_day"),  # segments end by this day, which they do not include
    int32("bill_day"),
    int32("accounting_day"),
    flag("freeze"),
    flag("complete"),
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
)
Index("ix_bill_cycle_window_start", bill_cycle_window.c.cycle_code, bill_cycle_window.c.start_day)

rate = table(
    "rate",
    text("code", key=True),
    text("description", default=""),
    text("currency"),
    int64("newest_version"),
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
)

rate_version = table(
    "rate_version",
    text("code", key=True),
    int64("rate_version", key=True),  # from 1; never changes once it is there
    int32("effective_day"),  # of versions of one day the newest holds
    json_text("document"),
    int64("created_us"),
    text("created_by"),
)

# Accounts

billing_account = table(
    "billing_account",
    text("account_id", key=True),
    text("description", default=""),
    text("customer_class_code"),
    text("cycle_code", default=""),
    text("invoice_cycle_code", default=""),
    text("currency"),
    text("time_zone"),  # of agreements without a premise
    json_text("attributes"),  # text by name
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
    fillfactor=70,
)
Index("ix_billing_account_cycle", billing_account.c.cycle_code, billing_account.c.account_id)

premise = table(
    "premise",
    text("premise_id", key=True),
    text("description", default=""),
    text("time_zone"),  # never changes
    json_text("attributes"),
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)

service_agreement = table(
    "service_agreement",
    text("account_id", key=True),
    text("agreement_id", key=True),
    text("description", default=""),
    text("type_code"),
    text("premise_id", default=""),
    text("time_zone"),  # the premise's, or else the account's
    text("master_id", default=""),  # the agreement of the account that it is the sub of
    text("rate_code", default=""),  # in place of its type's
    int32("start_day"),
    int32("end_day", default=0),  # not included; 0: none yet
    json_text("attributes"),
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
    fillfactor=70,
)
_sa = service_agreement.c
_partial("ix_service_agreement_master", _sa.master_id != "", _sa.account_id, _sa.master_id)
_partial("ix_service_agreement_premise", _sa.premise_id != "", _sa.premise_id)
_partial("ix_service_agreement_rate", _sa.rate_code != "", _sa.rate_code, _sa.type_code, _sa.end_day)

profile = table(
    "profile",
    text("account_id", key=True),
    text("profile_id", key=True),
    text("description", default=""),
    text("type_code"),
    text("agreement_id", default=""),  # the owner, if there is one
    text("time_zone"),  # the owner's, or else the account's
    json_text("derivation"),  # what its data are created from (`configuration.model.Derivation`); {}: they come in
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
)
_partial("ix_profile_agreement", profile.c.agreement_id != "", profile.c.account_id, profile.c.agreement_id)

# What was used: a quantity is units, billionths and attos, all of one sign (`kernel.quantities`)

interval_data = table(
    "interval_data",
    text("account_id", key=True),
    text("profile_id", key=True),
    int64("start_us", key=True),
    int64("units"),
    int32("nanos"),
    int32("attos"),
    int32("revision", default=1),  # grows with each correction
    flag("estimated", default=0),
    int64("received_us"),
)

register_read = table(
    "register_read",
    text("account_id", key=True),
    text("profile_id", key=True),
    int64("at_us", key=True),
    int64("units"),
    int32("nanos"),
    int32("attos"),
    int32("revision", default=1),
    flag("estimated", default=0),
    int64("received_us"),
)

usage_replaced = table(
    "usage_replaced",  # what a correction took the place of
    text("account_id", key=True),
    text("profile_id", key=True),
    int64("at_us", key=True),
    int32("revision", key=True),
    int64("units"),
    int32("nanos"),
    int32("attos"),
    flag("estimated"),
    int64("received_us"),
    int64("replaced_us"),
    text("replaced_by"),  # the caller
)

interval_data_set = table(
    "interval_data_set",
    text("account_id", key=True),
    text("data_set_id", key=True),  # sorts by age
    text("profile_id"),
    text("agreement_id"),
    int64("start_us"),
    int64("end_us"),  # not included
    int32("position"),  # in the order of creation
    text("state"),  # creation.model.DataSetState
    text("reason", default=""),  # of the error
    text("message", default=""),
    json_text("waits_on"),  # the profiles in error that it would have been created from
    int32("created_count", default=0),
    int32("unchanged_count", default=0),
    int32("replaced_count", default=0),
    flag("estimated", default=0),
    text("operation_id", default=""),
    int64("created_us"),
    int64("updated_us"),
    fillfactor=70,
)
_d = interval_data_set.c
Index("interval_data_set_once", _d.account_id, _d.profile_id, _d.start_us, _d.end_us, unique=True)

# Bills

bill = table(
    "bill",
    text("account_id", key=True),
    text("bill_id", key=True),  # sorts by age
    text("cycle_code", default=""),
    text("window_code", default=""),
    text("kind"),  # segments.model.BillKind
    text("state"),  # segments.states.BillState
    text("currency"),
    int32("bill_day"),
    int32("accounting_day"),
    int32("through_day"),
    int32("due_day", default=0),
    int64("amount_minor", default=0),  # of its segments, once it is complete
    int64("tax_minor", default=0),  # part of it
    json_text("processing_order"),  # which order it used, and why
    json_text("messages"),
    text("routed_by", default=""),
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("updated_us"),
    int64("completed_us", default=0),
    fillfactor=70,
)
_b = bill.c
_partial("bill_open_once", (_b.state == "PENDING") & (_b.kind == "REGULAR"), _b.account_id, unique=True)
Index("ix_bill_cycle", _b.cycle_code, _b.window_code, _b.account_id)

bill_segment = table(
    "bill_segment",
    text("account_id", key=True),
    text("segment_id", key=True),  # sorts by age
    text("bill_id"),
    text("agreement_id"),
    text("type_code"),
    text("kind", default="USAGE"),  # segments.states.SegmentKind
    int32("position"),  # in the processing order
    text("state"),  # segments.states.SegmentState
    text("reason", default=""),  # of the error
    flag("estimated", default=0),
    flag("stale", default=0),  # what it was charged on, or was read, has changed since
    flag("accepted", default=0),  # a person let an implausible one pass
    text("rebills_id", default=""),  # the segment in whose place it is
    text("cancel_bill_id", default=""),  # the bill that takes it back
    text("receivable_code", default=""),  # by which it was posted, once it is frozen
    int32("start_day"),
    int32("end_day"),  # not included
    int32("full_days"),
    int32("accounting_day"),
    text("rate_code"),
    text("currency"),
    int64("amount_minor", default=0),  # tax included
    int64("tax_minor", default=0),
    json_text("calculation"),  # lines, totals by measure, and where they come from; of an error, what it waits for
    int64("version", default=1),  # the etag
    int64("created_us"),
    int64("frozen_us", default=0),
    int64("canceled_us", default=0),
    fillfactor=70,
)
_s = bill_segment.c
Index("ix_bill_segment_bill", _s.account_id, _s.bill_id, _s.position)
Index("ix_bill_segment_agreement", _s.account_id, _s.agreement_id, _s.start_day)
_partial(
    "ix_bill_segment_estimated",  # data that come in late find what was estimated for want of them
    (_s.estimated == 1) & (_s.stale == 0) & _s.state.in_(("FREEZABLE", "FROZEN")),
    _s.account_id,
    _s.agreement_id,
)
_partial("ix_bill_segment_cancel", _s.cancel_bill_id != "", _s.account_id, _s.cancel_bill_id)
_partial(
    "segment_of_period_once",
    (_s.kind == "USAGE") & (_s.rebills_id == "") & (_s.state != "CANCELED"),
    _s.account_id,
    _s.agreement_id,
    _s.start_day,
    unique=True,
)

billing_exception = table(
    "billing_exception",
    text("account_id", key=True),
    text("exception_id", key=True),  # sorts by age
    text("cycle_code", default=""),
    text("window_code", default=""),  # of the run that met it, or of its bill
    text("bill_id", default=""),
    text("segment_id", default=""),
    text("data_set_id", default=""),
    text("agreement_id", default=""),
    text("reason"),
    text("message"),
    text("state"),  # segments.states.ExceptionState
    text("operation_id", default=""),  # the run that met it
    text("note", default=""),
    int64("created_us"),
    int64("closed_us", default=0),
    text("closed_by", default=""),
    fillfactor=70,
)
_e = billing_exception.c
_partial("ix_billing_exception_open", _e.state == "OPEN", _e.cycle_code, _e.exception_id)
_partial("ix_billing_exception_segment", _e.segment_id != "", _e.account_id, _e.segment_id)
