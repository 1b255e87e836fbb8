"""Migrated databases for tests: made once a run, copied for each test."""

import fcntl
import shutil
from pathlib import Path

from sqlalchemy import text

from server.database.engine import open_engine
from server.database.migrate import migrate
from tests.support.postgres import Cluster

TEMPLATE = "countinghouse_template"


def postgresql_template(cluster: Cluster) -> str:
    """The name of a migrated database in `cluster`, to be copied; the first worker of a run who asks makes it."""
    with (cluster.folder / "template").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        made.seek(0)
        if not made.read():
            engine = open_engine(cluster.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0"))
            engine.dispose()
            migrate(cluster.url(TEMPLATE))
            made.write(TEMPLATE)
    return TEMPLATE


def sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file in `folder`, to be copied."""
    path = folder / "template.db"
    migrate(str(path))
    return path


def copy_sqlite(template: Path, path: Path) -> str:
    """Copy a migrated SQLite file that nobody has open; gives the copy's URL."""
    assert not template.with_name(template.name + "-wal").exists(), "the template is in use"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"
