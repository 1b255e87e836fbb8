"""What every client's example must do: the whole job, over a way that is cut, against a server of either database."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from tests.house.tree import ROOT
from tests.support.identity import CertificateAuthority
from tests.support.relay import Relay, relaying
from tests.support.server import Served, serving

TOKEN = "a-token-for-strangers"
FILES = ["gl-batch-1-manifest.json", "gl-batch-1-messages-000000001.json"]
WAIT_S = 120

_TOKENS = f'[[tokens]]\ncaller = "stranger"\ntoken = "{TOKEN}"\npermissions = ["*"]\n'
_LOST = "lost the connection, trying again"
_PROGRESS = re.compile(r"(QUEUED|RUNNING|SUCCEEDED)( \w+ \d+(, \w+ \d+)*)?")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that asks for a token, one that encrypts and asks for a certificate as well, and a way to that one.

    They share a database, and none of them has a worker.
    """

    url: str
    folder: Path
    plain: Served
    encrypted: Served
    way: Relay
    authority: Path
    certificate: tuple[Path, Path]

    def environment(self) -> dict[str, str]:
        """Where the server is, by the way, and how callers are known."""
        certificate, key = self.certificate
        return {
            "COUNTINGHOUSE_ADDRESS": f"127.0.0.1:{self.way.port}",
            "COUNTINGHOUSE_TOKEN": TOKEN,
            "COUNTINGHOUSE_CLIENT_TLS_CA": str(self.authority),
            "COUNTINGHOUSE_CLIENT_TLS_CERT": str(certificate),
            "COUNTINGHOUSE_CLIENT_TLS_KEY": str(key),
        }

    def in_clear(self) -> dict[str, str]:
        """Where the other server is."""
        return {"COUNTINGHOUSE_ADDRESS": self.plain.target, "COUNTINGHOUSE_TOKEN": TOKEN}

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker for what was ordered."""
        with serving(self.url, self.folder):
            yield


@contextmanager
def guarded(url: str, folder: Path) -> Iterator[Guarded]:
    """Both servers; the certificates are of an authority that nobody else knows."""
    authority = CertificateAuthority("ours")
    certificate, key = authority.certificate("server", addresses=["127.0.0.1"]).write(folder, "server")
    callers = authority.certificate("stranger", dns=["stranger"]).write(folder, "caller")
    known = folder / "authority.pem"
    known.write_bytes(authority.pem)
    tokens = folder / "tokens.toml"
    tokens.write_text(_TOKENS)
    tokens.chmod(0o600)
    settings: dict[str, Any] = {"token_file": tokens, "jobs": False}
    tls: dict[str, Any] = {"tls_certificate_file": certificate, "tls_key_file": key, "tls_client_ca_file": known}
    with (
        serving(url, folder, **settings) as plain,
        serving(url, folder, **settings, **tls) as encrypted,
        relaying("127.0.0.1", int(encrypted.target.rpartition(":")[2])) as way,
    ):
        yield Guarded(url, folder, plain, encrypted, way, known, callers)


class Program:
    """An example that is running; its lines can be waited for."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COUNTINGHOUSE_")}
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines = Queue[str | None]()
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, beginning: str) -> None:
        """Read on until a line begins so."""
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            self.said.append(line)
            if line.startswith(beginning):
                return
        raise AssertionError(f"it never said {beginning!r}:\n" + "\n".join(self.said))

    def ended(self) -> list[str]:
        """All lines, once it has ended well."""
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            self.said.append(line)
        assert self._process.wait(WAIT_S) == 0, "\n".join(self.said)
        return self.said

    def end(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip())
        self._lines.put(None)


@contextmanager
def running(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Program]:
    """An example at work, in an empty folder."""
    folder.mkdir()
    program = Program(command, folder, environment)
    try:
        yield program
    finally:
        program.end()


def does_the_whole_job(command: Sequence[str], server: Guarded, folder: Path) -> list[str]:
    """It takes rows in, watches their extraction over a cut of the connection, and gives its lines.

    The worker comes only after the cut was noticed: what is seen of the work was seen by a watch that was resumed.
    """
    with running(command, folder / "first", server.environment()) as program:
        program.until("QUEUED")
        server.way.cut()
        program.until(_LOST)
        with server.working():
            said = program.ended()
    assert said[0] == "4000 new, 0 there already, 0 refused"
    assert said[-2:] == ["20010.00 EUR = 20010.00 EUR", "done: extractionBatches/1"]
    seen = [line for line in said[1:-2] if line != _LOST]
    assert all(_PROGRESS.fullmatch(line) for line in seen), said
    assert seen[-1].startswith("SUCCEEDED select 4000")
    fetched = {path.name: path.read_bytes() for path in (folder / "first" / "out").iterdir()}
    assert sorted(fetched) == FILES
    stored = {path.name: path.read_bytes() for path in (server.folder / "files").rglob("gl-batch-1-*")}
    assert fetched == stored
    return said


def does_it_again(command: Sequence[str], server: Guarded, folder: Path) -> None:
    """A second run, without encryption, finds its rows there already and adds none."""
    with server.working(), running(command, folder / "second", server.in_clear()) as program:
        said = program.ended()
    assert said[0] == "0 new, 4000 there already, 0 refused"


def does_the_ten_lines(command: Sequence[str], server: Guarded, folder: Path) -> None:
    """After both: what is wrong with a call is told, and the first batch is sent again, as the third, and fetched."""
    with server.working(), running(command, folder / "short", server.in_clear()) as program:
        said = program.ended()
    assert said[0].startswith("STRING_PATTERN"), said
    assert "ledger.code" in said[0]
    assert "SUCCEEDED" in said[-1], said
    fetched = sorted(path.name for path in (folder / "short").iterdir())
    assert fetched == ["gl-batch-3-manifest.json", "gl-batch-3-messages-000000002.json"]


def shown_in(text: str, language: str) -> str:
    """The ten lines of docs/clients.md in a language."""
    return text.partition(f"```{language}\n")[2].partition("```")[0]


def shows_what_runs(program: Path, language: str) -> bool:
    """Whether the ten lines in the docs are those of the program, wherever they stand in it."""
    shown = shown_in((ROOT / "docs/clients.md").read_text(encoding="utf-8"), language).splitlines()
    runs = [line.strip() for line in program.read_text(encoding="utf-8").splitlines()]
    wanted = [line.strip() for line in shown]
    return bool(wanted) and any(runs[at : at + len(wanted)] == wanted for at in range(len(runs)))
