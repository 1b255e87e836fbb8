"""The version of the configuration: every change makes it grow, and processes read again only then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection

from domain.accounting.configuration import accounting_rules, claim_types, collections, store
from domain.accounting.configuration.accounting_rules import NewVersion
from domain.accounting.configuration.registers import SHELF
from domain.accounting.configuration.snapshot import Configurations
from domain.kernel.call import Call
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.registers import store as registers
from domain.kernel.registers.service import Change
from server.database.transaction import Database
from tests.accounting.configuration.test_snapshot import SAYS

CALL = Call("ann", "test", "", 1_000)


def changed(database: Database, change: Callable[[Connection], object]) -> int:
    """By how much the version grew."""
    before = database.read(lambda tx: registers.version(tx, SHELF))
    with suppress(DomainError):
        database.write(change)
    return database.read(lambda tx: registers.version(tx, SHELF)) - before


@pytest.mark.rule("ACC-01", "ACC-10", "PLT-11")
def test_every_change_makes_the_version_grow_and_a_refusal_does_not(database: Database) -> None:
    """By one, in the same transaction."""
    card = lambda tx: claim_types.create(tx, CALL, "CARD", "")  # noqa: E731
    assert changed(database, card) == 1
    assert changed(database, card) == 0
    describe = Change("CARD", "1", {"description": "x"})
    assert changed(database, lambda tx: claim_types.update(tx, CALL, describe)) == 1
    assert changed(database, lambda tx: claim_types.update(tx, CALL, describe)) == 0
    loss = Change("LOSS", "1", {"write_off": False})
    assert changed(database, lambda tx: collections.update(tx, CALL, loss)) == 1
    new = NewVersion(SAYS)
    assert changed(database, lambda tx: accounting_rules.create(tx, CALL, "R", new)) == 1
    assert changed(database, lambda tx: accounting_rules.create(tx, CALL, "R", new)) == 0
    assert changed(database, lambda tx: accounting_rules.create_version(tx, CALL, "R", "1", new)) == 1
    assert changed(database, lambda tx: accounting_rules.create_version(tx, CALL, "R", "1", new)) == 0
    assert changed(database, lambda tx: accounting_rules.retire(tx, CALL, "R", "", retired=True)) == 1


@pytest.mark.rule("ACC-10")
def test_a_process_reads_the_configuration_again_only_when_it_has_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next operation is performed by what is configured now, at the price of one small statement."""
    reads = []
    read_all = store.read_all

    def counted(tx: Connection) -> Any:
        reads.append(1)
        return read_all(tx)

    monkeypatch.setattr(store, "read_all", counted)
    kept = Configurations()
    first = database.read(kept.current)
    assert database.read(kept.current) is first
    assert database.read(lambda tx: kept.at(tx, first.version)) is first
    assert len(reads) == 1
    assert "CARD" not in first.claim_types
    database.write(lambda tx: claim_types.create(tx, CALL, "CARD", ""))
    second = database.read(kept.current)
    assert (second.version, list(second.claim_types)) == (first.version + 1, ["CARD"])
    assert len(reads) == 2
    assert database.read(lambda tx: kept.at(tx, first.version)).version == second.version
    assert database.read(kept.current) is second


@pytest.mark.rule("ACC-02")
def test_what_is_read_is_of_one_version(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change between two statements is seen whole; one after the other without end is told."""
    seen: list[int] = []
    monkeypatch.setattr(registers, "version", lambda *_: seen.pop(0))
    seen += [7, 8, 8, 8]
    assert database.read(store.read_all).version == 8
    seen += range(100)
    with pytest.raises(Unavailable):
        database.read(store.read_all)
