"""What the tests of accounting on the wire share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.database.transaction import Database
from server.main import permissions
from server.servicers.accounting.operations import QUALIFIED
from tests.support.server import Served, serving
from tests.support.worlds import Worlds
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.desk import Desk
from tests.wire.accounting.samples import SYSTEM_OF_RECORD, Accounting, open_shop
from tests.wire.gl_extraction.samples import Gl


class Bearing(grpc.UnaryUnaryClientInterceptor):
    """Makes every call of a channel as whoever has the token."""

    def __init__(self, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),)

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(client_call_details._replace(metadata=self._metadata), request)


NOW_US = 1_780_000_000_000_000  # Thursday, 2026-05-28 20:26:40 UTC


@pytest.fixture
def systems_of_record_file(tmp_path: Path) -> Path:
    """The server's file of systems of record; nobody answers at the one it names."""
    return _systems_of_record_file(tmp_path)


def _systems_of_record_file(folder: Path) -> Path:
    path = folder / "systems_of_record.toml"
    path.write_text(
        f'[[systems_of_record]]\nname = "{SYSTEM_OF_RECORD}"\nkind = "grpc"\ntarget = "127.0.0.1:9"\ntls = false\n'
    )
    return path


@contextmanager
def _idle(url: str, folder: Path, **chosen: Any) -> Iterator[Served]:
    """A server that carries nothing out."""
    systems = {"systems_of_record_file": _systems_of_record_file(folder), "systems_of_record_loopback": True}
    with serving(url, folder, carries_out=(), jobs=False, clock_us=lambda: NOW_US, **systems, **chosen) as server:
        yield server


def _make_shop(url: str, folder: Path) -> None:
    with _idle(url, folder) as server:
        open_shop(server.stub(Accounting), server.stub(Gl))


@pytest.fixture
def shop(database: Database, migrated_url: str, tmp_path: Path, worlds: Worlds) -> Iterator[Served]:
    """A server with an open shop, which carries nothing out, on either database."""
    worlds.give(migrated_url, tmp_path, _make_shop)
    with _idle(migrated_url, tmp_path) as server:
        yield server


@pytest.fixture
def accounting(shop: Served) -> Accounting:
    """A stub to that server."""
    return shop.stub(Accounting)


@pytest.fixture
def desk(accounting: Accounting) -> Desk:
    """A caller's desk at that server."""
    return Desk(accounting)


@pytest.fixture
def behind(database: Database) -> Behind:
    """What lies behind that server."""
    return Behind(database, NOW_US)


@contextmanager
def _staffed(url: str, folder: Path) -> Iterator[Served]:
    """A server that knows several people: ada and ben may all, cleo is not qualified."""
    path = folder / "tokens.toml"
    everything = sorted({*permissions().values()} - {""})
    lacking = sorted({*everything} - {QUALIFIED})
    path.write_text(
        "".join(
            f'[[tokens]]\ncaller = "{who}"\ntoken = "the-token-of-{who}"\npermissions = {json.dumps(held)}\n'
            for who, held in (("ada", ["*"]), ("ben", ["*"]), ("cleo", lacking))
        )
    )
    with _idle(url, folder, token_file=path) as server:
        yield server


def _make_staffed_shop(url: str, folder: Path) -> None:
    with _staffed(url, folder) as server:
        ada = grpc.intercept_channel(server.channel, Bearing("the-token-of-ada"))
        open_shop(Accounting(ada), Gl(ada))


@pytest.fixture
def staff(database: Database, migrated_url: str, tmp_path: Path, worlds: Worlds) -> Iterator[dict[str, Desk]]:
    """Desks of several people at one server with a shop that ada opened."""
    worlds.give(migrated_url, tmp_path, _make_staffed_shop)
    with _staffed(migrated_url, tmp_path) as server:
        stub = server.stub(Accounting)
        yield {who: Desk(stub, f"the-token-of-{who}") for who in ("ada", "ben", "cleo")}
