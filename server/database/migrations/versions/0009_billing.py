"""Billing: its configuration, accounts, what they used, bills and their segments."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from alembic import op

from domain.kernel.columns import flag, int32, int64, json_text, text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    _billing_configuration()
    _customer_class()
    _time_of_use_scheme()
    _profile_type()
    _service_agreement_type()
    _bill_cycle()
    _bill_cycle_window()
    _rate()
    _rate_version()
    _billing_account()
    _premise()
    _service_agreement()
    _profile()
    _interval_data()
    _register_read()
    _usage_replaced()
    _interval_data_set()
    _bill()
    _bill_segment()
    _billing_exception()
    op.execute("INSERT INTO billing_configuration (id, version) VALUES (1, 1)")


def _where(condition: str) -> dict[str, Any]:
    """A partial index."""
    return {"postgresql_where": sqlalchemy.text(condition), "sqlite_where": sqlalchemy.text(condition)}


def _billing_configuration() -> None:
    op.create_table(
        "billing_configuration",
        int32("id", key=True),
        int64("version"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


def _customer_class() -> None:
    op.create_table(
        "customer_class",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _time_of_use_scheme() -> None:
    op.create_table(
        "time_of_use_scheme",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _profile_type() -> None:
    op.create_table(
        "profile_type",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _service_agreement_type() -> None:
    op.create_table(
        "service_agreement_type",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _bill_cycle() -> None:
    op.create_table(
        "bill_cycle",
        text("code", key=True),
        text("description", default=""),
        json_text("document"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _bill_cycle_window() -> None:
    op.create_table(
        "bill_cycle_window",
        text("cycle_code", key=True),
        text("window_code", key=True),
        int32("start_day"),
        int32("end_day"),
        int32("through_day"),
        int32("bill_day"),
        int32("accounting_day"),
        flag("freeze"),
        flag("complete"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_bill_cycle_window_start", "bill_cycle_window", ["cycle_code", "start_day"])


def _rate() -> None:
    op.create_table(
        "rate",
        text("code", key=True),
        text("description", default=""),
        text("currency"),
        int64("newest_version"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _rate_version() -> None:
    op.create_table(
        "rate_version",
        text("code", key=True),
        int64("rate_version", key=True),
        int32("effective_day"),
        json_text("document"),
        int64("created_us"),
        text("created_by"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _billing_account() -> None:
    op.create_table(
        "billing_account",
        text("account_id", key=True),
        text("description", default=""),
        text("customer_class_code"),
        text("cycle_code", default=""),
        text("invoice_cycle_code", default=""),
        text("currency"),
        text("time_zone"),
        json_text("attributes"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_billing_account_cycle", "billing_account", ["cycle_code", "account_id"])


def _premise() -> None:
    op.create_table(
        "premise",
        text("premise_id", key=True),
        text("description", default=""),
        text("time_zone"),
        json_text("attributes"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _service_agreement() -> None:
    op.create_table(
        "service_agreement",
        text("account_id", key=True),
        text("agreement_id", key=True),
        text("description", default=""),
        text("type_code"),
        text("premise_id", default=""),
        text("time_zone"),
        text("master_id", default=""),
        text("rate_code", default=""),
        int32("start_day"),
        int32("end_day", default=0),
        json_text("attributes"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_service_agreement_master", "service_agreement", ["account_id", "master_id"], **_where("master_id != ''")
    )


def _profile() -> None:
    op.create_table(
        "profile",
        text("account_id", key=True),
        text("profile_id", key=True),
        text("description", default=""),
        text("type_code"),
        text("agreement_id", default=""),
        text("time_zone"),
        json_text("derivation"),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_profile_agreement", "profile", ["account_id", "agreement_id"], **_where("agreement_id != ''"))


def _interval_data() -> None:
    op.create_table(
        "interval_data",
        text("account_id", key=True),
        text("profile_id", key=True),
        int64("start_us", key=True),
        int64("units"),
        int32("nanos"),
        int32("attos"),
        int32("revision", default=1),
        flag("estimated", default=0),
        int64("received_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _register_read() -> None:
    op.create_table(
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
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _usage_replaced() -> None:
    op.create_table(
        "usage_replaced",
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
        text("replaced_by"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _interval_data_set() -> None:
    op.create_table(
        "interval_data_set",
        text("account_id", key=True),
        text("data_set_id", key=True),
        text("profile_id"),
        text("agreement_id"),
        int64("start_us"),
        int64("end_us"),
        int32("position"),
        text("state"),
        text("reason", default=""),
        text("message", default=""),
        json_text("waits_on"),
        int32("created_count", default=0),
        int32("unchanged_count", default=0),
        int32("replaced_count", default=0),
        flag("estimated", default=0),
        text("operation_id", default=""),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "interval_data_set_once", "interval_data_set", ["account_id", "profile_id", "start_us", "end_us"], unique=True
    )


def _bill() -> None:
    op.create_table(
        "bill",
        text("account_id", key=True),
        text("bill_id", key=True),
        text("cycle_code", default=""),
        text("window_code", default=""),
        text("kind"),
        text("state"),
        text("currency"),
        int32("bill_day"),
        int32("accounting_day"),
        int32("through_day"),
        int32("due_day", default=0),
        int64("amount_minor", default=0),
        int64("tax_minor", default=0),
        json_text("processing_order"),
        json_text("messages"),
        text("routed_by", default=""),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        int64("completed_us", default=0),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "bill_open_once", "bill", ["account_id"], unique=True, **_where("state = 'PENDING' AND kind = 'REGULAR'")
    )
    op.create_index("ix_bill_cycle", "bill", ["cycle_code", "window_code", "account_id"])


def _bill_segment() -> None:
    op.create_table(
        "bill_segment",
        text("account_id", key=True),
        text("segment_id", key=True),
        text("bill_id"),
        text("agreement_id"),
        text("type_code"),
        text("kind", default="USAGE"),
        int32("position"),
        text("state"),
        text("reason", default=""),
        flag("estimated", default=0),
        flag("stale", default=0),
        flag("accepted", default=0),
        text("rebills_id", default=""),
        text("cancel_bill_id", default=""),
        text("receivable_code", default=""),
        int32("start_day"),
        int32("end_day"),
        int32("full_days"),
        int32("accounting_day"),
        text("rate_code"),
        text("currency"),
        int64("amount_minor", default=0),
        int64("tax_minor", default=0),
        json_text("calculation"),
        int64("version", default=1),
        int64("created_us"),
        int64("frozen_us", default=0),
        int64("canceled_us", default=0),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_bill_segment_agreement", "bill_segment", ["account_id", "agreement_id", "start_day"])
    op.create_index("ix_bill_segment_bill", "bill_segment", ["account_id", "bill_id", "position"])
    op.create_index(
        "ix_bill_segment_cancel", "bill_segment", ["account_id", "cancel_bill_id"], **_where("cancel_bill_id != ''")
    )
    op.create_index(
        "segment_of_period_once",
        "bill_segment",
        ["account_id", "agreement_id", "start_day"],
        unique=True,
        **_where("kind = 'USAGE' AND rebills_id = '' AND state != 'CANCELED'"),
    )


def _billing_exception() -> None:
    op.create_table(
        "billing_exception",
        text("account_id", key=True),
        text("exception_id", key=True),
        text("cycle_code", default=""),
        text("bill_id", default=""),
        text("segment_id", default=""),
        text("data_set_id", default=""),
        text("agreement_id", default=""),
        text("reason"),
        text("message"),
        text("state"),
        text("operation_id", default=""),
        text("note", default=""),
        int64("created_us"),
        int64("closed_us", default=0),
        text("closed_by", default=""),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_billing_exception_open", "billing_exception", ["cycle_code", "exception_id"], **_where("state = 'OPEN'")
    )
    op.create_index(
        "ix_billing_exception_segment", "billing_exception", ["account_id", "segment_id"], **_where("segment_id != ''")
    )
