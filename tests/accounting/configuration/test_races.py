"""Two who change the configuration at once: one wins, and what rules stand on does not go from under them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Connection

from domain.accounting.configuration import accounting_rules, claim_types, collections, store
from domain.accounting.configuration.accounting_rules import NewVersion
from domain.accounting.configuration.errors import CollectionSettles
from domain.accounting.configuration.registers import COLLECTIONS
from domain.kernel.call import Call
from domain.kernel.errors import CodeTaken, DomainError, EtagStale, Invalid
from domain.kernel.registers import service
from domain.kernel.registers.service import Change
from server.database.transaction import Database
from tests.accounting.configuration.test_snapshot import SAYS

CALL = Call("ann", "test", "", 1_000)
WAIT_S = 30
NEW = NewVersion(SAYS)


def refusals(database: Database, *works: Callable[[Connection], object]) -> list[type[DomainError]]:
    """What transactions that run at the same time are refused with."""
    start = Barrier(len(works), timeout=WAIT_S)

    def run(work: Callable[[Connection], object]) -> type[DomainError] | None:
        start.wait()
        try:
            database.write(work)
        except DomainError as refused:
            return type(refused)
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        ended = [future.result(WAIT_S) for future in [pool.submit(run, work) for work in works]]
    return [refused for refused in ended if refused is not None]


@pytest.fixture
def ready(database: Database) -> Database:
    """With a claim type."""
    database.write(lambda tx: claim_types.create(tx, CALL, "CARD", ""))
    return database


@pytest.mark.rule("ACC-01", "PLT-10")
def test_two_who_create_one_rule_get_one_winner(ready: Database) -> None:
    """The other is told that its code is taken; its version is not there either."""
    assert refusals(ready, *[lambda tx: accounting_rules.create(tx, CALL, "R", NEW)] * 2) == [CodeTaken]
    assert ready.read(lambda tx: len(store.rule_versions_page(tx, "R", before=0, limit=5))) == 1


@pytest.mark.rule("ACC-01", "PLT-10")
def test_two_who_change_one_rule_get_one_winner(ready: Database) -> None:
    """Versions are counted without a gap, and nobody overwrites what they have not seen."""
    ready.write(lambda tx: accounting_rules.create(tx, CALL, "R", NEW))
    works = [lambda tx: accounting_rules.create_version(tx, CALL, "R", "1", NEW)] * 3
    assert refusals(ready, *works) == [EtagStale] * 2
    found = ready.read(lambda tx: store.rule_versions_page(tx, "R", before=0, limit=5))
    assert [version.rule_version for version in found] == [2, 1]


@pytest.mark.rule("PLT-10")
def test_two_who_change_one_collection_get_one_winner(ready: Database) -> None:
    """The other is stale."""
    change = Change("FEES", "1", {"description": "x"})
    assert refusals(ready, *[lambda tx: collections.update(tx, CALL, change)] * 2) == [EtagStale]


@pytest.mark.rule("ACC-03", "ACC-06")
def test_a_rule_and_the_end_of_its_suspense_do_not_both_come_about(ready: Database) -> None:
    """Whichever is first, the other is refused."""
    says = replace(SAYS, debit_collection="SUSPENSE", credit_collection="SUSPENSE")
    shift = NewVersion(says)
    for number in range(5):
        etag = ready.read(lambda tx: service.get(tx, COLLECTIONS, "SUSPENSE").etag)
        end = Change("SUSPENSE", etag, {"suspense": False})
        code = f"R{number}"
        refused = refusals(
            ready,
            lambda tx, code=code: accounting_rules.create(tx, CALL, code, shift),  # type: ignore[misc]
            lambda tx, end=end: collections.update(tx, CALL, end),  # type: ignore[misc]
        )
        assert refused in ([Invalid], [CollectionSettles])
        if refused == [Invalid]:
            break
        ready.write(lambda tx, code=code: accounting_rules.retire(tx, CALL, code, "", retired=True))  # type: ignore[misc]
