"""Schedules and their runs."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import int64, json_text, table, text

schedule = table(
    "schedule",
    text("code", key=True),
    text("description", default=""),
    text("kind"),  # model.Kind
    json_text("request"),  # the template, in the kind's own words
    json_text("relative_dates"),  # {"created_date_to": "YESTERDAY"}
    text("cron"),
    text("time_zone", default=""),  # empty: the business time zone
    text("missed"),  # model.MissedRuns
    text("state"),  # model.ScheduleState
    text("caller"),  # as whom it runs
    int64("scope_id", default=0),  # of who made it
    int64("version", default=1),  # the etag
    int64("runs_made", default=0),  # the last run_no given
    int64("next_us", default=0),  # its next time; 0: none
    int64("created_us"),
    int64("updated_us"),
)
_s = schedule.c
Index("ix_schedule_due", _s.next_us, postgresql_where=_s.next_us > 0, sqlite_where=_s.next_us > 0)

schedule_run = table(
    "schedule_run",
    text("schedule_code", key=True),
    int64("run_no", key=True),
    text("cause"),  # model.Cause
    text("outcome"),  # model.Outcome
    int64("scheduled_us"),  # the time that it is for
    int64("missed_since_us", default=0),  # the first of several that it stands for
    int64("at_us"),
    text("caller"),
    text("operation_id", default=""),
    text("reason", default=""),  # why nothing was started
    text("message", default=""),
)
