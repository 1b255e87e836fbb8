"""Ledgers and group accounts: codes with a description that changes by etag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.gl_extraction.reference import service
from domain.gl_extraction.reference.model import GROUP_ACCOUNTS, LEDGERS, Entry, Register
from domain.gl_extraction.reference.service import Change
from domain.kernel.errors import CodeTaken, EtagMissing, EtagStale, Invalid, NotFound
from domain.kernel.paging import Key, Page
from server.database.transaction import Database
from tests.gl_extraction.samples import CALL, NOW_US, audit, later

pytestmark = pytest.mark.parametrize("register", [LEDGERS, GROUP_ACCOUNTS], ids=lambda register: register.word)


def created(database: Database, register: Register, code: str, description: str = "") -> Entry:
    return database.write(lambda tx: service.create(tx, CALL, register, code=code, description=description))


@pytest.mark.rule("GLX-04", "PLT-11")
def test_an_entry_is_created_once(database: Database, register: Register) -> None:
    """An entry is there under its code; a second one with the code is refused and named."""
    entry = created(database, register, "A", "First")
    assert entry == Entry("A", "First", version=1, created_us=NOW_US, updated_us=NOW_US)
    assert database.read(lambda tx: service.get(tx, register, "A")) == entry
    with pytest.raises(CodeTaken) as refused:
        created(database, register, "A", "Second")
    assert refused.value.details["resource_name"] == register.name_of("A")
    (told,) = audit(database, f"{register.word}.created")
    assert (told.owner, told.payload) == (register.name_of("A"), {"from": None, "to": {"description": "First"}})


@pytest.mark.rule("GLX-04")
def test_an_unknown_entry_is_not_found(database: Database, register: Register) -> None:
    """What was never created is NOT_FOUND, to read and to change."""
    with pytest.raises(NotFound):
        database.read(lambda tx: service.get(tx, register, "A"))
    with pytest.raises(NotFound):
        database.write(lambda tx: service.update(tx, CALL, register, Change("A", etag="1", description="")))


@pytest.mark.rule("PLT-10", "PLT-11")
def test_a_change_carries_the_etag_last_seen(database: Database, register: Register) -> None:
    """Each change makes a new etag; without one, or with a stale one, nothing changes."""
    first = created(database, register, "A", "First")

    def change(description: str, etag: str) -> Entry:
        return database.write(
            lambda tx: service.update(tx, later(), register, Change("A", etag=etag, description=description))
        )

    second = change("Second", first.etag)
    assert second == replace(first, description="Second", version=2, updated_us=later().now_us)
    assert second.etag != first.etag
    with pytest.raises(EtagStale):
        change("Third", first.etag)
    with pytest.raises(EtagMissing) as refused:
        change("Third", "")
    assert refused.value.violations[0].field == f"{register.word}.etag"
    assert database.read(lambda tx: service.get(tx, register, "A")) == second
    (told,) = audit(database, f"{register.word}.changed")
    assert told.payload == {"from": {"description": "First"}, "to": {"description": "Second"}}


@pytest.mark.rule("PLT-08")
def test_entries_are_listed_by_code(database: Database, register: Register) -> None:
    """Codes sort by their bytes on either database, and pages follow each other."""
    for code in ("b", "B", "a.1", "a-1", "_", "10", "9"):
        created(database, register, code)
    codes: list[str] = []
    after: Key | None = None
    while True:
        page = Page(2, after)
        found = database.read(lambda tx, page=page: service.list_page(tx, register, page))  # type: ignore[misc]
        codes += [entry.code for entry in found[:2]]
        if len(found) <= 2:
            break
        after = [codes[-1]]
    assert codes == ["10", "9", "B", "_", "a-1", "a.1", "b"]


def test_a_description_is_text_that_can_be_kept(database: Database, register: Register) -> None:
    """A NUL in a description is an error of the caller, named by its field."""
    with pytest.raises(Invalid) as refused:
        created(database, register, "A", "\0")
    assert [(found.field, found.reason) for found in refused.value.violations] == [
        (f"{register.word}.description", "CHARACTER_REFUSED")
    ]
