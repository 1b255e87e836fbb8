"""The SQL of accounts, premises, service agreements and profiles; one statement a function, by primary key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select, update

from domain.billing import tables
from domain.billing.accounts.model import Account, Premise, Profile, ServiceAgreement
from domain.billing.accounts.requests import Key
from domain.billing.configuration.model import Derivation
from domain.billing.creation.derivations import Series
from domain.billing.segments.states import SegmentKind, SegmentState
from domain.kernel.bulk import insert_rows
from domain.kernel.documents import from_text, to_text
from domain.kernel.keys import among
from domain.kernel.registers.store import insert
from domain.kernel.structures import document_of, value_from

_a, _p, _s, _f = tables.billing_account.c, tables.premise.c, tables.service_agreement.c, tables.profile.c
_b = tables.bill_segment.c

T = TypeVar("T", ServiceAgreement, Profile)
Row = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts; the empty string means any. `cycles` None: of all cycles, and those without one."""

    cycle_code: str = ""
    customer_class_code: str = ""
    cycles: frozenset[str] | None = None


# Accounts


def find_account(tx: Connection, account_id: str) -> Account | None:
    """The account, if there is one."""
    return accounts(tx, (account_id,)).get(account_id)


def accounts(tx: Connection, account_ids: Iterable[str]) -> dict[str, Account]:
    """Those of the accounts that there are, by id."""
    return _accounts(tx, account_ids, lock=False)


def lock_accounts(tx: Connection, account_ids: Iterable[str]) -> dict[str, Account]:
    """Those of the accounts that there are, by id, each held until the transaction ends, in the order of their ids."""
    return _accounts(tx, account_ids, lock=True)


def page_of_accounts(tx: Connection, wanted: AccountFilter, *, after: str, limit: int) -> list[Account]:
    """At most `limit` accounts by id, those behind the id `after`.

    Cost: one statement along the primary key, or along ix_billing_account_cycle for one cycle.
    """
    query = select(tables.billing_account).where(_a.account_id > after).order_by(_a.account_id).limit(limit)
    for column, value in ((_a.cycle_code, wanted.cycle_code), (_a.customer_class_code, wanted.customer_class_code)):
        query = query.where(column == value) if value else query
    query = query if wanted.cycles is None else query.where(_a.cycle_code.in_(sorted(wanted.cycles)))
    return [_account(row) for row in tx.execute(query)]


def create_account(tx: Connection, value: Account) -> bool:
    """Insert the account; False when its id is taken, also by somebody who commits just now."""
    return insert(tx, tables.billing_account.name, account_row(value))


def change_account(tx: Connection, value: Account) -> None:
    """Put the account in its place; it is locked."""
    _change(tx, tables.billing_account, account_row(value), _a.account_id == value.account_id)


# Premises


def premises(tx: Connection, premise_ids: Iterable[str], *, lock: bool = False) -> dict[str, Premise]:
    """Those of the premises that there are, by id; `lock` holds them until the transaction ends."""
    wanted = sorted(set(premise_ids))
    if not wanted:
        return {}
    query = select(tables.premise).where(_p.premise_id.in_(wanted)).order_by(_p.premise_id)
    return {row[0]: _premise(row) for row in tx.execute(query.with_for_update() if lock else query)}


def page_of_premises(tx: Connection, *, after: str, limit: int) -> list[Premise]:
    """At most `limit` premises by id, those behind the id `after`."""
    query = select(tables.premise).where(_p.premise_id > after).order_by(_p.premise_id).limit(limit)
    return [_premise(row) for row in tx.execute(query)]


def create_premise(tx: Connection, value: Premise) -> bool:
    """Insert the premise; False when its id is taken, also by somebody who commits just now."""
    return insert(tx, tables.premise.name, premise_row(value))


def change_premise(tx: Connection, value: Premise) -> None:
    """Put the premise in its place; it is locked."""
    _change(tx, tables.premise, premise_row(value), _p.premise_id == value.premise_id)


def served_at(tx: Connection, premise_id: str) -> list[str]:
    """The accounts that have an agreement at a premise, by id. Cost: along ix_service_agreement_premise."""
    query = select(_s.account_id).where(_s.premise_id == premise_id, _s.premise_id != "")
    return list(tx.execute(query.distinct().order_by(_s.account_id)).scalars())


# Service agreements


def find_agreement(tx: Connection, account_id: str, agreement_id: str) -> ServiceAgreement | None:
    """The agreement, if there is one."""
    query = select(tables.service_agreement).where(_s.account_id == account_id, _s.agreement_id == agreement_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else _agreement(row)


def agreements_of(tx: Connection, account_ids: Collection[str]) -> dict[str, tuple[ServiceAgreement, ...]]:
    """All agreements of each of the accounts, by id."""
    if not account_ids:
        return {}
    query = select(tables.service_agreement).where(_s.account_id.in_(sorted(account_ids)))
    rows = tx.execute(query.order_by(_s.account_id, _s.agreement_id))
    return _by_account(account_ids, map(_agreement, rows))


def agreement_keys(tx: Connection, keys: Collection[Key]) -> frozenset[Key]:
    """Those of the agreements that there are."""
    return _keys(tx, (_s.account_id, _s.agreement_id), keys)


def page_of_agreements(tx: Connection, account_id: str, *, after: str, limit: int) -> list[ServiceAgreement]:
    """At most `limit` agreements of the account by id, those behind the id `after`."""
    query = select(tables.service_agreement).where(_s.account_id == account_id, _s.agreement_id > after)
    return [_agreement(row) for row in tx.execute(query.order_by(_s.agreement_id).limit(limit))]


def create_agreement(tx: Connection, value: ServiceAgreement) -> bool:
    """Insert the agreement, whose account is locked; False when its id is taken."""
    return insert(tx, tables.service_agreement.name, agreement_row(value))


def change_agreement(tx: Connection, value: ServiceAgreement) -> None:
    """Put the agreement in its place; its account is locked."""
    mine = (_s.account_id == value.account_id, _s.agreement_id == value.agreement_id)
    _change(tx, tables.service_agreement, agreement_row(value), *mine)


def billed_until(tx: Connection, account_id: str, agreement_id: str) -> int:
    """The day before which the agreement is billed; 0 when nothing of it is on a bill that stays.

    Cost: one statement along ix_bill_segment_agreement.
    """
    query = select(func.max(_b.end_day)).where(
        _b.account_id == account_id,
        _b.agreement_id == agreement_id,
        _b.kind == SegmentKind.USAGE,
        _b.state.in_((SegmentState.FROZEN, SegmentState.PENDING_CANCEL)),
    )
    return int(tx.execute(query).scalar_one() or 0)


def unsettle_segments(tx: Connection, *account_ids: str, rebilling: bool = True) -> None:
    """Have the segments of accounts that are not frozen made again before they can be; the accounts are locked.

    Those that rebill others are rebilled again for it, unless what has changed does not matter to them. Cost: one
    statement along ix_bill_segment_agreement.
    """
    mine = [_b.account_id.in_(account_ids), _b.kind == SegmentKind.USAGE, _b.state == SegmentState.FREEZABLE]
    if not rebilling:
        mine.append(_b.rebills_id == "")
    tx.execute(update(tables.bill_segment).where(*mine).values(state=SegmentState.INCOMPLETE, version=_b.version + 1))


# Profiles


def find_profile(tx: Connection, account_id: str, profile_id: str) -> Profile | None:
    """The profile, if there is one."""
    query = select(tables.profile).where(_f.account_id == account_id, _f.profile_id == profile_id)
    row = tx.execute(query).one_or_none()
    return None if row is None else _profile(row)


def profiles_of(tx: Connection, account_ids: Collection[str]) -> dict[str, tuple[Profile, ...]]:
    """All profiles of each of the accounts, by id."""
    if not account_ids:
        return {}
    query = select(tables.profile).where(_f.account_id.in_(sorted(account_ids)))
    return _by_account(account_ids, map(_profile, tx.execute(query.order_by(_f.account_id, _f.profile_id))))


def profile_series(tx: Connection, keys: Collection[Key]) -> dict[Key, Series]:
    """Those of the profiles that there are, with their types and time zones."""
    if not keys:
        return {}
    query = select(_f.account_id, _f.profile_id, _f.type_code, _f.time_zone)
    rows = tx.execute(query.where(among((_f.account_id, _f.profile_id), keys)))
    return {(row[0], row[1]): Series(row[2], row[3]) for row in rows}


def page_of_profiles(tx: Connection, account_id: str, *, after: str, limit: int) -> list[Profile]:
    """At most `limit` profiles of the account by id, those behind the id `after`."""
    query = select(tables.profile).where(_f.account_id == account_id, _f.profile_id > after)
    return [_profile(row) for row in tx.execute(query.order_by(_f.profile_id).limit(limit))]


def create_profile(tx: Connection, value: Profile) -> bool:
    """Insert the profile, whose account is locked; False when its id is taken."""
    return insert(tx, tables.profile.name, profile_row(value))


def change_profile(tx: Connection, value: Profile) -> None:
    """Put the profile in its place; its account is locked."""
    mine = (_f.account_id == value.account_id, _f.profile_id == value.profile_id)
    _change(tx, tables.profile, profile_row(value), *mine)


# Many at once


def create_many(
    tx: Connection,
    *,
    premises: Sequence[Premise],
    accounts: Sequence[Account],
    agreements: Sequence[ServiceAgreement],
    profiles: Sequence[Profile],
) -> None:
    """Insert what is not there; whoever meets another who inserts the same just now is run again by the database.

    Cost: at most one COPY, or prepared INSERT, for each kind.
    """
    _insert(tx, tables.premise, [premise_row(each) for each in premises])
    _insert(tx, tables.billing_account, [account_row(each) for each in accounts])
    _insert(tx, tables.service_agreement, [agreement_row(each) for each in agreements])
    _insert(tx, tables.profile, [profile_row(each) for each in profiles])


def _insert(tx: Connection, table: Table[Any], rows: Sequence[Row]) -> None:
    if rows:
        insert_rows(tx, table.name, list(rows[0]), (tuple(row.values()) for row in rows))


# Rows: values have their fields in the order of the columns


def account_row(value: Account) -> Row:
    """The account as a row, by column."""
    return _row(value, tables.billing_account, attributes=to_text(dict(value.attributes)))


def premise_row(value: Premise) -> Row:
    """The premise as a row, by column."""
    return _row(value, tables.premise, attributes=to_text(dict(value.attributes)))


def agreement_row(value: ServiceAgreement) -> Row:
    """The agreement as a row, by column."""
    return _row(value, tables.service_agreement, attributes=to_text(dict(value.attributes)))


def profile_row(value: Profile) -> Row:
    """The profile as a row, by column."""
    derived = value.derivation != _NOT_DERIVED
    return _row(value, tables.profile, derivation=to_text(document_of(value.derivation)) if derived else "{}")


_NOT_DERIVED = Derivation()
_DOCUMENT = -4


def _row(value: Account | Premise | ServiceAgreement | Profile, table: Table[Any], **documents: str) -> Row:
    plain = (column.name for column in table.columns if column.name not in documents)
    return {**{name: getattr(value, name) for name in plain}, **documents}


def _accounts(tx: Connection, account_ids: Iterable[str], *, lock: bool) -> dict[str, Account]:
    wanted = sorted(set(account_ids))
    if not wanted:
        return {}
    query = select(tables.billing_account).where(_a.account_id.in_(wanted)).order_by(_a.account_id)
    return {row[0]: _account(row) for row in tx.execute(query.with_for_update() if lock else query)}


def _keys(tx: Connection, columns: tuple[Column[str], Column[str]], keys: Collection[Key]) -> frozenset[Key]:
    if not keys:
        return frozenset()
    query = select(*columns).where(among(columns, keys))
    return frozenset((account_id, its_id) for account_id, its_id in tx.execute(query))


def _by_account(account_ids: Iterable[str], values: Iterable[T]) -> dict[str, tuple[T, ...]]:
    found: dict[str, list[T]] = {account_id: [] for account_id in account_ids}
    for value in values:
        found[value.account_id].append(value)
    return {account_id: tuple(each) for account_id, each in found.items()}


def _change(tx: Connection, table: Table[Any], row: Row, *mine: ColumnElement[bool]) -> None:
    assert tx.execute(update(table).where(*mine).values(**row)).rowcount == 1


def _account(row: Sequence[Any]) -> Account:
    return Account(*_read(row, from_text))


def _premise(row: Sequence[Any]) -> Premise:
    return Premise(*_read(row, from_text))


def _agreement(row: Sequence[Any]) -> ServiceAgreement:
    return ServiceAgreement(*_read(row, from_text))


def _profile(row: Sequence[Any]) -> Profile:
    return Profile(*_read(row, _derivation))


def _derivation(text: str) -> Derivation:
    return _NOT_DERIVED if text == "{}" else value_from(Derivation, from_text(text))


def _read(row: Sequence[Any], document: Callable[[str], Any]) -> list[Any]:
    """The row with its document read, which stands before version and times."""
    values = list(row)
    values[_DOCUMENT] = document(values[_DOCUMENT])
    return values
