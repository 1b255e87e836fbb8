"""Endpoints through a real server: secrets, etags, refusals, scopes, the audit trail."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import select, update
from standardwebhooks import WebhookVerificationError

from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from countinghouse.operations.v1 import notifications_pb2 as pb
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.notifications.tables import notification_endpoint
from domain.operations import service as operations
from domain.schema import metadata
from server.database.transaction import Database
from server.outbound import webhooks
from server.outbound.signing import MasterKey
from tests.notifications.conftest import MASTER_KEY, QUICK, Stub, create, deliveries, wait_until
from tests.operations import tally
from tests.support.receiver import receiving
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for

PUBLIC = "https://hooks.example.com/countinghouse?token=hidden"
DELIVERED, GIVEN_UP = pb.DELIVERY_STATE_DELIVERED, pb.DELIVERY_STATE_GIVEN_UP


def get(stub: Stub, name: str, **call: Any) -> pb.NotificationEndpoint:
    return stub.GetNotificationEndpoint(pb.GetNotificationEndpointRequest(name=name), **call)


def send_test(stub: Stub, endpoint: pb.NotificationEndpoint) -> pb.Delivery:
    return stub.TestNotificationEndpoint(pb.TestNotificationEndpointRequest(name=endpoint.name))


@pytest.mark.rule("PLT-25", "PLT-06")
def test_a_secret_is_shown_to_its_creator_and_kept_nowhere(notifying: Served, stub: Stub, database: Database) -> None:
    """Not in lists, not in the database in any form, also not in what is remembered for the request id."""
    endpoint = pb.NotificationEndpoint(url=PUBLIC, description="billing")
    request = pb.CreateNotificationEndpointRequest(notification_endpoint=endpoint, request_id="create-1")
    created = stub.CreateNotificationEndpoint(request)
    secret = base64.b64decode(created.secret.removeprefix("whsec_"))
    assert len(secret) == 32
    assert stub.CreateNotificationEndpoint(request) == created
    assert get(stub, created.name).secret == ""
    listed = stub.ListNotificationEndpoints(pb.ListNotificationEndpointsRequest()).notification_endpoints
    assert [(each.name, each.secret) for each in listed] == [(created.name, "")]

    kept = _everything(database)
    assert created.name.partition("/")[2].encode() in kept
    for form in (created.secret[6:].encode(), secret, secret.hex().encode(), MASTER_KEY):
        assert form not in kept


@pytest.mark.rule("PLT-25")
def test_a_rotated_secret_signs_beside_the_old_one_for_a_time(
    notifying: Served, stub: Stub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Receivers change over when they like; after a day the old secret signs no more."""
    with receiving() as receiver:
        monkeypatch.setattr(webhooks, "_LOOK_S", 0.0)  # else a change is heeded within a second
        first = create(stub, receiver.url())
        second = stub.RotateNotificationEndpointSecret(
            pb.RotateNotificationEndpointSecretRequest(name=first.name, etag=first.etag)
        )
        assert second.secret != first.secret
        assert second.secret_number == 2
        send_test(stub, first)
        (both,) = receiver.wait_for(1)
        assert both.event(first.secret) == both.event(second.secret)
        assert len(both.headers["webhook-signature"].split()) == 2

        database.write(lambda tx: tx.execute(update(notification_endpoint).values(old_secret_until_us=1)))
        send_test(stub, first)
        _, late = receiver.wait_for(2)
        assert late.event(second.secret)["type"] == "countinghouse.notification_endpoint.tested"
        with pytest.raises(WebhookVerificationError):
            late.event(first.secret)


@pytest.mark.rule("PLT-25")
def test_a_changed_body_fails_the_signature(notifying: Served, stub: Stub) -> None:
    """What receivers check is what was sent."""
    with receiving() as receiver:
        endpoint = create(stub, receiver.url())
        send_test(stub, endpoint)
        (received,) = receiver.wait_for(1)
    changed = type(received)(received.path, received.headers, received.body + b" ", received.at_s)
    assert received.event(endpoint.secret)
    with pytest.raises(WebhookVerificationError):
        changed.event(endpoint.secret)


@pytest.mark.rule("PLT-25")
@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://ann:secret@hooks.example.com/",
        "https://10.0.0.1/",
        "https://[fd00::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "file:///etc/passwd",
        "nonsense",
    ],
)
def test_a_url_into_private_places_is_refused_with_its_field(server_refusing: Stub, url: str) -> None:
    """Before anything is stored; an update is judged as a new one is."""
    found = refusal(partial(create, server_refusing, url))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert found.violations == [("notification_endpoint.url", "NOTIFICATION_URL_REFUSED")]
    assert "secret" not in found.message
    good = create(server_refusing, PUBLIC)
    endpoint = pb.NotificationEndpoint(name=good.name, etag=good.etag, url=url)
    change = pb.UpdateNotificationEndpointRequest(notification_endpoint=endpoint)
    assert refusal(partial(server_refusing.UpdateNotificationEndpoint, change)).violations == found.violations


@pytest.mark.rule("PLT-25", "PLT-07")
def test_bad_requests_name_their_fields(server_refusing: Stub) -> None:
    """An unknown type of event, no URL, an unknown field in a mask."""
    unknown = refusal(partial(create, server_refusing, PUBLIC, event_types=["countinghouse.moon.full"]))
    assert unknown.violations == [("notification_endpoint.event_types[0]", "NOTIFICATION_EVENT_TYPE_UNKNOWN")]
    assert refusal(partial(create, server_refusing, "")).code is grpc.StatusCode.INVALID_ARGUMENT
    good = create(server_refusing, PUBLIC)
    for path, reason in (("colour", "UPDATE_MASK_INVALID"), ("secret", "FIELD_IMMUTABLE")):
        request = pb.UpdateNotificationEndpointRequest(notification_endpoint=good, update_mask=FieldMask(paths=[path]))
        assert refusal(partial(server_refusing.UpdateNotificationEndpoint, request)).reason == reason


@pytest.mark.rule("PLT-10", "PLT-25")
def test_an_update_changes_what_is_asked_and_needs_the_etag(notifying: Served, stub: Stub) -> None:
    """A stale etag is ABORTED, none is refused; a mask can empty a field and enable again."""
    first = create(stub, PUBLIC, event_types=["countinghouse.operation.failed"], disabled=True)

    def change(etag: str, paths: list[str], **fields: Any) -> pb.NotificationEndpoint:
        endpoint = pb.NotificationEndpoint(name=first.name, etag=etag, **fields)
        return stub.UpdateNotificationEndpoint(
            pb.UpdateNotificationEndpointRequest(notification_endpoint=endpoint, update_mask=FieldMask(paths=paths))
        )

    second = change(first.etag, [], description="billing")
    assert (second.description, second.disabled, second.url) == ("billing", True, PUBLIC)
    stale = refusal(partial(change, first.etag, [], description="late"))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    assert refusal(partial(change, "", [], description="none")).reason == "ETAG_REQUIRED"
    third = change(second.etag, ["disabled", "event_types"])
    assert (third.disabled, list(third.event_types), third.description) == (False, [], "billing")
    delete = pb.DeleteNotificationEndpointRequest(name=first.name, etag=second.etag)
    assert refusal(partial(stub.DeleteNotificationEndpoint, delete)).reason == "ETAG_STALE"


@pytest.mark.rule("PLT-25")
def test_a_disabled_endpoint_is_not_tested(notifying: Served, stub: Stub) -> None:
    """It says why."""
    endpoint = create(stub, PUBLIC, disabled=True)
    found = refusal(partial(send_test, stub, endpoint))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTIFICATION_ENDPOINT_DISABLED")


@pytest.mark.rule("PLT-25")
def test_without_a_master_key_no_endpoint_is_made(server: Served) -> None:
    """What cannot be signed is not promised."""
    found = refusal(partial(create, server.stub(Stub), PUBLIC))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTIFICATION_KEY_MISSING")


@pytest.mark.rule("PLT-25")
def test_under_another_master_key_nothing_is_sent_until_the_secret_is_rotated(
    migrated_url: str, tmp_path: Path, key_file: Path
) -> None:
    """A receiver never gets what its secret cannot verify."""
    chosen = {**QUICK, "notification_key_file": key_file}
    with receiving() as receiver:
        with serving(migrated_url, tmp_path, carries_out=(), **chosen) as served:
            endpoint = create(served.stub(Stub), receiver.url())
        key_file.write_bytes(b"another master key of the tests, long enough")
        with serving(migrated_url, tmp_path, carries_out=(), **chosen) as served:
            stub = served.stub(Stub)
            test = send_test(stub, endpoint)
            reason = "NOTIFICATION_KEY_CHANGED"
            wait_for(lambda: deliveries(stub)[0].failure_reason == reason, what="a failed attempt")
            assert receiver.received == []
            request = pb.RotateNotificationEndpointSecretRequest(name=endpoint.name, etag=endpoint.etag)
            rotated = stub.RotateNotificationEndpointSecret(request)
            wait_until(stub, test.name, DELIVERED)
    (received,) = receiver.received
    assert received.event(rotated.secret)
    assert not rotated.HasField("old_secret_expire_time")


@pytest.mark.rule("PLT-25", "PLT-08")
def test_endpoints_and_deliveries_are_listed_page_by_page(notifying: Served, stub: Stub) -> None:
    """Neither skipped nor repeated."""
    names = [create(stub, f"http://127.0.0.1:9/?n={number}").name for number in range(5)]
    found: list[str] = []
    token = ""
    while True:
        page = stub.ListNotificationEndpoints(pb.ListNotificationEndpointsRequest(page_size=2, page_token=token))
        found += [each.name for each in page.notification_endpoints]
        token = page.next_page_token
        if not token:
            break
    assert found == names
    tests = [send_test(stub, get(stub, names[0])).name for _ in range(3)]
    first = stub.ListDeliveries(pb.ListDeliveriesRequest(page_size=2))
    second = stub.ListDeliveries(pb.ListDeliveriesRequest(page_size=2, page_token=first.next_page_token))
    assert [each.name for each in (*first.deliveries, *second.deliveries)] == tests[::-1]


@pytest.mark.rule("PLT-11", "PLT-25")
def test_changes_of_endpoints_and_deliveries_are_in_the_audit_trail(notifying: Served, stub: Stub) -> None:
    """Who, what, when; of the URL its host alone, as the rest may be a secret."""
    with receiving() as receiver:
        endpoint = create(stub, receiver.url(path="/hidden"))
        test = send_test(stub, endpoint)
        wait_until(stub, test.name, DELIVERED)
        stub.RedeliverDelivery(pb.RedeliverDeliveryRequest(name=test.name))
        wait_until(stub, test.name, DELIVERED)
    stub.DeleteNotificationEndpoint(pb.DeleteNotificationEndpointRequest(name=endpoint.name))
    audit = notifying.stub(audit_pb2_grpc.AuditServiceStub)

    def types(resource: str) -> list[str]:
        entries = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=resource)).audit_entries
        assert all("hidden" not in str(entry.changes) and "whsec" not in str(entry.changes) for entry in entries)
        return [entry.type.partition(".")[2] for entry in reversed(entries)]

    assert types(endpoint.name) == ["created", "tested", "deleted"]
    assert types(test.name) == ["sent_again"]


@pytest.mark.rule("PLT-14", "PLT-25")
def test_a_caller_of_limited_scope_is_told_of_its_ledgers_alone(
    database: Database, migrated_url: str, tmp_path: Path, key_file: Path
) -> None:
    """Its endpoint gets what lies within its scope; what lies outside does not exist for it, and its own for others."""
    tally.prepare(database)
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(_token("north", ["NORTH"]) + _token("south", ["SOUTH"]) + _token("chief", None))
    chosen = {**QUICK, "notification_key_file": key_file, "token_file": tokens}
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, **chosen) as served, receiving() as receiver:
        stub = served.stub(Stub)
        request = partial(pb.CreateNotificationEndpointRequest)
        made = {
            name: stub.CreateNotificationEndpoint(
                request(notification_endpoint=pb.NotificationEndpoint(url=receiver.url(path=f"/{name}"))),
                metadata=_bearer(name),
            )
            for name in ("north", "south", "chief")
        }
        north = _start_within(database, scopes.of_ledgers(["NORTH"]))
        everywhere = _start_within(database, scopes.EVERYTHING)
        received = receiver.wait_for(3)
        told = sorted((each.path, each.event(made[each.path[1:]].secret)["subject"]) for each in received)
        assert told == sorted(
            [
                ("/chief", f"operations/{north}"),
                ("/chief", f"operations/{everywhere}"),
                ("/north", f"operations/{north}"),
            ]
        )

        def seen(name: str) -> tuple[int, int]:
            endpoints = stub.ListNotificationEndpoints(pb.ListNotificationEndpointsRequest(), metadata=_bearer(name))
            found = stub.ListDeliveries(pb.ListDeliveriesRequest(), metadata=_bearer(name))
            return len(endpoints.notification_endpoints), len(found.deliveries)

        assert (seen("north"), seen("south"), seen("chief")) == ((1, 2), (1, 0), (3, 3))
        hidden = partial(get, stub, made["north"].name, metadata=_bearer("south"))
        assert refusal(hidden).code is grpc.StatusCode.NOT_FOUND
        wait_for(lambda: len(receiver.answered) == 3)


@pytest.fixture
def server_refusing(migrated_sqlite_url: str, tmp_path: Path, key_file: Path) -> Any:
    """A server that may notify the public internet alone, and has no worker."""
    with serving(migrated_sqlite_url, tmp_path, jobs=False, carries_out=(), notification_key_file=key_file) as served:
        yield served.stub(Stub)


def _start_within(database: Database, scope: scopes.Scope) -> str:
    request = {"numbers": 2, "size": 1}
    call = Call("tester", "test.Tally/Start", "", database.clock_us(), scope=scope)
    started = database.write(lambda tx: operations.start(tx, call, tally.KIND, request, stages=tally.STAGES))
    return started.operation_id


def _token(name: str, ledgers: list[str] | None) -> str:
    digest = hashlib.sha256(_secret(name).encode()).hexdigest()
    lines = ["[[tokens]]", f'caller = "{name}"', f'sha256 = "{digest}"', 'permissions = ["*"]']
    lines += [] if ledgers is None else [f"ledgers = {json.dumps(ledgers)}", "clients = []", "cycles = []"]
    return "\n".join(lines) + "\n"


def _secret(name: str) -> str:
    return f"the token of {name}, long enough"


def _bearer(name: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {_secret(name)}"),)


def _everything(database: Database) -> bytes:
    """Every value of every table."""

    def read(tx: Any) -> bytes:
        rows = (row for table in metadata.sorted_tables for row in tx.execute(select(table)))
        values = (value for row in rows for value in row)
        return b"\n".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in values)

    return database.read(read)


@pytest.mark.rule("PLT-25")
def test_keys_of_one_master_key_differ_by_endpoint_and_number_and_are_the_same_everywhere() -> None:
    """Derived, never stored: golden values, so that no release changes what receivers keep."""
    key = MasterKey(MASTER_KEY)
    secrets = {key.secret(endpoint, number) for endpoint in ("a", "b") for number in (1, 2)}
    assert len(secrets) == 4
    assert key.shown_secret("a", 1) == "whsec_JpKaIja4a6NI8iP7Q/bi09xynmwR3N80OUoXl7FSHcc="
