"""Senders that die, stop and share; connections that lie: nothing lost, nothing sent again once it has arrived."""

from __future__ import annotations

import datetime as dt
import signal
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from domain.deliveries import service as outbox
from domain.deliveries.model import Delivery, DeliveryFilter, Outcome, Patience, State
from domain.kernel.call import Call
from domain.kernel.paging import Page
from domain.notifications import service as notifications
from domain.notifications.model import Endpoint
from server.database.failures import DatabaseUnavailable
from server.database.transaction import Database
from server.outbound.addresses import Reach
from server.outbound.posting import Poster, PostFailed
from server.outbound.signing import MasterKey
from server.outbound.webhooks import Webhooks
from server.work import dispatch
from server.work.dispatch import Dispatch, DispatchSettings
from tests.notifications.conftest import MASTER_KEY
from tests.support.logs import heard
from tests.support.process import COUNTINGHOUSE, END_S, environment
from tests.support.receiver import Answer, receiving
from tests.support.waiting import wait_for

CALL = Call("tester", "test/Method", "", now_us=1)
KEY = MasterKey(MASTER_KEY)
QUICK = Patience(attempts_max=200, pause_us=20_000, pause_max_us=50_000)


def make_endpoint(database: Database, url: str) -> Endpoint:
    return database.write(
        lambda tx: notifications.create(
            tx, CALL, url=url, event_types=(), description="", disabled=False, key_id=KEY.key_id
        )
    )


def send_tests(database: Database, endpoint: Endpoint, count: int) -> list[Delivery]:
    return database.write(lambda tx: [notifications.test(tx, CALL, endpoint.endpoint_id) for _ in range(count)])


def all_of(database: Database) -> list[Delivery]:
    return database.read(lambda tx: outbox.list_page(tx, DeliveryFilter(), Page(1_000, None)))


def all_delivered(database: Database) -> bool:
    return {each.state for each in all_of(database)} == {State.DELIVERED}


@contextmanager
def sending(
    database: Database,
    *,
    stop: bool = True,
    timeout_s: float = 20,
    handler: type[Webhooks] = Webhooks,
    **chosen: Any,
) -> Iterator[threading.Event]:
    """A dispatch in a thread of this process, told to stop at the end."""
    settings = DispatchSettings(**{"lease_s": 30, "poll_s": 0.05, "patience": QUICK, **chosen})
    poster = Poster(Reach(loopback=True), timeout_s=timeout_s)
    sender = Dispatch([handler(poster, KEY, source="tests")], settings)
    stopping = threading.Event()
    thread = threading.Thread(target=sender.run, args=(database, stopping), daemon=True)
    thread.start()
    try:
        yield stopping
    finally:
        stopping.set()
        thread.join(10)
        assert not thread.is_alive() or not stop


@contextmanager
def working(database: Database, folder: Path, key_file: Path, **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """A real `countinghouse work`."""
    folder.mkdir(exist_ok=True)
    chosen = {
        "database_url": database.url,
        "data_files_folder": folder / "files",
        "notification_key_file": key_file,
        "webhook_loopback": True,
        "webhook_timeout_s": 20,
        "delivery_pause_s": 0.05,
        "lease_s": 3,
        **settings,
    }
    with (folder / "log").open("a") as log:
        process = subprocess.Popen([str(COUNTINGHOUSE), "work"], cwd=folder, env=environment(**chosen), stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait(END_S)


@pytest.mark.rule("PLT-25", "PLT-22")
@pytest.mark.crash
@pytest.mark.timeout(240)
def test_a_worker_killed_in_mid_delivery_leaves_it_to_another_who_sends_the_same_key(
    database: Database, tmp_path: Path, key_file: Path, crash_run: int
) -> None:
    """`kill -9` while the receiver thinks: the next worker sends it again, and its outcome is recorded once."""
    thinking = threading.Event()

    def think(number: int) -> Answer:
        thinking.set()
        return Answer(after_s=5 if number == 1 else 0)

    with receiving(think) as receiver:
        endpoint = make_endpoint(database, receiver.url())
        (sent,) = send_tests(database, endpoint, 1)
        with working(database, tmp_path / "first", key_file) as first:
            assert thinking.wait(60)
            first.send_signal(signal.SIGKILL)
            first.wait(END_S)
        assert [each.state for each in all_of(database)] == [State.PENDING]
        with working(database, tmp_path / "second", key_file):
            wait_for(lambda: all_delivered(database), 90, what="the delivery")
    first_try, second_try = receiver.received
    assert first_try.key == second_try.key == sent.key
    assert first_try.body == second_try.body
    (done,) = all_of(database)
    assert (done.attempts, done.state) == (2, State.DELIVERED)


@pytest.mark.rule("PLT-25", "PLT-43")
def test_a_worker_told_to_end_finishes_what_it_sends(database: Database, tmp_path: Path, key_file: Path) -> None:
    """SIGTERM in mid-delivery: the answer is waited for and recorded, and the process exits 0."""
    thinking = threading.Event()

    def think(_: int) -> Answer:
        thinking.set()
        return Answer(after_s=1)

    with receiving(think) as receiver:
        send_tests(database, make_endpoint(database, receiver.url()), 1)
        with working(database, tmp_path / "worker", key_file) as worker:
            assert thinking.wait(60)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(END_S) == 0
    (done,) = all_of(database)
    assert (done.state, done.attempts, len(receiver.received)) == (State.DELIVERED, 1, 1)


@pytest.mark.rule("PLT-25", "PLT-23")
def test_two_senders_share_deliveries_and_send_nothing_again_that_has_arrived(database: Database) -> None:
    """With a third of the answers failing, every key arrives, and after its first success it is not sent again."""
    other = Database(database.url)
    with receiving(lambda number: Answer(503) if number % 3 == 0 else Answer()) as receiver:
        endpoint = make_endpoint(database, receiver.url())
        sent = send_tests(database, endpoint, 30)
        with sending(database, hands=4), sending(other, hands=4):
            wait_for(lambda: all_delivered(database), 60, what="all deliveries")
    other.dispose()
    successes = Counter(key for key, status in receiver.answered if status == 204)
    assert successes == Counter(each.key for each in sent)
    assert len(receiver.received) > 30


@pytest.mark.rule("PLT-25")
def test_one_hand_sends_in_the_order_of_recording(database: Database) -> None:
    """Oldest first, as long as nothing fails."""
    with receiving() as receiver:
        sent = send_tests(database, make_endpoint(database, receiver.url()), 10)
        with sending(database, hands=1, per_target_max=1):
            wait_for(lambda: all_delivered(database), what="all deliveries")
    assert [each.key for each in receiver.received] == [each.key for each in sent]


@pytest.mark.rule("PLT-25")
def test_a_database_that_is_away_for_a_while_loses_no_outcome(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was delivered meanwhile is recorded once the database is back, and not sent again."""
    with receiving(lambda _: Answer(after_s=0.3)) as receiver:
        send_tests(database, make_endpoint(database, receiver.url()), 1)
        with sending(database, lease_s=30):
            receiver.wait_for(1)
            away = _away(database, monkeypatch)
            wait_for(lambda: receiver.answered, what="the answer")
            wait_for(lambda: away[0] > 0, what="an attempt to record")
            monkeypatch.undo()
            wait_for(lambda: all_delivered(database), what="the outcome")
    assert len(receiver.received) == 1


@pytest.mark.rule("PLT-25", "PLT-23")
def test_what_waits_for_a_hand_when_its_lease_ends_is_no_longer_sent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of three ends while the database is away: only the one that was under way is sent meanwhile."""
    with receiving(lambda number: Answer(after_s=0.9 if number == 1 else 0)) as receiver:
        send_tests(database, make_endpoint(database, receiver.url()), 3)
        with sending(database, hands=1, per_target_max=1, lease_s=0.6):
            receiver.wait_for(1)
            away = _away(database, monkeypatch)
            wait_for(lambda: away[0] >= 4, what="attempts to record")
            assert len(receiver.received) == 1
            monkeypatch.undo()
            wait_for(lambda: all_delivered(database), what="all deliveries")


class _Forgetful(Webhooks):
    """Cannot record the first delivery that there was."""

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """As `Handler.record`."""
        first = min(each.delivery_id for each in outbox.list_page(tx, DeliveryFilter(), Page(9, None)))
        if any(delivery.delivery_id == first for delivery, _ in pairs):
            raise ArithmeticError
        super().record(tx, pairs)


@pytest.mark.rule("PLT-25", "PLT-22")
def test_an_outcome_that_cannot_be_recorded_holds_up_no_other(database: Database) -> None:
    """The others that ended with it are recorded, once each."""
    with receiving() as receiver, heard(dispatch) as logs:
        first, *others = send_tests(database, make_endpoint(database, receiver.url()), 5)
        with sending(database, handler=_Forgetful):
            wait_for(lambda: len(_delivered(database)) == len(others), what="the other deliveries")
    assert {line["delivery_id"] for line in logs if line["event"] == "outcome not recorded"} == {first.delivery_id}
    assert _delivered(database) == {each.delivery_id for each in others}
    assert Counter(each.key for each in receiver.received) == Counter(each.key for each in [first, *others])


@pytest.mark.rule("PLT-25")
def test_a_name_that_changes_its_address_between_looks_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the address that was checked is the one connected to, and each attempt checks anew."""
    looks: list[str] = []
    answers = iter(["93.184.216.34", "127.0.0.1"])

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        looks.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple[str, int], *_args: Any, **_kw: Any) -> socket.socket:
        assert address[0] == "93.184.216.34"  # never the name: it could resolve to another one by now
        raise ConnectionRefusedError

    with receiving() as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket, "create_connection", connect)
        poster = Poster(Reach(), timeout_s=1)
        url = receiver.url("hooks.example.com").replace("http:", "https:")
        with pytest.raises(PostFailed, match="no connection") as unreachable:
            poster.post(url, {}, b"{}")
        with pytest.raises(PostFailed, match="may not be reached") as refused:
            poster.post(url, {}, b"{}")
        monkeypatch.undo()
    assert unreachable.value.reason == "WEBHOOK_UNREACHABLE"
    assert refused.value.reason == "WEBHOOK_ADDRESS_REFUSED"
    assert looks == ["hooks.example.com"] * 2
    assert receiver.received == []


@pytest.mark.rule("PLT-25")
def test_certificates_are_checked_against_known_authorities(tmp_path: Path) -> None:
    """An unknown authority and another host's certificate are refused; one that the settings name is trusted."""
    authority, context = _certificate(tmp_path, "localhost")
    with receiving(tls=context) as receiver:
        reach, url = Reach(loopback=True), receiver.url("localhost")
        with pytest.raises(PostFailed) as unknown:
            Poster(reach, timeout_s=5).post(url, {}, b"{}")
        trusting = Poster(reach, timeout_s=5, ca_file=str(authority))
        assert trusting.post(url, {}, b"{}").status == 204
        with pytest.raises(PostFailed) as another:
            trusting.post(receiver.url("127.0.0.1"), {}, b"{}")
    assert unknown.value.reason == another.value.reason == "WEBHOOK_TLS_REFUSED"
    assert len(receiver.received) == 1


@pytest.mark.rule("PLT-25")
def test_notifications_that_follow_one_another_need_one_tls_handshake(tmp_path: Path) -> None:
    """A connection is used again with TLS, too."""
    authority, context = _certificate(tmp_path, "localhost")
    with receiving(tls=context, keeps=True) as receiver:
        poster = Poster(Reach(loopback=True), timeout_s=5, ca_file=str(authority))
        assert {poster.post(receiver.url("localhost"), {}, b"{}").status for _ in range(5)} == {204}
        poster.rest()
    assert len(receiver.connections) == 1


@pytest.mark.rule("PLT-25")
def test_an_answer_without_end_is_cut_off(tmp_path: Path) -> None:
    """A body is read up to a bound; headers that drip are bounded in time."""
    with receiving(lambda _: Answer(200, body=b"x" * (8 << 20))) as receiver:
        assert Poster(Reach(loopback=True), timeout_s=5).post(receiver.url(), {}, b"{}").status == 200
    with _dripping() as url, pytest.raises(PostFailed) as slow:
        Poster(Reach(loopback=True), timeout_s=0.5).post(url, {}, b"{}")
    assert slow.value.reason == "WEBHOOK_TOO_SLOW"


@pytest.mark.rule("PLT-25")
def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect to whatever it resolves."""
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(path=""))
        assert Poster(Reach(loopback=True), timeout_s=5).post(receiver.url(), {}, b"{}").status == 204
        assert (len(proxy.received), len(receiver.received)) == (0, 1)


def _delivered(database: Database) -> set[str]:
    return {each.delivery_id for each in all_of(database) if each.state is State.DELIVERED}


def _away(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have every write fail as a database that is away does; gives how often, as it goes."""
    failures = [0]

    def fail(*_: Any, **__: Any) -> Any:
        failures[0] += 1
        raise DatabaseUnavailable

    monkeypatch.setattr(database, "write", fail)
    return failures


def _certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for a host: its file, and a server's side of TLS with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_pem.write_bytes(key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_pem)
    return pem, context


@contextmanager
def _dripping() -> Iterator[str]:
    """A server that answers one byte every tenth of a second, for ever."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
                    while not over.wait(0.1):
                        connection.sendall(b"a")
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        over.set()
        thread.join(5)
