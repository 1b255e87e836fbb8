"""What every test may use: a database of its own, on SQLite and on PostgreSQL."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc
from server.database.transaction import Database
from tests.support import database as databases
from tests.support import postgres
from tests.support.bytecode import keep_bytecode
from tests.support.grpcurl import have_grpcurl
from tests.support.memory import keep_files_in_memory
from tests.support.packages import look_for_packages_once
from tests.support.server import Served, serving
from tests.support.statements import share_statements
from tests.support.worlds import Worlds

_FOLDER = "COUNTINGHOUSE_TEST_POSTGRES_FOLDER"  # tells the workers of a run where its PostgreSQL is
WORKERS_MAX = 8  # more would need more connections than the run's PostgreSQL has
_RUN = pytest.StashKey[postgres.Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crash-runs", type=int, default=1, help="how often to repeat each test that asks for crash_run")
    parser.addoption("--abuse-requests", type=int, default=3_000, help="how many hostile requests to make")
    parser.addoption("--fire-operations", type=int, default=300, help="how many operations to make under fire")
    parser.addoption("--soak-seconds", type=float, default=0, help="how long steady work goes on; 0 for none")
    parser.addoption("--abuse-seed", type=int, default=1, help="other seeds make other hostile requests")


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(50_000, 20, 20)  # as a server does
    share_statements()
    look_for_packages_once()
    if not hasattr(config, "workerinput"):
        keep_bytecode(config.cache.mkdir("bytecode"))
        keep_files_in_memory()
        run = config.stash[_RUN] = postgres.Run.begin(durable=False)
        os.environ[_FOLDER] = str(run.folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if run := config.stash.get(_RUN, None):
        run.end()


def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor: half of the time, tests wait for processes, databases and clocks."""
    return min(2 * (os.cpu_count() or 1), WORKERS_MAX)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share a run, what takes long begins first: none is left alone with it in the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (not item.get_closest_marker("slow"), not item.get_closest_marker("crash")))


def pytest_collection_finish() -> None:
    gc.freeze()  # what was imported and collected stays: no collection during a test need look at it again


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "crash_run" in metafunc.fixturenames:
        metafunc.parametrize("crash_run", range(metafunc.config.getoption("--crash-runs")))


@pytest.fixture(scope="session")
def postgres_cluster() -> postgres.Cluster:
    """The run's PostgreSQL, shared by all tests."""
    return postgres.join(Path(os.environ[_FOLDER]))


@pytest.fixture
def own_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL for one test alone, which may stop and start it."""
    run = postgres.Run.begin()
    yield postgres.join(run.folder)
    run.end()


@pytest.fixture(scope="session")
def no_grpcurl(request: pytest.FixtureRequest) -> str:
    """Why there is no `grpcurl` on the path of this process; empty when there is, which may take minutes once."""
    return have_grpcurl(request.config.cache.mkdir("tools"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'countinghouse.db'}"


@pytest.fixture
def postgresql_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """URL of an empty PostgreSQL database."""
    with postgres_cluster.database() as name:
        yield postgres_cluster.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database; the test runs once on each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    return databases.sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def migrated_sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a migrated SQLite file of the test's own."""
    return databases.copy_sqlite(sqlite_template, tmp_path / "countinghouse.db")


@pytest.fixture
def migrated_postgresql_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """URL of a migrated PostgreSQL database of the test's own."""
    with postgres_cluster.database(databases.postgresql_template(postgres_cluster)) as name:
        yield postgres_cluster.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated database; the test runs once on each kind."""
    return str(request.getfixturevalue(f"migrated_{request.param}_url"))


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Worlds:
    """What tests begin with that share a world."""
    return Worlds(tmp_path_factory.mktemp("worlds"), lambda: request.getfixturevalue("postgres_cluster"))


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A migrated database, on SQLite and on PostgreSQL."""
    opened = Database(migrated_url)
    yield opened
    opened.dispose()


@pytest.fixture
def server(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A real server with its worker, on SQLite and on PostgreSQL."""
    with serving(migrated_url, tmp_path) as served:
        yield served


@pytest.fixture
def gl(server: Served) -> gl_extraction_service_pb2_grpc.GLExtractionServiceStub:
    """The GL extraction service of `server`."""
    return server.stub(gl_extraction_service_pb2_grpc.GLExtractionServiceStub)
