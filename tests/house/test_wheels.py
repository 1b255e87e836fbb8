"""What a user installs works without the repository around it."""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from tests.house.test_readme import client_example
from tests.house.tree import ROOT, tracked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

READY_TIMEOUT_S = 20
UV = Path(sys.executable).with_name("uv")
IMPORT_ALL = """
import importlib, pkgutil, sys
EXTRAS = ("server.outbound.sftp", "server.outbound.s3", "server.telemetry.spans")  # imported where they are configured
for name in ("domain", "server", "countinghouse", "buf.validate"):
    package = importlib.import_module(name)
    assert "site-packages" in package.__path__[0], package.__path__
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        # the others are run as programs, by Python and by Alembic
        if not module.name.endswith((".__main__", ".migrations.env", *EXTRAS)):
            importlib.import_module(module.name)
"""


SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"
TYPED = """
from typing import assert_type

from countinghouse.gl_extraction.v1.extraction_pb2 import GenerateAccountingMessageResponse
from countinghouse.gl_extraction.v1.reference_pb2 import GetLedgerRequest, Ledger

assert_type(client.gl.get_ledger(GetLedgerRequest()), Ledger)
assert_type(run.wait(), GenerateAccountingMessageResponse)
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """Both wheels in an environment of their own, in a folder outside the repository."""

    folder: Path

    def run(self, program: str, *arguments: str, **settings: str) -> str:
        """Run one of the environment's programs to its end; gives what it printed."""
        result = subprocess.run(
            [self.folder / "venv/bin" / program, *arguments],
            cwd=self.folder,
            env=self._environment(settings),
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    @contextmanager
    def serving(self, **settings: str) -> Iterator[tuple[grpc.Channel, str]]:
        """`countinghouse serve`, ready: a channel to it and its address; at the end SIGTERM must end it with 0."""
        port = _free_port()
        settings["COUNTINGHOUSE_LISTEN"] = f"127.0.0.1:{port}"
        with (
            (self.folder / "serve.log").open("w+") as log,
            subprocess.Popen(
                [self.folder / "venv/bin/countinghouse", "serve"],
                cwd=self.folder,
                env=self._environment(settings),
                stdout=log,
                stderr=log,
            ) as server,
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            try:
                _wait_until_ready(channel)
                yield channel, settings["COUNTINGHOUSE_LISTEN"]
            finally:
                server.terminate()
                status = server.wait(timeout=READY_TIMEOUT_S)
                log.seek(0)
                print(log.read())  # noqa: T201 - shown by pytest when the test fails
            assert status == 0

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COUNTINGHOUSE"))}
        return {**kept, "PYTHONSAFEPATH": "1", **settings}


def _health(channel: grpc.Channel, service: str) -> int:
    """The state of `service`, or of the whole server for the empty name, once the server answers."""
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    request = health_pb2.HealthCheckRequest(service=service)
    return int(check(request, timeout=READY_TIMEOUT_S, wait_for_ready=True).status)


def _wait_until_ready(channel: grpc.Channel) -> None:
    """Wait while the server answers already, and says that it is opening the database."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while _health(channel, "") != health_pb2.HealthCheckResponse.SERVING:
        assert time.monotonic() < deadline, "the server did not get ready"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of both distributions."""
    folder = tmp_path_factory.mktemp("wheels")
    for source in (ROOT / "clients/python", ROOT):
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
        subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(
    scope="module",
    params=[pytest.param(lock, marks=pytest.mark.xdist_group(lock)) for lock in ("runtime.lock", "oldest.lock")],
)
def installed(
    wheels: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Installed]:
    """The wheels and the packages that they need, and nothing else: the newest versions, and the oldest supported."""
    environments = request.config.cache.mkdir("environments")
    with (environments / f"{request.param}.used").open("w") as used:
        fcntl.flock(used, fcntl.LOCK_EX)  # by one run at a time
        kept = _locked(environments, ROOT / "requirements" / str(request.param))
        own = map(str, wheels.glob("*.whl"))
        options = ["-q", "--no-deps", "--no-index", "--reinstall", "--python", str(kept / "bin/python")]
        subprocess.run([UV, "pip", "install", *options, *own], check=True)
        environment = Installed(tmp_path_factory.mktemp("installed"))
        (environment.folder / "venv").symlink_to(kept)
        yield environment


def _locked(environments: Path, lock: Path) -> Path:
    """An environment with the packages of the lock, kept from run to run as long as lock and Python are the same."""
    made_of = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    kept = environments / f"{lock.name}-{made_of}"
    if not (kept / "ready").exists():
        for old in environments.glob(f"{lock.name}-*"):
            shutil.rmtree(old)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", kept], check=True)
        subprocess.run([sys.executable, ROOT / "tools/install.py", lock, kept / "bin/python"], check=True)
        (kept / "ready").touch()
    return kept


@pytest.mark.xdist_group("runtime.lock")  # where they are built anyway
def test_the_wheels_carry_every_file_of_their_packages(wheels: Path) -> None:
    """Data files and type markers are shipped too, and nothing but the four packages."""
    shipped: set[str] = set()
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            shipped |= {name for name in archive.namelist() if ".dist-info/" not in name}
    server = {str(path) for path in tracked("domain", "server")}
    client = {
        str(path.relative_to("clients/python"))
        for path in tracked("clients/python/countinghouse", "clients/python/buf")
    }
    assert shipped == server | client


def test_the_wheels_state_what_they_need(installed: Installed) -> None:
    """Every module imports with the declared packages alone, whose versions agree."""
    subprocess.run([UV, "pip", "check", "-q", "--python", installed.folder / "venv/bin/python"], check=True)
    installed.run("python", "-c", IMPORT_ALL)


def test_the_command_knows_the_caller_and_the_server_side(installed: Installed) -> None:
    """The server's commands join the client's through the entry points."""
    shown = installed.run("countinghouse", "--help")
    assert [name for name in ("serve", "work", "migrate", "config", "demo", "gl", "ops") if name not in shown] == []


def test_a_program_against_the_installed_client_is_typed(installed: Installed) -> None:
    """The client's own example is sound for the strictest checker, and the types of its answers are known."""
    here, there = (
        Path(subprocess.run([python, "-c", SITE], check=True, capture_output=True, text=True).stdout.strip())
        for python in (sys.executable, installed.folder / "venv/bin/python")
    )
    for stubs in ("grpc-stubs", "google-stubs"):
        shutil.copytree(here / stubs, there / stubs, dirs_exist_ok=True)
    program = installed.folder / "program.py"
    program.write_text(f"{client_example()}\n{TYPED}")
    interpreter = str(installed.folder / "venv/bin/python")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", interpreter]
    checked = subprocess.run(
        [*command, "--cache-dir", os.devnull, program.name],
        cwd=installed.folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert checked.returncode == 0, checked.stdout


def test_an_installed_server_migrates_serves_and_extracts(installed: Installed, database_url: str) -> None:
    """Migrations travel in the wheel; what is ingested comes out in files to the cent, on either database."""
    installed.run("countinghouse", "migrate", COUNTINGHOUSE_DATABASE_URL=database_url)
    with installed.serving(COUNTINGHOUSE_DATABASE_URL=database_url) as (channel, address):
        service = "countinghouse.gl_extraction.v1.GLExtractionService"
        assert _health(channel, service) == health_pb2.HealthCheckResponse.SERVING
        told = installed.run("countinghouse", "demo", "--count", "300", COUNTINGHOUSE_ADDRESS=address)
    assert told.count("every cent of") == len(("EUR", "JPY", "USD"))
