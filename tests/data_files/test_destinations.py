"""Files put into folders and on SFTP servers: whole, under their own name at last, over nothing, to known servers."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from server.outbound import sftp
from server.outbound.destinations import BadDestinations, Destination, read_destinations
from server.outbound.folder import put_in_folder
from server.outbound.parcel import Parcel, Rejected
from server.outbound.sftp import put_by_sftp
from tests.support.relay import Relay, relaying
from tests.support.sftp import PASSWORD, USER, Inbox, receiving

CONTENT = random.Random(3).randbytes(3 << 20)
NAME = "gl-batch-1-messages-000000001.json"


def parcel(epoch: int = 1, content: bytes = CONTENT, name: str = NAME) -> Parcel:
    pieces = (content[at : at + 65_536] for at in range(0, len(content), 65_536))
    return Parcel(name, len(content), hashlib.sha256(content).hexdigest(), epoch, pieces)


def broken(epoch: int = 1) -> Parcel:
    """A parcel whose bytes cannot be made to the end."""

    def pieces() -> Iterator[bytes]:
        yield CONTENT[:100_000]
        raise ZeroDivisionError

    return replace(parcel(epoch), pieces=pieces())


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with receiving(tmp_path / "home" / "inbox") as running:
        yield running


@pytest.fixture
def server(inbox: Inbox, tmp_path: Path) -> Destination:
    """The server as a destination, by a key file."""
    key_file = tmp_path / "key"
    inbox.user_key.write_private_key_file(str(key_file))
    return Destination("ledger", ("*",), "inbox", "127.0.0.1", inbox.port, USER, inbox.pinned, key_file)


@pytest.fixture
def relay(inbox: Inbox) -> Iterator[Relay]:
    with relaying("127.0.0.1", inbox.port) as running:
        yield running


def folder(tmp_path: Path) -> tuple[Destination, Path]:
    there = tmp_path / "outbox"
    there.mkdir(exist_ok=True)
    return Destination("archive", ("*",), str(there)), there


def refused(destination: Destination, sent: Parcel) -> Rejected:
    with pytest.raises(Rejected) as error:
        (put_by_sftp if destination.host else put_in_folder)(destination, sent)
    assert destination.folder not in error.value.message
    assert "127.0.0.1" not in error.value.message
    return error.value


@pytest.mark.rule("PLT-32")
def test_a_file_comes_into_a_folder_under_its_name_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then it has a temporary one; what earlier attempts left is gone; once more changes nothing."""
    destination, there = folder(tmp_path)
    (there / f".{NAME}.1.part").write_bytes(b"half")
    seen: list[list[str]] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        seen.append(sorted(path.name for path in there.iterdir()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    put_in_folder(destination, parcel(epoch=2))
    assert seen == [[f".{NAME}.2.part"], [NAME]]
    assert (there / NAME).read_bytes() == CONTENT
    put_in_folder(destination, parcel(epoch=3))
    assert [path.name for path in there.iterdir()] == [NAME]


@pytest.mark.rule("PLT-32")
@pytest.mark.parametrize("links", [True, False])
def test_nothing_in_a_folder_is_put_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool) -> None:
    """Also what comes in between, and where the file system knows no second names."""
    destination, there = folder(tmp_path)
    (there / NAME).write_bytes(b"other")
    assert refused(destination, parcel()).reason == "TRANSMISSION_NAME_TAKEN"
    assert refused(destination, parcel()).final
    (there / NAME).unlink()
    link = os.link

    def linked(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"came in between")
        if not links:
            raise OSError(errno.EPERM, "no links")
        link(source, target)

    monkeypatch.setattr(os, "link", linked)
    assert refused(destination, parcel()).reason == "TRANSMISSION_NAME_TAKEN"
    assert (there / NAME).read_bytes() == b"came in between"
    assert [path.name for path in there.iterdir()] == [NAME]


@pytest.mark.rule("PLT-32")
def test_a_folder_without_second_names_is_served_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a plain rename."""

    def no_links(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "no links")

    monkeypatch.setattr(os, "link", no_links)
    destination, there = folder(tmp_path)
    put_in_folder(destination, parcel())
    assert [path.name for path in there.iterdir()] == [NAME]


@pytest.mark.rule("PLT-32", "PLT-07")
def test_a_folder_that_fails_leaves_nothing_and_is_told_without_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not there, full, or the bytes cannot be made."""
    missing = Destination("x", ("*",), str(tmp_path / "nowhere"))
    assert (refused(missing, parcel()).reason, refused(missing, parcel()).final) == ("TRANSMISSION_REFUSED", False)
    destination, there = folder(tmp_path)
    with pytest.raises(ZeroDivisionError):
        put_in_folder(destination, broken())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full", str(there))

    monkeypatch.setattr(os, "fsync", full)
    assert refused(destination, parcel()).reason == "TRANSMISSION_NO_ROOM"
    assert list(there.iterdir()) == []


@pytest.mark.rule("PLT-32")
@pytest.mark.parametrize("plain_rename", [True, False])
def test_a_file_comes_to_a_server_under_its_name_at_last(
    inbox: Inbox, server: Destination, *, plain_rename: bool
) -> None:
    """By SFTP's rename, which puts over nothing, or by OpenSSH's where there is no other; a repeat changes nothing."""
    inbox.plain_rename = plain_rename
    (inbox.folder / f".{NAME}.1.part").write_bytes(b"half")
    put_by_sftp(server, parcel(epoch=2))
    assert (inbox.folder / NAME).read_bytes() == CONTENT
    assert inbox.opened == [f"inbox/.{NAME}.2.part"]
    ways = [way for way, _, target in inbox.renames if target == f"inbox/{NAME}"]
    assert ways == (["plain"] if plain_rename else ["plain", "posix"])
    put_by_sftp(server, parcel(epoch=3))
    assert inbox.names() == [NAME]


@pytest.mark.rule("PLT-32")
def test_nothing_on_a_server_is_put_over(inbox: Inbox, server: Destination) -> None:
    """A file of the same name with other content, of the same size or not; it is for a person to decide."""
    for other in (b"other", CONTENT[:-1] + b"!"):
        (inbox.folder / NAME).write_bytes(other)
        error = refused(server, parcel())
        assert (error.reason, error.final) == ("TRANSMISSION_NAME_TAKEN", True)
        assert (inbox.folder / NAME).read_bytes() == other
    assert inbox.names() == [NAME]


@pytest.mark.rule("PLT-32", "PLT-13")
@pytest.mark.parametrize("kind", ["the same", "another"])
def test_a_server_with_another_key_is_told_no_secret(
    inbox: Inbox, server: Destination, tmp_path: Path, kind: str
) -> None:
    """Neither password nor file goes there; it is not tried again by itself."""
    other = paramiko.ECDSAKey.generate() if kind == "the same" else paramiko.RSAKey.generate(2048)
    changed = replace(server, host_key=f"{other.get_name()} {other.get_base64()}")
    error = refused(changed, parcel())
    assert (error.reason, error.final) == ("TRANSMISSION_HOST_KEY_CHANGED", True)
    assert inbox.names() == []
    assert not any(transport.is_authenticated() for transport in inbox.transports)


@pytest.mark.rule("PLT-32")
def test_a_server_that_does_not_know_us_is_told_apart(inbox: Inbox, server: Destination, tmp_path: Path) -> None:
    """Wrong password, right password, no password file."""
    password_file = tmp_path / "password"
    by_password = replace(server, key_file=None, password_file=password_file)
    assert refused(by_password, parcel()).reason == "TRANSMISSION_NO_CREDENTIALS"
    password_file.write_text("wrong\n")
    assert (refused(by_password, parcel()).reason, refused(by_password, parcel()).final) == (
        "TRANSMISSION_NOT_ADMITTED",
        True,
    )
    password_file.write_text(f"{PASSWORD}\n")
    put_by_sftp(by_password, parcel())
    assert inbox.names() == [NAME]


@pytest.mark.rule("PLT-32")
def test_a_connection_cut_in_the_middle_is_made_good_by_the_next_attempt(
    inbox: Inbox, server: Destination, relay: Relay
) -> None:
    """Until then nothing has the file's name; after it nothing else is there."""
    through = replace(server, port=relay.port)
    relay.break_after(1 << 20)
    error = refused(through, parcel(epoch=1))
    assert (error.reason, error.final) == ("TRANSMISSION_UNREACHABLE", False)
    assert NAME not in inbox.names()
    put_by_sftp(through, parcel(epoch=2))
    assert inbox.names() == [NAME]
    assert (inbox.folder / NAME).read_bytes() == CONTENT


@pytest.mark.rule("PLT-32")
def test_a_server_that_falls_silent_is_not_waited_for_without_end(
    inbox: Inbox, server: Destination, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a file, and before it has said a word."""
    monkeypatch.setattr(sftp, "_SILENCE_S", 1.0)
    monkeypatch.setattr(sftp, "_CONNECT_S", 1.0)
    for count in (1 << 20, 0):
        relay.break_after(count, "hold")
        began = time.monotonic()
        assert refused(replace(server, port=relay.port), parcel()).reason == "TRANSMISSION_UNREACHABLE"
        assert time.monotonic() - began < 10
        relay.let_go()


@pytest.mark.rule("PLT-32")
def test_a_server_that_takes_nothing_is_told(inbox: Inbox, server: Destination) -> None:
    """Full, without the folder, or not there: it is tried again later."""
    inbox.full = True
    assert refused(server, parcel()).reason == "TRANSMISSION_REFUSED"
    inbox.full = False
    assert refused(replace(server, folder="nowhere"), parcel()).reason == "TRANSMISSION_REFUSED"
    with relaying("127.0.0.1", 1) as gone:
        port = gone.port
    assert refused(replace(server, port=port), parcel()).reason == "TRANSMISSION_UNREACHABLE"
    with pytest.raises(ZeroDivisionError):
        put_by_sftp(server, broken())
    assert inbox.names() == []


@pytest.mark.rule("PLT-32", "PLT-44")
def test_a_transmission_file_with_mistakes_is_refused_line_by_line(tmp_path: Path) -> None:
    """All at once, each with its place; what is right is read."""
    path = tmp_path / "destinations.toml"
    key = paramiko.ECDSAKey.generate()
    (tmp_path / "secret").write_text("x")
    path.write_text(
        f"""
        [[destinations]]
        name = "archive"
        url = "file:///srv/outbox"
        sets = ["GL-*", "MAY"]
        [[destinations]]
        name = "ledger"
        url = "sftp://gl@files.example.com:2222/inbox/gl"
        host_key = "{key.get_name()} {key.get_base64()} files.example.com"
        password_file = "{tmp_path}/secret"
        """
    )
    archive, ledger = read_destinations(path)
    assert (archive.name, archive.folder, archive.sets, archive.host) == ("archive", "/srv/outbox", ("GL-*", "MAY"), "")
    assert (ledger.host, ledger.port, ledger.user, ledger.folder) == ("files.example.com", 2222, "gl", "inbox/gl")
    assert ledger.sets == ("*",)
    path.write_text(
        """
        colour = "red"
        [[destinations]]
        name = "The Archive"
        url = "ftp://x/y"
        [[destinations]]
        name = "a"
        url = "sftp://gl:hunter2@host/inbox"
        [[destinations]]
        name = "a"
        url = "sftp://gl@host/inbox"
        host_key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ"
        key_file = "nosuch"
        password_file = "nosuch"
        sets = []
        """
    )
    with pytest.raises(BadDestinations) as bad:
        read_destinations(path)
    assert "hunter2" not in str(bad.value)
    assert [line.removeprefix(f"{path}: ") for line in bad.value.lines] == [
        "colour: there is no such setting",
        "[[destinations]] 1: name: must be lower-case letters, digits and dashes, at most 63",
        "[[destinations]] 1: url: must be file:///folder or sftp://user@host/folder, without a password",
        "[[destinations]] 2: url: must be file:///folder or sftp://user@host/folder, without a password",
        '[[destinations]] 3: sets: must be a list of patterns of set codes, such as ["GL-*"]',
        "[[destinations]] 3: host_key: must be the server's public key, such as 'ssh-ed25519 AAAA…' (see ssh-keyscan)",
        "[[destinations]] 3: either key_file or password_file must be given",
        "[[destinations]] 3: key_file: there is no file nosuch",
        "[[destinations]] 3: password_file: there is no file nosuch",
        "[[destinations]] 3: name: there is another destination of that name",
    ]


@pytest.mark.rule("PLT-32", "PLT-43")
@pytest.mark.parametrize("way", ["sftp", "folder"])
def test_comparing_with_a_file_that_is_there_ends_when_the_attempt_must(
    way: str, server: Destination, inbox: Inbox, tmp_path: Path
) -> None:
    """Reading back from a destination that is slow is bounded as sending to it is."""
    archive, there = folder(tmp_path)
    (inbox.folder / NAME if way == "sftp" else there / NAME).write_bytes(CONTENT)
    looks = iter(range(3))

    def go_on() -> None:
        if next(looks, None) is None:
            raise Rejected("TRANSMISSION_TOO_SLOW", "it took too long")

    sent = replace(parcel(), go_on=go_on)
    assert refused(server if way == "sftp" else archive, sent).reason == "TRANSMISSION_TOO_SLOW"
