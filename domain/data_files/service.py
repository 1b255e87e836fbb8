"""Use cases of data file sets: look, lock, unlock, and take a run's files in (PLT-30)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.data_files import store
from domain.data_files.errors import DataFileSetElsewhere, DataFileSetLocked, DataFileSetStale, OffsetPastEnd
from domain.data_files.model import FILE_TYPE, SET_TYPE, ChainEnd, DataFile, DataFileSet, file_name, set_name
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.errors import NotFound
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope
from domain.operations.errors import StepOvertaken


def get_set(tx: Connection, code: str, scope: Scope = EVERYTHING) -> DataFileSet:
    """The set. Raises: NotFound, also for what lies outside the scope."""
    found = store.find_set(tx, code)
    if found is None or not scopes.sees(tx, scope, found.scope_id):
        raise NotFound(SET_TYPE, set_name(code))
    return found


def list_sets(tx: Connection, page: Page, scope: Scope = EVERYTHING) -> list[DataFileSet]:
    """One set of the scope more than the page holds, if there is one, newest first; the key is (created_us, code)."""
    before = (int(page.after[0]), str(page.after[1])) if page.after else None
    return store.page_of_sets(tx, before=before, limit=page.size + 1, seen=scopes.visible(tx, scope))


def lock(tx: Connection, call: Call, code: str, etag: str) -> DataFileSet:
    """Lock the set; a locked one stays as it is. Raises: NotFound; DataFileSetStale."""
    return _locked(tx, call, code, etag, locked=True)


def unlock(tx: Connection, call: Call, code: str, etag: str) -> DataFileSet:
    """Unlock the set; an unlocked one stays as it is. Raises: NotFound; DataFileSetStale."""
    return _locked(tx, call, code, etag, locked=False)


def list_files(tx: Connection, code: str, operation_id: str, page: Page, scope: Scope = EVERYTHING) -> list[DataFile]:
    """One file more than the page holds, if there is one, in the order in which they were written.

    `operation_id` empty: of every run. The key is (visible_us, operation_id, position). Raises: NotFound for the set.
    """
    get_set(tx, code, scope)
    after = (int(page.after[0]), str(page.after[1]), int(page.after[2])) if page.after else (0, "", 0)
    return store.page_of_visible(tx, code, operation_id=operation_id, after=after, limit=page.size + 1)


def get_file(tx: Connection, code: str, name: str, scope: Scope = EVERYTHING) -> DataFile:
    """The file's facts. Raises: NotFound, also for what lies outside the scope."""
    file = store.find_visible(tx, code, name)
    if file is None or not _sees_set(tx, code, scope):
        raise NotFound(FILE_TYPE, file_name(code, name))
    return file


def file_from(tx: Connection, code: str, name: str, offset: int, scope: Scope = EVERYTHING) -> DataFile:
    """The file's facts, for who wants its bytes from `offset` on. Raises: NotFound; OffsetPastEnd."""
    file = get_file(tx, code, name, scope)
    if offset > file.size_bytes:
        raise OffsetPastEnd(
            f"{file.name} has {file.size_bytes} bytes and ends before the offset {offset}",
            resource_name=file.name,
            size_bytes=file.size_bytes,
        )
    return file


def refuse_closed(tx: Connection, code: str, scope: Scope = EVERYTHING) -> None:
    """Refuse a set that exists and takes no files of such a scope, or is locked, before anything is done for it.

    A set has files of one scope, so that who sees it sees all of it. Raises: DataFileSetElsewhere; DataFileSetLocked.
    """
    found = store.find_set(tx, code)
    if found is not None:
        _refuse_closed(found, scopes.id_of(scope))


def chain_of(tx: Connection, code: str) -> ChainEnd:
    """Where the set's chain of manifests ends; that of a set which does not exist has not begun."""
    found = store.find_set(tx, code)
    return ChainEnd() if found is None else found.chain


def reveal_run(
    tx: Connection, call: Call, code: str, description: str, *, after: ChainEnd | None = None
) -> DataFileSet:
    """Make all files of the call's operation visible at once, in a set that is made if it does not exist.

    `after` is where the chain of manifests ended when the run's manifest was written; None: the run has no manifest.

    Cost: seven statements; the set's row is locked until the transaction ends. Of two runs that make one set
    the later waits for the other. Raises: DataFileSetElsewhere; DataFileSetLocked;
    StepOvertaken when another run's manifest has come in between.
    """
    assert call.operation_id
    scope_id = scopes.intern(tx, call.scope)
    created = store.create_set(tx, code, description, now_us=call.now_us, scope_id=scope_id)
    before = _existing(store.find_set(tx, code, lock=True), code)
    _refuse_closed(before, scope_id)
    # The order in which a set's files are listed is the one in which they came, whatever clock their runs had.
    at_us = call.now_us if created else max(call.now_us, before.updated_us + 1)
    count, size_bytes = store.reveal(tx, call.operation_id, now_us=at_us)
    chain = before.chain if after is None else _continued(tx, call.operation_id, before.chain, after)
    changed = replace(
        before,
        file_count=before.file_count + count,
        size_bytes=before.size_bytes + size_bytes,
        version=before.version if created else before.version + 1,
        updated_us=at_us,
        manifest_count=chain.count,
        manifest_sha256=chain.sha256,
    )
    store.change_set(tx, changed)
    kind = "data_file_set.created" if created else "data_file_set.files_added"
    payload = {
        "from": None if created else {"file_count": before.file_count, "size_bytes": before.size_bytes},
        "to": {"file_count": changed.file_count, "size_bytes": changed.size_bytes},
    }
    events.append(tx, call, changed.name, kind, payload)
    return changed


def _continued(tx: Connection, operation_id: str, chain: ChainEnd, after: ChainEnd) -> ChainEnd:
    if chain != after:
        raise StepOvertaken
    manifest = store.manifest_of(tx, operation_id)
    assert manifest is not None
    return ChainEnd(chain.count + 1, manifest.sha256)


def _locked(tx: Connection, call: Call, code: str, etag: str, *, locked: bool) -> DataFileSet:
    if call.scope.limited:
        get_set(tx, code, call.scope)  # what lies outside is not waited for
    before = _existing(store.find_set(tx, code, lock=True), code)
    if etag and etag != before.etag:
        raise DataFileSetStale(code, etag=etag)
    if before.locked == locked:
        return before
    after = replace(before, locked=locked, version=before.version + 1, updated_us=max(call.now_us, before.updated_us))
    store.change_set(tx, after)
    kind = "data_file_set.locked" if locked else "data_file_set.unlocked"
    payload = {"from": {"locked": before.locked}, "to": {"locked": locked}}
    events.append(tx, call, after.name, kind, payload, scope_id=after.scope_id)
    return after


def _refuse_closed(found: DataFileSet, scope_id: int) -> None:
    if found.scope_id != scope_id:
        raise DataFileSetElsewhere(resource_type=SET_TYPE, resource_name=found.name)
    if found.locked:
        raise DataFileSetLocked(found.code)


def _sees_set(tx: Connection, code: str, scope: Scope) -> bool:
    """Whether the set of a file lies within the scope. Cost: nothing for everything."""
    if not scope.limited:
        return True
    found = store.find_set(tx, code)
    return found is not None and scopes.sees(tx, scope, found.scope_id)


def _existing(found: DataFileSet | None, code: str) -> DataFileSet:
    if found is None:
        raise NotFound(SET_TYPE, set_name(code))
    return found
