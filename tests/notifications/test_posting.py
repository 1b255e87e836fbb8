"""Connections that are used again: judged as new ones are, bounded as new ones are, and never a cause of failure."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

import pytest

from server.outbound import addresses, posting
from server.outbound.addresses import Reach
from server.outbound.posting import Poster, PostFailed
from tests.support.receiver import Answer, receiving
from tests.support.waiting import wait_for

LOOPBACK = Reach(loopback=True)


@contextmanager
def posting_to_loopback(*, timeout_s: float = 5) -> Iterator[Poster]:
    poster = Poster(LOOPBACK, timeout_s=timeout_s)
    try:
        yield poster
    finally:
        poster.rest()


@pytest.mark.rule("PLT-25")
def test_posts_that_follow_one_another_share_a_connection_until_there_are_no_more() -> None:
    """One connection, and with TLS one handshake, for many posts; it is closed when nothing is sent."""
    with receiving(keeps=True) as receiver, posting_to_loopback() as poster:
        statuses = {poster.post(receiver.url(), {"x-number": str(number)}, b"{}").status for number in range(5)}
        assert statuses == {204}
        assert receiver.connections == ["open"]
        poster.rest()
        wait_for(lambda: receiver.connections == ["over"], what="the end of the connection")
    assert [each.headers["x-number"] for each in receiver.received] == ["0", "1", "2", "3", "4"]


@pytest.mark.rule("PLT-25")
def test_a_connection_that_its_receiver_had_closed_costs_no_attempt() -> None:
    """It closes without a word, and the word of that is still under way: the post goes to a new connection."""
    with _silent_closer() as (url, received), posting_to_loopback() as poster:
        assert [poster.post(url, {}, b"{}").status for _ in range(3)] == [204] * 3
    assert received == ["answered", "closed", "answered", "answered"]


@pytest.mark.rule("PLT-25")
def test_a_new_connection_that_breaks_is_a_failed_attempt() -> None:
    """Posted once: whether to try again is the dispatch's to say."""
    with receiving(lambda _: Answer(reset=True), keeps=True) as receiver, posting_to_loopback() as poster:
        with pytest.raises(PostFailed) as broken:
            poster.post(receiver.url(), {}, b"{}")
        assert broken.value.reason == "WEBHOOK_BROKE_OFF"
    assert len(receiver.received) == 1


@pytest.mark.rule("PLT-25")
def test_each_post_on_a_connection_has_its_own_time() -> None:
    """The deadline is that of the post and not that of the connection's first one."""
    with (
        receiving(lambda number: Answer(after_s=3 if number == 3 else 0.8), keeps=True) as receiver,
        posting_to_loopback(timeout_s=1.5) as poster,
    ):
        assert [poster.post(receiver.url(), {}, b"{}").status for _ in range(2)] == [204] * 2
        with pytest.raises(PostFailed) as slow:
            poster.post(receiver.url(), {}, b"{}")
    assert slow.value.reason == "WEBHOOK_TOO_SLOW"
    assert len(receiver.connections) == 1


@pytest.mark.rule("PLT-25")
def test_an_old_connection_is_not_used_again_and_its_name_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that by now leads to where nobody may go is refused though a connection stands."""
    answers = iter(["127.0.0.1", "10.0.0.1"])
    with receiving(keeps=True) as receiver, posting_to_loopback() as poster:
        monkeypatch.setattr(addresses, "_resolved", lambda *_: [ip_address(next(answers))])
        url = receiver.url("localhost")
        monkeypatch.setattr(posting, "_AGE_MAX_S", 0)
        assert poster.post(url, {}, b"{}").status == 204
        with pytest.raises(PostFailed) as refused:
            poster.post(url, {}, b"{}")
        assert refused.value.reason == "WEBHOOK_ADDRESS_REFUSED"
    assert len(receiver.received) == 1


@contextmanager
def _silent_closer() -> Iterator[tuple[str, list[str]]]:
    """Answers the first post of a connection, and closes it when the second has come."""
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with closing(connection):
                    connection.settimeout(5)
                    _read_post(connection)
                    seen.append("answered")
                    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                    if _read_post(connection):
                        seen.append("closed")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", seen
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _read_post(connection: socket.socket) -> bool:
    """Read a post with the body {}; False when the connection ended before it."""
    read = b""
    while not read.endswith(b"{}"):
        piece = connection.recv(65_536)
        if not piece:
            return False
        read += piece
    return True
