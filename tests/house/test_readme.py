"""The README's tour is run as it is written, and what it shows is what one sees."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from countinghouse import demo
from countinghouse.client import connect
from countinghouse.importing.reference import ensure
from tests.client.test_import_mapping import LEDGER
from tests.house.tree import ROOT
from tests.support.grpcurl import BUILT_WITHIN_S
from tests.support.process import END_S, environment, free_address
from tests.support.server import Served
from tests.support.waiting import wait_for

SHOWN_ADDRESS = "127.0.0.1:50051"
LOST = "The server is away"  # shown where the reader kills the server
TOUR_S = 400

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRESS = re.compile(r"^\w+: [\d,]+(/[\d,]+)? \w+(, [\d,.]+/s.*)?$")
_VARYING = (
    re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b"),  # ids
    re.compile(r"\b[0-9a-f]{12}\b"),  # the beginnings of hashes over them
    re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"),
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the tour, and what the README shows of its output; `…` stands for lines left out."""

    command: str
    shown: tuple[str, ...]

    def matches(self, output: str) -> bool:
        """Whether the output is what is shown, but for ids, instants and the pace."""
        pattern = "".join("(.*\n)*" if line == "…" else re.escape(f"{line}\n") for line in steady(self.shown))
        return re.fullmatch(pattern, "".join(f"{line}\n" for line in steady(output.splitlines()))) is not None


def steady(lines: tuple[str, ...] | list[str]) -> Iterator[str]:
    """The lines without what differs from one run to the next; columns stay where they are."""
    lost = False
    for line in lines:
        if _PROGRESS.match(line) or (lost and line.startswith(LOST)):
            continue
        lost = line.startswith(LOST)
        for varying in _VARYING:
            line = varying.sub(lambda found: "x" * len(found[0]), line)  # noqa: PLW2901 - the line, made steady
        yield LOST if lost else _INSTANT.sub("x", line).rstrip()


def steps(text: str) -> list[Step]:
    """The commands in the text's console blocks."""
    found: list[Step] = []
    for block in _BLOCK.findall(text):
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command = re.match(r"(?:.*\\\n)*.*\n", entry)
            assert command is not None
            found.append(Step(command[0].strip(), tuple(entry[command.end() :].splitlines())))
    return found


def tour() -> list[Step]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return steps(text.partition("\n## A tour")[2].partition("\n## ")[0])


class Reader:
    """Somebody with two terminals in a fresh clone, where `make` has installed everything already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = free_address()
        self._server: subprocess.Popen[bytes] | None = None
        (folder / "Makefile").symlink_to(ROOT / "Makefile")
        (folder / "examples").symlink_to(ROOT / "examples")
        (folder / ".venv-run").symlink_to(sys.prefix)
        if LEDGER.exists():
            (folder / LEDGER.name).symlink_to(LEDGER)
        kept = environment(listen=self.address, address=self.address)
        self._environment = {name: value for name, value in kept.items() if name not in {"MAKELEVEL", "MFLAGS"}}
        self._environment["MAKEFLAGS"] = " -- RUN="  # nothing is to be installed before a recipe is run
        self._environment["PATH"] = f"{folder}/.venv-run/bin:{os.environ['PATH']}"

    def can(self, step: Step) -> bool:
        """Whether this machine has the tool or the file."""
        program = step.command.split()[0]
        found = shutil.which(program, path=self._environment["PATH"]) is not None
        return found and (LEDGER.name not in step.command or LEDGER.exists())

    def follow(self, step: Step) -> str:
        """Run the step's command as the README says; gives what is seen."""
        if step.command == "make run":
            return self._serve()
        with self._start(step.command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            seen, due = "", any(line.startswith(LOST) for line in step.shown)
            for line in process.stdout:
                seen += line.decode()
                if due and _PROGRESS.match(line.decode()):
                    due = False
                    self.end(signal.SIGKILL)
                    self._serve()
        return seen.replace(self.address, SHOWN_ADDRESS)

    def end(self, how: signal.Signals) -> None:
        """Send all processes of `make run` a signal, as `kill` does with a shell's job."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, how)
            self._server.wait(END_S)

    def _serve(self) -> str:
        seen = self.folder / "seen"
        with seen.open("wb") as out:
            self._server = self._start("make run", stdout=out)
        wait_for(lambda: "ready on " in seen.read_text(), what="the server")
        lines = [line for line in seen.read_text().splitlines() if not line.startswith("{")]  # its log
        return "".join(f"{line}\n" for line in lines).replace(self.address, SHOWN_ADDRESS)

    def _start(self, command: str, *, stdout: IO[bytes] | int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["bash", "-c", command.replace(SHOWN_ADDRESS, self.address)],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def client_example() -> str:
    """The program in the client's README."""
    (program,) = _PROGRAM.findall((ROOT / "clients/python/README.md").read_text(encoding="utf-8"))
    return str(program)


@pytest.fixture
def reader(tmp_path: Path, no_grpcurl: str) -> Iterator[Reader]:
    one = Reader(tmp_path)
    yield one
    one.end(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(TOUR_S + BUILT_WITHIN_S)
@pytest.mark.rule("PLT-21", "PLT-22", "PLT-40", "PLT-41")
def test_the_tour_shows_what_one_sees(reader: Reader) -> None:
    """Every command of the tour, in its order, on a server started as the README says, killed where it says so."""
    followed = []
    for step in tour():
        if reader.can(step):
            seen = reader.follow(step)
            assert step.matches(seen), f"$ {step.command}\n{seen}"
            followed.append(step.command.split()[0])
    assert {"make", "countinghouse", "buf"} <= set(followed)


def test_the_clients_example_extracts_and_downloads(server: Served, tmp_path: Path) -> None:
    """The program in the client's README does what it says: every file of the run is there afterwards."""
    with connect(server.target) as client:
        ensure(client.gl, demo.reference())
        client.gl.ingest(demo.details(1, 200))
    program = client_example().replace(SHOWN_ADDRESS, server.target)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
    assert sorted(path.name for path in tmp_path.glob("gl-*")) == [
        "gl-batch-1-manifest.json",
        "gl-batch-1-messages-000000001.json",
    ]


def test_what_is_shown_must_be_seen() -> None:
    """The comparison overlooks ids, instants and the pace, and nothing else."""
    (step,) = steps(
        "```console\n$ a \\\n  b\nid 06c346k28re00m1v72h5qm3sm6 1.00\nselect: 5 details, 9/s\n…\nend\n```\n"
    )
    assert step.command == "a \\\n  b"
    assert step.matches("id 16c346k28re00m1v72h5qm3sm6 1.00\nmore\nand more\nend\n")
    assert step.matches("select: 1/2 details\nid 16c346k28re00m1v72h5qm3sm6 1.00\nend\n")
    assert not step.matches("id 16c346k28re00m1v72h5qm3sm6 1.01\nend\n")
    assert not step.matches("id  16c346k28re00m1v72h5qm3sm6 1.00\nend\n")
    assert not step.matches("id 16c346k28re00m1v72h5qm3sm6 1.00\n")
