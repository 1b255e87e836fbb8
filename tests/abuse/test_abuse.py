"""Hostile requests, made from the contract for every method: the server refuses them, tells nothing, and stays well."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.abuse import wire
from tests.abuse.attack import Arsenal, Hit, fire
from tests.abuse.judge import Answer, faults
from tests.abuse.prey import TOKEN, Prey, standing
from tests.support.methods import full_name, methods

SEED = 20_261_121
ROUND = 60
WARM = 0.5
GROWTH_MIB = 48
CLEAN_ROUNDS = 1


@pytest.fixture
def prey(migrated_url: str, tmp_path: Path) -> Iterator[Prey]:
    with standing(migrated_url, tmp_path) as one:
        yield one


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.rule("PLT-07", "PLT-09")
def test_hostile_requests_are_refused_and_leave_no_trace(
    prey: Prey, loop: asyncio.Runner, pytestconfig: pytest.Config
) -> None:
    """Never INTERNAL or UNKNOWN, always a reason, nothing told of the inside, and the books as they were.

    Where a round changed nothing by what its callers were told, everything that is stored is the same to the byte;
    and over all rounds, the audit trail knows none of the calls that were refused.
    """
    count: int = pytestconfig.getoption("--abuse-requests")
    arsenal = Arsenal(pytestconfig.getoption("--abuse-seed"), methods(), prey.pool, TOKEN)
    large = count > 100 * ROUND
    size = ROUND * 20 if large else ROUND
    codes: Counter[str] = Counter()
    refused: set[str] = set()
    clean, warm_mib, before = 0, 0.0, prey.books()
    for first in range(0, count, size):
        hits = loop.run(fire(prey.target, arsenal.shots(first, size)))
        assert _faults(hits) == []
        codes.update(f"{hit.answer.code.name}" for hit in hits)
        refused |= {hit.shot.marked for hit in hits if not hit.may_have_changed}
        if not large:
            after = prey.books()
            if not any(hit.may_have_changed for hit in hits):
                clean += 1
                assert after == before, f"round from {first}: refused calls have changed something"
            before = after
        if not warm_mib and first >= count * WARM:
            warm_mib = prey.memory_mib()
    assert not refused & prey.request_ids()
    assert large or clean >= CLEAN_ROUNDS
    assert prey.memory_mib() - warm_mib < GROWTH_MIB, f"{warm_mib:.0f} MiB grew to {prey.memory_mib():.0f}"
    assert codes["OK"] > count / 50, codes  # some reach the books, or nothing deep was tried
    assert codes["INVALID_ARGUMENT"] > count / 5, codes
    assert prey.is_well()
    assert [line for line in prey.process.log() if line.get("event") == "unexpected"] == []
    print(f"\n{count:,} requests: {dict(codes.most_common())}; {warm_mib:.0f} to {prey.memory_mib():.0f} MiB")  # noqa: T201 - shown with -s, and by `make abuse`


def _faults(hits: list[Hit]) -> list[str]:
    return [
        f"#{hit.shot.number} {full_name(hit.shot.method)}: {fault}\n  {[c[:400].hex() for c in hit.shot.contents]}"
        for hit in hits
        for fault in faults(hit.answer, hit.shot.contents)
    ]


def test_the_same_seed_makes_the_same_requests(prey: Prey) -> None:
    """A finding can be looked into again: every request depends on the seed, its number and the books alone."""
    once, again = (Arsenal(SEED, methods(), prey.pool, TOKEN) for _ in range(2))
    assert list(once.shots(0, 300)) == list(again.shots(0, 300))
    assert list(once.shots(100, 5)) == list(again.shots(0, 300))[100:105]
    other = Arsenal(SEED + 1, methods(), prey.pool, TOKEN)
    assert list(other.shots(0, 300)) != list(once.shots(0, 300))
    assert {full_name(shot.method) for shot in once.shots(0, 300)} == {full_name(method) for method in methods()}


def test_the_judge_finds_what_it_is_for() -> None:
    """A check that finds nothing must be able to find something."""

    def told(message: str, code: grpc.StatusCode = grpc.StatusCode.NOT_FOUND) -> list[str]:
        return faults(Answer("grpc.health.v1.Health/Check", code, message, None), [b"it said KeyError"])

    assert told("there is no such ledger") == []
    for leak in (
        "SELECT * FROM ledger",
        "psycopg2.errors.UniqueViolation",
        'File "server/call.py", line 3, in write',
        "cannot open /var/lib/books.db",
        "ValueError: bad",
        "<class 'str'>",
    ):
        assert told(leak), leak
    assert told("KeyError") == []  # the caller's own words
    assert told("code MA\u202eIN is taken")
    assert told("", grpc.StatusCode.INTERNAL)
    assert faults(Answer("countinghouse.x/Y", grpc.StatusCode.NOT_FOUND, "none", None), [])


def test_bytes_are_broken_in_every_way() -> None:
    """Each mutation changes a request, and writes what protobuf cannot have written."""
    content = wire.field(1, b"ledgers/MAIN")
    made = {mutation(random.Random(seed), content) for mutation in wire.MUTATIONS for seed in range(20)}
    assert content not in made
    assert len(made) > 5 * len(wire.MUTATIONS)
