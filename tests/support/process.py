"""Real `countinghouse` processes for the tests."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_for

COUNTINGHOUSE = Path(sys.executable).with_name("countinghouse")
END_S = 30


def environment(**settings: object) -> dict[str, str]:
    """The environment of a process that has these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTINGHOUSE_")}
    return kept | {f"COUNTINGHOUSE_{name}".upper(): str(value) for name, value in settings.items()}


def run(folder: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [str(COUNTINGHOUSE), *arguments],
        cwd=folder,
        env=environment(**settings),
        check=False,
        capture_output=True,
        text=True,
        timeout=END_S,
    )


def free_address() -> str:
    """An address that nobody listens on; its port is none that the system gives to others by itself."""
    while True:
        address = ("127.0.0.1", random.randrange(20_000, 32_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(address)
            return f"{address[0]}:{address[1]}"


_STARTED_WITHIN_S = 60  # beside others that start and work, on a slow machine


@dataclass(frozen=True, slots=True)
class Serving:
    """A server process that was started in `folder`."""

    process: subprocess.Popen[str]
    folder: Path

    def said(self) -> str:
        """What it has printed."""
        return (self.folder / "stdout").read_text()

    def log(self) -> list[dict[str, Any]]:
        """What it has logged, its children included."""
        lines = (self.folder / "stderr").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def ready(self) -> str:
        """Wait until it is ready; gives the address."""
        said = lambda: "ready on " in self.said() or self.process.poll() is not None  # noqa: E731
        wait_for(said, _STARTED_WITHIN_S, "the ready line")
        assert self.process.poll() is None, (self.folder / "stderr").read_text()
        return self.said().partition("ready on ")[2].split()[0]

    def children(self, command: str = "") -> list[int]:
        """The processes that it has started, those that run a command or all."""
        return [
            pid for pid, parent, line in processes() if parent == self.process.pid and command in ["", *line.split()]
        ]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal; gives its exit status, negative when a signal killed it."""
        self.process.send_signal(how)
        return self.process.wait(END_S)


@contextmanager
def serve(folder: Path, *arguments: str, **settings: object) -> Iterator[Serving]:
    """A `countinghouse serve` in `folder`; it and its children are gone afterwards."""
    folder.mkdir(exist_ok=True)
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        process = subprocess.Popen(
            [str(COUNTINGHOUSE), "serve", *arguments],
            cwd=folder,
            env=environment(**settings),
            stdout=out,
            stderr=err,
            text=True,
            start_new_session=True,
        )
        serving = Serving(process, folder)
        try:
            yield serving
        finally:
            for child in serving.children():
                os.kill(child, signal.SIGKILL)
            process.kill()
            process.wait(END_S)


def processes() -> list[tuple[int, int, str]]:
    """Every living process of the machine: its id, its parent's, its command line."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat=,command="], check=True, capture_output=True, text=True)
    rows = (line.split(None, 3) for line in listed.stdout.splitlines())
    return [(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) > 3 and not row[2].startswith("Z")]


def is_alive(pid: int) -> bool:
    """Whether the process is there."""
    return any(pid == found for found, _, _ in processes())
