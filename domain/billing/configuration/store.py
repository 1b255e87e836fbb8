"""The SQL of what rates say; one statement a function, by primary key unless said otherwise.

Rates themselves, as all that is configured beside their versions, are kept by `kernel.registers`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from domain.billing.configuration import documents
from domain.billing.configuration.model import (
    AgreementType,
    ConfiguredRate,
    CustomerClass,
    Cycle,
    ProfileType,
    RateVersion,
    Scheme,
)
from domain.billing.configuration.registers import (
    AGREEMENT_TYPES,
    CUSTOMER_CLASSES,
    CYCLES,
    PROFILE_TYPES,
    RATES,
    SCHEMES,
    SHELF,
)
from domain.billing.tables import rate, rate_version, service_agreement
from domain.kernel.documents import from_text, to_text
from domain.kernel.registers import store as registers

_v, _g = rate_version.c, service_agreement.c
_VERSIONS = select(rate_version, rate.c.currency).join_from(rate_version, rate, rate.c.code == _v.code)


class Written(NamedTuple):
    """A version of a rate as it is kept; the text is a document of `documents`."""

    code: str
    rate_version: int
    effective_day: int
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """All that is configured, as of one version; without the windows of cycles."""

    version: int
    customer_classes: tuple[CustomerClass, ...]
    schemes: tuple[Scheme, ...]
    profile_types: tuple[ProfileType, ...]
    agreement_types: tuple[AgreementType, ...]
    cycles: tuple[Cycle, ...]
    rates: tuple[ConfiguredRate, ...]
    rate_versions: tuple[Written, ...]  # by code and number


def read_all(tx: Connection) -> Contents:
    """All that is configured, from one version of it.

    Cost: nine statements that read small tables whole, and the same again when somebody changes them meanwhile.

    Raises: Unavailable when they are changed all the time.
    """
    return registers.read_whole(
        tx,
        SHELF,
        lambda version: Contents(
            version,
            registers.everything(tx, CUSTOMER_CLASSES),
            registers.everything(tx, SCHEMES),
            registers.everything(tx, PROFILE_TYPES),
            registers.everything(tx, AGREEMENT_TYPES),
            registers.everything(tx, CYCLES),
            registers.everything(tx, RATES),
            _written(tx),
        ),
    )


def create_rate_version(tx: Connection, new: RateVersion) -> None:
    """Insert a version of a rate whose row the transaction holds."""
    row: dict[str, str | int] = {
        "code": new.code,
        "rate_version": new.rate_version,
        "effective_day": new.settings.effective_day,
        "document": to_text(documents.components_document(new.settings.components)),
        "created_us": new.created_us,
        "created_by": new.created_by,
    }
    assert registers.insert(tx, rate_version.name, row), "whoever holds the rate alone adds versions"


def find_rate_version(tx: Connection, code: str, number: int) -> RateVersion | None:
    """A version of a rate, if there is one."""
    rows = _rows(tx, _VERSIONS.where(_v.code == code, _v.rate_version == number))
    return _version_from(rows[0]) if rows else None


def rate_versions_page(tx: Connection, code: str, *, before: int, limit: int) -> list[RateVersion]:
    """At most `limit` versions of a rate, the newest first, those before the number `before`; 0: from the newest."""
    query = _VERSIONS.where(_v.code == code).order_by(_v.rate_version.desc()).limit(limit)
    query = query.where(_v.rate_version < before) if before else query
    return [_version_from(row) for row in _rows(tx, query)]


def newest_versions(tx: Connection, codes: Collection[str]) -> dict[str, RateVersion]:
    """By code, the version of rates that came last."""
    query = _VERSIONS.where(_v.code.in_(sorted(codes)), _v.rate_version == rate.c.newest_version)
    return {row["code"]: _version_from(row) for row in _rows(tx, query)}


def versions_that_hold(tx: Connection, codes: Collection[str]) -> dict[str, list[RateVersion]]:
    """By code, of each effective day of rates the newest version, by day."""
    query = _VERSIONS.where(_v.code.in_(sorted(codes))).order_by(_v.code, _v.effective_day, _v.rate_version)
    newest = {(row["code"], row["effective_day"]): row for row in _rows(tx, query)}
    found: dict[str, list[RateVersion]] = {code: [] for code in codes}
    for row in newest.values():
        found[row["code"]].append(_version_from(row))
    return found


def rates_of_agreements(tx: Connection, today: int, type_code: str = "") -> list[tuple[str, str]]:
    """Type and rate of agreements that have one of their own and go on behind a day; each pair once.

    Cost: one statement that reads ix_service_agreement_rate.
    """
    query = select(_g.type_code, _g.rate_code).where(_g.rate_code != "", (_g.end_day == 0) | (_g.end_day > today))
    query = query.where(_g.type_code == type_code) if type_code else query
    return [(row[0], row[1]) for row in tx.execute(query.distinct().order_by(_g.type_code, _g.rate_code))]


def _written(tx: Connection) -> tuple[Written, ...]:
    query = select(_v.code, _v.rate_version, _v.effective_day, _v.document).order_by(_v.code, _v.rate_version)
    return tuple(Written(*row) for row in tx.execute(query))


def _version_from(row: Any) -> RateVersion:  # noqa: ANN401 - a mapping of columns
    settings = documents.version_from(
        from_text(row["document"]),
        code=row["code"],
        number=row["rate_version"],
        effective_day=row["effective_day"],
        currency=row["currency"],
    )
    return RateVersion(row["code"], row["rate_version"], settings, row["created_us"], row["created_by"])


def _rows(tx: Connection, query: Any) -> list[Any]:  # noqa: ANN401 - any select
    return list(tx.execute(query).mappings())
