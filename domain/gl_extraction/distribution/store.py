"""The SQL of distribution codes; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text, update

from domain.gl_extraction.distribution.model import Distribution, DistributionCode
from domain.gl_extraction.distribution.rules import FIELDS
from domain.gl_extraction.tables import distribution_code
from domain.kernel.documents import from_text, to_text

_LISTS = ("gl_segments", "attributes")
_c = distribution_code.c
_COLUMNS = ("code", *FIELDS, "version", "created_us", "updated_us")
_KNOWN = select(distribution_code).where(_c.code.in_(bindparam("codes", expanding=True)))
_CREATE = text(
    f"INSERT INTO distribution_code ({', '.join(_COLUMNS)}) "  # noqa: S608 - ours
    f"VALUES ({', '.join(f':{name}' for name in _COLUMNS)}) ON CONFLICT DO NOTHING"
)


def find(tx: Connection, code: str) -> DistributionCode | None:
    """The distribution code, if there is one."""
    return known(tx, (code,)).get(code)


def known(tx: Connection, codes: Iterable[str]) -> dict[str, DistributionCode]:
    """Those of `codes` that there are."""
    rows = tx.execute(_KNOWN, {"codes": sorted(set(codes))})
    return {row.code: _from_row(row) for row in rows}


def page(tx: Connection, *, after: str, limit: int, ledgers: frozenset[str] | None = None) -> list[DistributionCode]:
    """At most `limit` by code, those behind the code `after`, and of these ledgers; None: of all."""
    query = select(distribution_code).where(_c.code > after).order_by(_c.code).limit(limit)
    query = query if ledgers is None else query.where(_c.ledger_code.in_(sorted(ledgers)))
    return [_from_row(row) for row in tx.execute(query)]


def create(tx: Connection, new: DistributionCode) -> bool:
    """Insert it; False when its code is taken, also by somebody who commits just now."""
    stamps = {"version": new.version, "created_us": new.created_us, "updated_us": new.updated_us}
    return tx.execute(_CREATE, {"code": new.code, **_stored(new.distribution), **stamps}).rowcount == 1


def change(tx: Connection, new: DistributionCode, *, from_version: int) -> bool:
    """Put it in place of its `from_version`; False when that version is no longer there."""
    statement = (
        update(distribution_code)
        .where(_c.code == new.code, _c.version == from_version)
        .values(**_stored(new.distribution), version=new.version, updated_us=new.updated_us)
    )
    return tx.execute(statement).rowcount == 1


def _stored(distribution: Distribution) -> dict[str, str]:
    fields = asdict(distribution)
    return {**fields, **{name: to_text(fields[name]) for name in _LISTS}}


def _from_row(row: Row[*tuple[Any, ...]]) -> DistributionCode:
    fields = dict(row._mapping)  # noqa: SLF001 - its public name
    texts = {name: fields.pop(name) for name in FIELDS}
    lists = {name: tuple(from_text(texts[name])) for name in _LISTS}
    return DistributionCode(**fields, distribution=Distribution(**{**texts, **lists}))
