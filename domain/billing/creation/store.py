"""The SQL of interval data sets; one statement a function, by primary key or along interval_data_set_once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from domain.billing.creation.derivations import Key
from domain.billing.creation.model import DataSet, DataSetFilter, DataSetState
from domain.billing.segments.store import bills
from domain.billing.tables import billing_account, interval_data_set, profile
from domain.kernel.bulk import Cell
from domain.kernel.documents import from_text, to_text
from domain.kernel.keys import among
from domain.kernel.script import Script

_d, _f, _a = interval_data_set.c, profile.c, billing_account.c
_COLUMNS = tuple(column.name for column in interval_data_set.columns)
_KEY = ("account_id", "data_set_id")


def find(tx: Connection, account_id: str, data_set_id: str, cycles: frozenset[str] | None) -> DataSet | None:
    """The data set, if there is one, of an account in one of the cycles; None: in any."""
    query = select(interval_data_set).where(_d.account_id == account_id, _d.data_set_id == data_set_id)
    if cycles is not None:
        query = query.where(_d.account_id.in_(bills.of_cycles(cycles)))
    row = tx.execute(query).one_or_none()
    return None if row is None else _from_row(row)


def page(tx: Connection, wanted: DataSetFilter, *, after: str, limit: int) -> list[DataSet]:
    """At most `limit` data sets of an account by age, those behind the id `after`."""
    query = select(interval_data_set).where(_d.account_id == wanted.account_id, _d.data_set_id > after)
    for column, value in (
        (_d.profile_id, wanted.profile_id),
        (_d.state, wanted.state),
        (_d.operation_id, wanted.operation_id),
    ):
        query = query.where(column == value) if value else query
    return [_from_row(row) for row in tx.execute(query.order_by(_d.data_set_id).limit(limit))]


def due_from(tx: Connection, account_id: str) -> dict[str, int]:
    """By profile of an account that has data sets, from when on data are to be created: the first error, or the end."""
    broken = func.min(case((_d.state == DataSetState.ERROR, _d.start_us)))
    query = select(_d.profile_id, func.coalesce(broken, func.max(_d.end_us)))
    return {row[0]: row[1] for row in tx.execute(query.where(_d.account_id == account_id).group_by(_d.profile_id))}


def within(tx: Connection, account_id: str, start_us: int, end_us: int) -> list[DataSet]:
    """The data sets of an account that lie within [start, end)."""
    query = select(interval_data_set).where(_d.account_id == account_id, _d.start_us >= start_us, _d.end_us <= end_us)
    return [_from_row(row) for row in tx.execute(query.order_by(_d.data_set_id))]


def broken(tx: Connection, keys: Collection[Key]) -> dict[Key, list[tuple[int, int]]]:
    """Of each of the profiles that has data in error, when these are."""
    if not keys:
        return {}
    query = select(_d.account_id, _d.profile_id, _d.start_us, _d.end_us).where(
        among((_d.account_id, _d.profile_id), keys), _d.state == DataSetState.ERROR
    )
    found: dict[Key, list[tuple[int, int]]] = {}
    for account_id, profile_id, start_us, end_us in tx.execute(query):
        found.setdefault((account_id, profile_id), []).append((start_us, end_us))
    return found


def accounts_of_cycle(tx: Connection, cycle: str, type_codes: Collection[str]) -> list[str]:
    """The accounts of a cycle that have profiles of these types, owned by an agreement; by id."""
    if not type_codes:
        return []
    query = (
        select(_a.account_id)
        .join(profile, _f.account_id == _a.account_id)
        .where(_a.cycle_code == cycle, _f.agreement_id != "", _f.type_code.in_(sorted(type_codes)))
    )
    return list(tx.execute(query.distinct().order_by(_a.account_id)).scalars())


def put(script: Script, new: Sequence[DataSet], again: Sequence[DataSet], gone: Sequence[DataSet]) -> None:
    """Add data sets, put others in their places, and remove what new ones cover. Cost: three statements."""
    script.insert("interval_data_set", _COLUMNS, [_row_of(each) for each in new])
    changed = [name for name in _COLUMNS if name not in _KEY]
    columns = [_COLUMNS.index(name) for name in (*_KEY, *changed)]
    rows = [_row_of(each) for each in again]
    script.update("interval_data_set", _KEY, changed, [[row[at] for at in columns] for row in rows])
    for each in gone:
        script.add(
            "DELETE FROM interval_data_set WHERE account_id = ? AND data_set_id = ?", each.account_id, each.data_set_id
        )


def _row_of(value: DataSet) -> list[Cell]:
    plain: dict[str, Any] = {"waits_on": to_text(list(value.waits_on)), "estimated": int(value.estimated)}
    return [plain.get(name, getattr(value, name)) for name in _COLUMNS]


def _from_row(row: Any) -> DataSet:  # noqa: ANN401 - a row of all columns
    fields = dict(zip(_COLUMNS, row, strict=True))
    fields |= {
        "state": DataSetState(fields["state"]),
        "waits_on": tuple(from_text(fields["waits_on"])),
        "estimated": bool(fields["estimated"]),
    }
    return DataSet(**fields)
