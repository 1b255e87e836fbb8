"""A set is verified through the command line: whatever was changed, taken away or put elsewhere shows."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from countinghouse.client import aio, connect
from countinghouse.client.verification import Verified
from server.database.transaction import Database
from tests.client.command import run
from tests.support.server import Served
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl
from tests.wire.gl_extraction.test_extraction import FINANCIAL, Client, ingest


@pytest.fixture
def filled(server: Served, database: Database) -> Database:
    """Three runs in a set, of two files of messages and a manifest each."""
    client = Client(server)
    samples.open_books(server.stub(Gl))
    for n in range(3):
        ingest(client, 4, source=f"s{n}")
        client.run(origin=FINANCIAL, data_file_set_code="S1")
    return database


def problems(server: Served) -> tuple[int, list[tuple[str, str]]]:
    """The exit code, and what was found: the file and the problem."""
    result = run(server.target, "files", "verify", "S1", "-o", "json")
    told = json.loads(result.stdout)
    assert told["sound"] == (not told["findings"])
    return result.exit_code, [(each["file"], each["problem"]) for each in told["findings"]]


def change(database: Database, statement: str, **values: Any) -> None:
    database.write(lambda tx: tx.execute(text(statement), values))


def rewritten(database: Database, folder: Path, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change a stored manifest, and its record, as one who can write to both would."""
    path = database.read(
        lambda tx: tx.execute(text("SELECT path FROM data_file WHERE file_name = :name"), {"name": name}).scalar_one()
    )
    manifest = json.loads((folder / path).read_bytes())
    edit(manifest)
    content = json.dumps(manifest).encode()
    (folder / path).write_bytes(content)
    change(
        database,
        "UPDATE data_file SET sha256 = :sha256, size_bytes = :size WHERE file_name = :name",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        name=name,
    )


@pytest.mark.rule("GLX-18", "PLT-30", "PLT-31")
def test_a_set_that_nobody_touched_is_sound(server: Served, filled: Database) -> None:
    """By the command, by the client, and by the asynchronous one."""
    result = run(server.target, "files", "verify", "S1")
    assert result.exit_code == 0, result.output
    assert "sound: files 6" in result.output
    with connect(server.target) as client:
        seen = client.files.verify("dataFileSets/S1")
        told = client.files.get_set(data_file_set())
    assert (seen.sound, seen.manifest_count, told.manifest_count) == (True, 3, 3)

    async def verified() -> Verified:
        async with aio.connect(server.target) as client:
            return await client.files.verify("dataFileSets/S1")

    assert asyncio.run(verified()) == seen


def data_file_set() -> Any:
    from countinghouse.operations.v1 import data_files_pb2

    return data_files_pb2.GetDataFileSetRequest(name="dataFileSets/S1")


@pytest.mark.rule("GLX-18", "PLT-31")
def test_a_changed_file_shows(server: Served, filled: Database, tmp_path: Path) -> None:
    """A byte of the stored file; then a file that was changed together with its record."""
    (path,) = (tmp_path / "files").glob("*/gl-batch-2-messages-000000002.json")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"100.00", b"500.00"))
    assert path.read_bytes() != content
    assert problems(server) == (9, [("gl-batch-2-messages-000000002.json", "DAMAGED")])
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    change(filled, "UPDATE data_file SET sha256 = :s WHERE file_name = 'gl-batch-2-messages-000000002.json'", s=sha256)
    assert problems(server) == (9, [("gl-batch-2-messages-000000002.json", "CHANGED")])


@pytest.mark.rule("GLX-18", "PLT-31")
def test_a_changed_manifest_breaks_the_chain(server: Served, filled: Database, tmp_path: Path) -> None:
    """Even when its record was changed with it: the next manifest carries the hash that it had; and so for the last."""
    rewritten(filled, tmp_path / "files", "gl-batch-2-manifest.json", lambda m: m.update(detailCount=5))
    assert problems(server) == (9, [("gl-batch-3-manifest.json", "CHAIN_BROKEN")])
    rewritten(filled, tmp_path / "files", "gl-batch-3-manifest.json", lambda m: m.update(detailCount=5))
    assert ("", "CHAIN_BROKEN") in problems(server)[1]


@pytest.mark.rule("GLX-18", "PLT-31")
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_missing_run_shows(server: Served, filled: Database, batch: int) -> None:
    """The first, one in the middle, the last: its files and manifest are gone, and their records with them."""
    change(filled, f"DELETE FROM data_file WHERE file_name LIKE 'gl-batch-{batch}-%'")
    change(filled, "UPDATE data_file_set SET file_count = 4")
    code, found = problems(server)
    following = f"gl-batch-{batch + 1}-manifest.json" if batch < 3 else ""
    assert (code, found) == (9, [(following, "CHAIN_BROKEN")])


@pytest.mark.rule("GLX-18", "PLT-31")
def test_missing_stray_and_reordered_files_show(server: Served, filled: Database) -> None:
    """Each by its name."""

    def damage(tx: Connection) -> None:
        tx.execute(text("UPDATE data_file SET file_name = 'other.json' WHERE file_name LIKE 'gl-batch-1-messages%'"))
        seen = tx.execute(text("SELECT operation_id, visible_us FROM data_file")).all()
        times: dict[str, int] = {each.operation_id: each.visible_us for each in seen}
        first, second, _ = sorted(times, key=lambda each: times[each])
        for operation_id, other in ((first, second), (second, first)):
            tx.execute(
                text("UPDATE data_file SET visible_us = :at WHERE operation_id = :op"),
                {"at": times[other], "op": operation_id},
            )

    filled.write(damage)
    code, found = problems(server)
    assert code == 9
    assert sorted(found) == [
        ("", "REORDERED"),
        ("gl-batch-1-messages-000000001.json", "MISSING"),
        ("other.json", "STRAY"),
    ]
    result = run(server.target, "files", "verify", "S1")
    assert "NOT SOUND: files 6, " in result.output


@pytest.mark.rule("PLT-07")
def test_a_set_that_does_not_exist_is_not_found(server: Served) -> None:
    """As by every other command."""
    assert run(server.target, "files", "verify", "NONE").exit_code == 4
