"""What tests begin with beyond an empty database: made once in a process, and copied for each test.

Whatever is costly to make by calls, and is the same for many tests, is made by a function of a module and asked for by
`Worlds.give`. Every test has a database and files of its own all the same: what it does to them, no other sees.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import make_url

from server.database.urls import sqlite_path
from tests.support.postgres import Cluster
from tests.support.server import FILES

T = TypeVar("T")
Make = Callable[[str, Path], T]
"""Fills the migrated database at a URL, by a server at work in a folder, and ends it; gives what a test must know."""


@dataclass(frozen=True, slots=True)
class _World:
    kept: Path  # a folder with its data files and, of SQLite, its database
    template: str  # its database, of PostgreSQL
    known: Any


class Worlds:
    """Worlds by who makes them, with what they keep in `folder`; `cluster` gives the PostgreSQL of the run."""

    def __init__(self, folder: Path, cluster: Callable[[], Cluster]) -> None:
        self._folder = folder
        self._cluster = cluster
        self._worlds: dict[tuple[str, Make[Any]], _World] = {}

    def give(self, url: str, folder: Path, make: Make[T]) -> T:
        """Have the database at `url`, and data files below `folder`, as `make` leaves them; gives what it gave.

        The database has been migrated, and nobody has it open. The first to ask has it made, the others get copies:
        `make` is a function of a module, and leaves the same every time.
        """
        assert "<" not in make.__qualname__, "made anew with every call: it would be no key"
        kind = make_url(url).get_backend_name()
        world = self._worlds.get((kind, make))
        if world is None:
            known = make(url, folder)
            self._worlds[kind, make] = self._keep(url, folder, known)
            return known
        self._restore(world, url, folder)
        known_again: T = deepcopy(world.known)
        return known_again

    def _keep(self, url: str, folder: Path, known: object) -> _World:
        name = f"world_{uuid.uuid4().hex[:16]}"
        kept = self._folder / name
        kept.mkdir()
        if url.startswith("sqlite"):
            shutil.copyfile(_closed(sqlite_path(url)), kept / "database")
        else:
            self._cluster().create_database(name, template=_name(url))
        if (folder / FILES).exists():
            shutil.copytree(folder / FILES, kept / FILES)
        return _World(kept, name, deepcopy(known))

    def _restore(self, world: _World, url: str, folder: Path) -> None:
        if url.startswith("sqlite"):
            shutil.copyfile(world.kept / "database", _closed(sqlite_path(url)))
        else:
            self._cluster().replace_database(_name(url), template=world.template)
        if (world.kept / FILES).exists():
            shutil.copytree(world.kept / FILES, folder / FILES)


def _closed(path: Path) -> Path:
    assert not path.with_name(path.name + "-wal").exists(), f"{path.name} is in use"
    return path


def _name(url: str) -> str:
    name = make_url(url).database
    assert name
    return name
