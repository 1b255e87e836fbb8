"""`countinghouse accounting watch`, against a real server on both databases."""

from __future__ import annotations

import json
import socket
from functools import partial
from pathlib import Path

import pytest

from countinghouse.client import connect
from domain.accounting.feed import service as feed
from server.database.transaction import Database
from tests.accounting.claims_and_events import executed, put_claim
from tests.accounting.configured import configure
from tests.client.command import run
from tests.support.server import Served, serving

WATCH = ("accounting", "watch")


@pytest.mark.rule("ACC-56", "PLT-21")
def test_people_and_programs_see_what_happens_line_by_line(server: Served, database: Database) -> None:
    """Of a client from a position, of a claim with how it stands; a line of text or of JSON each."""
    configure(database)
    claim = database.write(partial(put_claim, claim_id="C-1"))
    database.write(partial(feed.record, events=[executed(claim, f"op-{at}") for at in range(3)]))
    with connect(server.target) as client:
        placed = client.accounting.watch_events("clients/ACME", after_position=0, timeout_s=20)
        assert [next(placed).position for _ in range(3)] == [1, 2, 3]
    for output, told in (("json", _from_json), ("table", _from_text)):
        seen = run(server.target, *WATCH, "--client", "ACME", "--after", "1", "--max-wait", "1", "-o", output)
        assert seen.exit_code == 0, seen.output
        assert told(seen.stdout) == [(2, "claims/C-1/operations/op-1"), (3, "claims/C-1/operations/op-2")]
    (line,) = run(server.target, *WATCH, "--claim", "claims/C-1", "--max-wait", "0.5").stdout.splitlines()
    assert line.split() == ["3", *line.split()[1:3], "claim", "open", "claims/C-1"]
    for wrong, says in (((), "--client"), (("--client", "A", "--claim", "C"), "--client")):
        refused = run(server.target, *WATCH, *wrong)
        assert refused.exit_code == 2
        assert says in refused.output
    assert run(server.target, *WATCH, "--claim", "none").exit_code == 4


@pytest.mark.rule("ACC-56", "PLT-21", "PLT-43")
def test_a_watch_outlives_the_server(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """The server goes away in the middle, another takes its place at the same address: nothing is missed."""
    configure(database)
    claim = database.write(partial(put_claim, claim_id="C-1"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    begin = partial(serving, migrated_url, tmp_path, carries_out=(), listen=address)
    with connect(address) as client:
        of_client = client.accounting.watch_events("clients/ACME", after_position=0, timeout_s=60)
        of_claim = client.accounting.watch_claim("claims/C-1", timeout_s=60)
        with begin():
            assert next(of_claim).HasField("claim")
            database.write(partial(feed.record, events=[executed(claim, "op-0")]))
            assert next(of_client).position == next(of_claim).sequence == 1
        database.write(partial(feed.record, events=[executed(claim, f"op-{at}") for at in (1, 2)]))
        with begin():
            database.write(partial(feed.record, events=[executed(claim, "op-3")]))
            assert [next(of_client).position for _ in range(3)] == [2, 3, 4]
            assert [next(of_claim).sequence for _ in range(3)] == [2, 3, 4]


def _from_json(text: str) -> list[tuple[int, str]]:
    found = map(json.loads, text.splitlines())
    return [(int(one["position"]), one["event"]["operation"]) for one in found]


def _from_text(text: str) -> list[tuple[int, str]]:
    rows = [line.split() for line in text.splitlines()]
    return [(int(row[0]), row[-1]) for row in rows]
