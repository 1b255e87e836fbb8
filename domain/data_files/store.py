"""All SQL of data file sets and files; by key or index, one statement a function."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, RowMapping, func, literal, select, text, tuple_, update

from domain.data_files.model import DataFile, DataFileSet, totals_from_document, totals_to_document
from domain.data_files.tables import data_file, data_file_set
from domain.kernel import scopes
from domain.kernel.bulk import Cell
from domain.kernel.documents import from_text, to_text
from domain.kernel.script import Script

_s, _f = data_file_set.c, data_file.c

_COLUMNS = tuple(column.name for column in data_file.columns)

_CREATE_SET = text(
    "INSERT INTO data_file_set (code, description, created_us, updated_us, scope_id)"
    " VALUES (:code, :description, :now_us, :now_us, :scope_id) ON CONFLICT DO NOTHING"
)


def find_set(tx: Connection, code: str, *, lock: bool = False) -> DataFileSet | None:
    """The set, if there is one; with `lock` it stays as it is until the transaction ends."""
    query = select(data_file_set).where(_s.code == code)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _set_from_row(row)


def page_of_sets(
    tx: Connection, *, before: tuple[int, str] | None, limit: int, seen: Collection[int] | None = None
) -> list[DataFileSet]:
    """At most `limit` sets, newest first, those behind the key `before` (created_us, code).

    `seen` are the scopes (ids) whose sets are asked for; None: all.
    """
    query = select(data_file_set).order_by(_s.created_us.desc(), _s.code.desc()).limit(limit)
    query = query.where(scopes.within(_s.scope_id, seen)) if seen is not None else query
    if before is not None:
        query = query.where(tuple_(_s.created_us, _s.code) < tuple_(literal(before[0]), literal(before[1])))
    return [_set_from_row(row) for row in tx.execute(query).mappings()]


def create_set(tx: Connection, code: str, description: str, *, now_us: int, scope_id: int = 0) -> bool:
    """Make the set; False when it is there, also made by somebody who commits just now."""
    row = {"code": code, "description": description, "now_us": now_us, "scope_id": scope_id}
    return tx.execute(_CREATE_SET, row).rowcount == 1


def change_set(tx: Connection, changed: DataFileSet) -> None:
    """Put `changed` in place of the set; the caller holds its lock."""
    tx.execute(
        update(data_file_set)
        .where(_s.code == changed.code)
        .values(
            locked=int(changed.locked),
            file_count=changed.file_count,
            size_bytes=changed.size_bytes,
            version=changed.version,
            updated_us=changed.updated_us,
            manifest_count=changed.manifest_count,
            manifest_sha256=changed.manifest_sha256,
        )
    )


def add_file(tx: Connection, file: DataFile) -> None:
    """Record a file."""
    add_files(tx, [file])


def add_files(tx: Connection, files: Sequence[DataFile]) -> None:
    """Record files. Cost: one statement for 200 of them, one for more."""
    script = Script(tx)
    script.insert("data_file", _COLUMNS, [_row(file) for file in files])
    script.run()


def find_visible(tx: Connection, set_code: str, name: str) -> DataFile | None:
    """The file, if there is one to be seen."""
    query = select(data_file).where(_f.set_code == set_code, _f.file_name == name, _f.visible_us > 0)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else _file_from_row(row)


def page_of_visible(
    tx: Connection, set_code: str, *, operation_id: str, after: tuple[int, str, int], limit: int
) -> list[DataFile]:
    """At most `limit` visible files of a set by (visible_us, operation_id, position), those behind the key `after`.

    `operation_id` empty: of every run.
    """
    place = tuple_(_f.visible_us, _f.operation_id, _f.position)
    query = (
        select(data_file)
        .where(_f.set_code == set_code, _f.visible_us > 0)
        .where(place > tuple_(literal(after[0]), literal(after[1]), literal(after[2])))
        .order_by(_f.visible_us, _f.operation_id, _f.position)
        .limit(limit)
    )
    query = query.where(_f.operation_id == operation_id) if operation_id else query
    return [_file_from_row(row) for row in tx.execute(query).mappings()]


def page_of_run(tx: Connection, operation_id: str, *, after_position: int, limit: int) -> list[DataFile]:
    """At most `limit` files of a run by position, visible or not."""
    query = (
        select(data_file)
        .where(_f.operation_id == operation_id, _f.position > after_position)
        .order_by(_f.position)
        .limit(limit)
    )
    return [_file_from_row(row) for row in tx.execute(query).mappings()]


def manifest_of(tx: Connection, operation_id: str, *, lock: bool = False) -> DataFile | None:
    """The manifest of a run, visible or not: its last file, if that is one; `lock`: as in `find_set`.

    Cost: one statement along ix_data_file_operation.
    """
    query = select(data_file).where(_f.operation_id == operation_id).order_by(_f.position.desc()).limit(1)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return _file_from_row(row) if row is not None and row["manifest"] else None


def runs_of_set(tx: Connection, set_code: str, operation_id: str) -> list[str]:
    """The operations whose files are visible in a set, or the one asked for, in the order in which they came."""
    query = (
        select(_f.operation_id)
        .where(_f.set_code == set_code, _f.visible_us > 0)
        .group_by(_f.operation_id)
        .order_by(func.min(_f.visible_us), _f.operation_id)
    )
    query = query.where(_f.operation_id == operation_id) if operation_id else query
    return list(tx.execute(query).scalars())


_UNDER_WAY = text("""
    SELECT 1 FROM data_file f JOIN delivery d
      ON d.key = 'dataFileSets/' || f.set_code || '/files/' || f.file_name AND d.target = :target
    WHERE f.operation_id = :operation_id AND f.manifest = 0 AND d.state <> 'DELIVERED'
    ORDER BY f.position DESC LIMIT 1""")


def is_under_way(tx: Connection, operation_id: str, target: str) -> bool:
    """Whether a file of a run, less its manifest, is yet to arrive at a target.

    Cost: one statement, by key from the last file on: those are sent last.
    """
    return tx.execute(_UNDER_WAY, {"operation_id": operation_id, "target": target}).first() is not None


def reveal(tx: Connection, operation_id: str, *, now_us: int) -> tuple[int, int]:
    """Make the files of a run visible; gives how many they are and their size in bytes."""
    mine = (_f.operation_id == operation_id, _f.visible_us == 0)
    count, size = tx.execute(select(func.count(), func.coalesce(func.sum(_f.size_bytes), 0)).where(*mine)).one()
    tx.execute(update(data_file).where(*mine).values(visible_us=now_us))
    return int(count), int(size)


def _set_from_row(row: RowMapping) -> DataFileSet:
    return DataFileSet(**{**row, "locked": bool(row["locked"])})


def _row(file: DataFile) -> tuple[Cell, ...]:
    return (
        file.set_code,
        file.file_name,
        file.operation_id,
        file.position,
        file.path,
        file.media_type,
        file.size_bytes,
        file.sha256,
        file.record_count,
        to_text(totals_to_document(file.totals)),
        int(file.manifest),
        file.created_us,
        file.visible_us,
    )


def _file_from_row(row: RowMapping) -> DataFile:
    totals = totals_from_document(from_text(row["totals"]))
    return DataFile(**{**row, "totals": totals, "manifest": bool(row["manifest"])})
