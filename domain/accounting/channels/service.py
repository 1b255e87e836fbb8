"""By the client's system of record, in real time: a delivery of the outbox for each operation (ACC-20 to ACC-24)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.channels.ways import Due
from domain.accounting.configuration.model import ClientSettings, ServiceSettings
from domain.accounting.execution.model import Assignment
from domain.accounting.names import client_name
from domain.deliveries import service as deliveries
from domain.deliveries.model import Kind, Limits, NewDelivery
from domain.kernel import scopes
from domain.kernel.documents import Document
from domain.kernel.script import Script


class Service:
    """Calls of a system of record."""

    channel = Channel.SERVICE
    by_hand = False

    def is_configured(self, settings: ClientSettings) -> bool:
        """Whether the client has a system of record."""
        return settings.service is not None

    def accounting_day(self, settings: ClientSettings, now_us: int) -> int:
        """The client's current business day."""
        return settings.calendar.business_day_of(now_us)

    def begin(self, tx: Connection, script: Script, due: Sequence[Due], *, now_us: int) -> None:  # noqa: ARG002
        """Record a delivery each; the key is the operation's id, whatever is tried how often."""
        deliveries.add(
            script,
            [
                NewDelivery(
                    Kind.SYSTEM_OF_RECORD,
                    target=client_name(each.operation.client_code),
                    key=each.operation.operation_id,
                    subject=each.operation.name,
                    payload=payload(each),
                    scope_id=scopes.id_of(scopes.of_clients((each.operation.client_code,))),
                    limits=limits(_service(each.settings)),
                )
                for each in due
            ],
            at_us=now_us,
        )

    def begin_again(self, tx: Connection, script: Script, due: Due, *, now_us: int) -> None:
        """Send it anew: a new budget of attempts with the same key; what was left in doubt is asked for first.

        Raises: DeliveryStillPending.
        """
        script.run()
        target = client_name(due.operation.client_code)
        again = limits(_service(due.settings))
        key = due.operation.operation_id
        if not deliveries.send_again(tx, Kind.SYSTEM_OF_RECORD, target, key, limits=again, payload=payload(due)):
            self.begin(tx, script, [due], now_us=now_us)

    def withdraw(self, tx: Connection, assignment: Assignment) -> bool:
        """Take the delivery back, unless it is being sent, or has arrived."""
        target = client_name(assignment.client_code)
        return deliveries.withdraw(tx, Kind.SYSTEM_OF_RECORD, target, assignment.operation_id)


def connection_of(tx: Connection, assignment: Assignment) -> str:
    """The name of the connection by which the assignment's operation was sent last; empty for none."""
    found = deliveries.find_of(tx, assignment.operation_id, client_name(assignment.client_code))
    return found.payload["connection"] if found else ""


def limits(service: ServiceSettings) -> Limits:
    """One first call and at most so many more (ACC-21), so many at once (ACC-24)."""
    return Limits(
        attempts_max=1 + service.max_retries,
        pause_us=service.backoff_us,
        pause_max_us=service.backoff_max_us,
        under_way_max=service.concurrency_max,
    )


def payload(due: Due) -> Document:
    """Everything that the system of record needs (ACC-20), and how it is called."""
    operation, service = due.operation, _service(due.settings)
    return {
        "connection": service.system_of_record,
        "timeout_us": service.timeout_us,
        "client": operation.client_code,
        "operation": operation.name,
        "operation_id": operation.operation_id,
        "idempotency_key": operation.operation_id,
        "claim": operation.claim_id,
        "dispute": operation.dispute_id,
        "debit_account": operation.debit.account,
        "credit_account": operation.credit.account,
        "amount_minor": operation.amount.minor,
        "currency": operation.amount.currency,
        "reason": operation.entry_reason,
        "rule": operation.rule_code,
        "rule_version": operation.rule_version,
        "accounting_day": operation.accounting_day,
        "description": operation.note,
        "reverses_operation_id": operation.reverses_id,
    }


def _service(settings: ClientSettings) -> ServiceSettings:
    assert settings.service is not None, "the channel is configured"
    return settings.service
