"""The manifests of a set are chained, in the order in which they became visible, whoever comes in between."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from domain.data_files import service as data_files
from domain.data_files.model import ChainEnd
from domain.operations.model import State, Work
from domain.operations.runner import Attempts
from server.work.chunks import Chunks
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.samples import row


def manifests(desk: Desk, code: str = "S1") -> list[tuple[dict[str, Any], str]]:
    """The set's manifests in order, each with its hash."""
    contents = [desk.content(file) for file in desk.files_of(code) if file.manifest]
    return [(json.loads(content), hashlib.sha256(content).hexdigest()) for content in contents]


def is_chained(desk: Desk, code: str = "S1") -> bool:
    before = ""
    for number, (manifest, own) in enumerate(manifests(desk, code), 1):
        if manifest["manifestNumber"] != number or manifest.get("previousManifestSha256", "") != before:
            return False
        before = own
    return desk.database.read(lambda tx: data_files.chain_of(tx, code)) == ChainEnd(len(manifests(desk, code)), before)


@pytest.mark.rule("GLX-18", "PLT-30")
def test_each_manifest_carries_the_hash_of_the_one_before(desk: Desk) -> None:
    """In its own set; another set begins a chain of its own."""
    for n in range(3):
        desk.take_in([row(n)])
        desk.run(data_file_set_code="S1")
    desk.take_in([row(9)])
    desk.run(data_file_set_code="S2")
    assert [manifest["manifestNumber"] for manifest, _ in manifests(desk)] == [1, 2, 3]
    assert is_chained(desk)
    assert is_chained(desk, "S2")
    assert "previousManifestSha256" not in manifests(desk, "S2")[0][0]


@pytest.mark.rule("GLX-18", "GLX-20", "PLT-22")
def test_runs_that_are_shown_at_the_same_time_are_chained_one_after_the_other(desk: Desk) -> None:
    """One whose manifest was written before another's was shown writes it again; that attempt does not count."""
    runs = []
    for n in range(4):
        desk.take_in([row(n, grouping=f"TS-{n}")])
        runs.append(desk.start(grouping=f"TS-{n}", data_file_set_code="S1"))
        desk.step_until(runs[-1], "publish")
    (job,) = desk.jobs
    *others, publish = job.stages
    write_manifest = publish.gather
    assert write_manifest is not None
    overtakes = iter(runs[1:])

    def overtaken(tx: Connection, work: Work) -> object:
        """Before the first run's manifest is shown, another run comes to its end: three times in a row."""
        facts = write_manifest(tx, work)
        other = next(overtakes, None) if work.operation.operation_id == runs[0] else None
        passing = Desk(desk.database, desk.folder)
        while other is not None and not desk.look(other).state.ended:
            assert passing.step()
        return facts

    slow = replace(job, stages=(*others, replace(publish, gather=overtaken)))
    once = Attempts(at_most=1, pause_us=0)
    chunks = Chunks(desk.database, (slow,), once, lease_s=600, chunk_s=60, on_change=lambda _: None)
    while chunks.work_once(desk.worker_id, lambda: True):
        pass
    assert [desk.look(operation_id).state for operation_id in runs] == [State.SUCCEEDED] * 4
    assert len(manifests(desk)) == 4
    assert is_chained(desk)
