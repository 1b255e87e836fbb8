"""The outbox: everything that is to go outside, and the targets that are in trouble."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import flag, int32, int64, json_text, table, text

delivery = table(
    "delivery",
    text("delivery_id", key=True),
    text("kind"),  # model.Kind
    text("target"),  # the resource name of where it goes
    text("key"),  # the receiver tells repeats by it: the same for every attempt
    text("subject", default=""),  # the resource name of what it is about
    text("event_type", default=""),
    json_text("payload"),  # what the kind's handler needs; the same for every attempt
    text("state"),  # model.State
    int32("attempts", default=0),  # since `since_us`
    int32("redeliveries", default=0),  # how often a person had it sent again
    int64("epoch", default=0),  # grows with every claim; the fence
    flag("claimed", default=0),
    int64("next_attempt_us", default=0),  # while claimed: when the lease ends
    int64("since_us"),  # when it was recorded, or last sent again by a person
    int64("created_us"),
    int64("attempted_us", default=0),  # when the last attempt began
    int64("ended_us", default=0),
    text("reason", default=""),  # of the last failure
    text("message", default=""),
    int64("scope_id", default=0),
    int32("attempts_max", default=0),  # these four: model.Limits, 0 for what the settings say
    int64("pause_us", default=0),
    int64("pause_max_us", default=0),
    int32("under_way_max", default=0),
    int32("unanswered", default=0),  # attempts since the last one that was answered
    fillfactor=50,
)
Index("delivery_key_once_per_target", delivery.c.key, delivery.c.target, unique=True)
Index("ix_delivery_target", delivery.c.target, delivery.c.delivery_id)
Index("ix_delivery_subject", delivery.c.subject, delivery.c.delivery_id)
Index(
    "ix_delivery_due",
    delivery.c.kind,
    delivery.c.target,
    delivery.c.next_attempt_us,
    delivery.c.delivery_id,
    postgresql_where=delivery.c.state == "PENDING",
    sqlite_where=delivery.c.state == "PENDING",
)
Index(
    "ix_delivery_claimed",
    delivery.c.kind,
    delivery.c.target,
    postgresql_where=delivery.c.claimed == 1,
    sqlite_where=delivery.c.claimed == 1,
)
Index(
    "ix_delivery_given_up",
    delivery.c.delivery_id,
    postgresql_where=delivery.c.state == "GIVEN_UP",
    sqlite_where=delivery.c.state == "GIVEN_UP",
)
Index(
    "ix_delivery_ended",
    delivery.c.ended_us,
    postgresql_where=delivery.c.ended_us > 0,
    sqlite_where=delivery.c.ended_us > 0,
)
Index(
    "ix_delivery_scope",
    delivery.c.scope_id,
    delivery.c.delivery_id,
    postgresql_where=delivery.c.scope_id != 0,
    sqlite_where=delivery.c.scope_id != 0,
)

delivery_target = table(
    "delivery_target",  # a row for each target whose last attempt failed, or which has a limit of its own
    text("kind", key=True),
    text("target", key=True),
    int32("failures"),  # one after another; 0: no trouble, the row is there to be locked
    int64("failing_since_us"),
    int64("paused_until_us", default=0),  # until then nothing is sent there
    fillfactor=50,
)
