"""The SQL of the configuration; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from domain.accounting.configuration import documents
from domain.accounting.configuration.model import ClaimType, Client, Collection, Determination, Rule, RuleVersion
from domain.accounting.configuration.registers import (
    CLAIM_TYPES,
    CLIENTS,
    COLLECTIONS,
    DETERMINATIONS,
    SHELF,
)
from domain.accounting.tables import accounting_rule, accounting_rule_version
from domain.kernel.documents import from_text, to_text
from domain.kernel.registers import store as registers

_r, _v = accounting_rule.c, accounting_rule_version.c
_RULES = (
    select(accounting_rule, _v.rule_version, _v.document, _v.valid_from_us, _v.created_by)
    .add_columns(_v.created_us.label("version_created_us"))
    .join_from(accounting_rule, accounting_rule_version, (_v.code == _r.code) & (_v.rule_version == _r.newest_version))
)


@dataclass(frozen=True, slots=True)
class Contents:
    """All that is configured, as of one version."""

    version: int
    clients: tuple[Client, ...]
    claim_types: tuple[ClaimType, ...]
    collections: tuple[Collection, ...]
    determinations: tuple[Determination, ...]
    rule_versions: tuple[RuleVersion, ...]  # by code and number
    retired: frozenset[str]  # rules


def read_all(tx: Connection) -> Contents:
    """All that is configured, from one version of it.

    Cost: eight statements that read small tables whole, and the same again when somebody changes them meanwhile.

    Raises: Unavailable when they are changed all the time.
    """
    return registers.read_whole(
        tx,
        SHELF,
        lambda version: Contents(
            version,
            registers.everything(tx, CLIENTS),
            registers.everything(tx, CLAIM_TYPES),
            registers.everything(tx, COLLECTIONS),
            registers.everything(tx, DETERMINATIONS),
            tuple(
                map(_rule_version_from, _rows(tx, select(accounting_rule_version).order_by(_v.code, _v.rule_version)))
            ),
            frozenset(tx.execute(select(_r.code).where(_r.retired == 1)).scalars()),
        ),
    )


# Rules


def find_rule(tx: Connection, code: str) -> Rule | None:
    """The rule with its newest version, if there is one."""
    rows = _rows(tx, _RULES.where(_r.code == code))
    return _rule_from(rows[0]) if rows else None


def lock_rule(tx: Connection, code: str) -> Rule | None:
    """The rule with its newest version, its row locked until the transaction ends; None when there is none.

    Two statements: the newest version is read once nobody else can add one.
    """
    tx.execute(select(_r.code).where(_r.code == code).with_for_update())
    return find_rule(tx, code)


def versions_in_use(tx: Connection) -> list[RuleVersion]:
    """All versions of the rules that are not retired, by code and number; small tables, read whole."""
    used = select(accounting_rule_version).join_from(accounting_rule_version, accounting_rule, _r.code == _v.code)
    return [
        _rule_version_from(row) for row in _rows(tx, used.where(_r.retired == 0).order_by(_v.code, _v.rule_version))
    ]


def versions_of(tx: Connection, code: str) -> list[RuleVersion]:
    """All versions of a rule, by number."""
    query = select(accounting_rule_version).where(_v.code == code).order_by(_v.rule_version)
    return [_rule_version_from(row) for row in _rows(tx, query)]


def rules_page(tx: Connection, *, after: str, limit: int) -> list[Rule]:
    """At most `limit` rules by code, those behind the code `after`."""
    return [_rule_from(row) for row in _rows(tx, _RULES.where(_r.code > after).order_by(_r.code).limit(limit))]


def find_rule_version(tx: Connection, code: str, number: int) -> RuleVersion | None:
    """A version of a rule, if there is one."""
    rows = _rows(tx, select(accounting_rule_version).where(_v.code == code, _v.rule_version == number))
    return _rule_version_from(rows[0]) if rows else None


def rule_versions_page(tx: Connection, code: str, *, before: int, limit: int) -> list[RuleVersion]:
    """At most `limit` versions of a rule, the newest first, those before the number `before`; 0: from the newest."""
    query = select(accounting_rule_version).where(_v.code == code).order_by(_v.rule_version.desc()).limit(limit)
    query = query.where(_v.rule_version < before) if before else query
    return [_rule_version_from(row) for row in _rows(tx, query)]


def create_rule(tx: Connection, rule: Rule) -> bool:
    """Insert the rule, without its version; False when its code is taken. `create_rule_version` follows."""
    return registers.insert(tx, accounting_rule.name, _rule_row(rule))


def create_rule_version(tx: Connection, new: RuleVersion) -> None:
    """Insert a version of a rule whose row the transaction holds."""
    row: dict[str, str | int] = {
        "code": new.code,
        "rule_version": new.rule_version,
        "document": to_text(documents.rule_document(new.settings)),
        "valid_from_us": new.valid_from_us,
        "created_us": new.created_us,
        "created_by": new.created_by,
    }
    assert registers.insert(tx, accounting_rule_version.name, row), "whoever holds the rule alone adds versions"


def change_rule(tx: Connection, rule: Rule) -> None:
    """Put the rule's row in place of the one that the transaction has locked."""
    assert tx.execute(update(accounting_rule).where(_r.code == rule.code).values(**_rule_row(rule))).rowcount == 1


def _rows(tx: Connection, query: Any) -> list[Any]:  # noqa: ANN401 - any select
    return list(tx.execute(query).mappings())


def _rule_row(rule: Rule) -> dict[str, str | int]:
    return {
        "code": rule.code,
        "newest_version": rule.newest.rule_version,
        "retired": int(rule.retired),
        "version": rule.version,
        "created_us": rule.created_us,
        "updated_us": rule.updated_us,
    }


def _rule_from(row: Any) -> Rule:  # noqa: ANN401 - a mapping of columns
    newest = _rule_version_from({**row, "created_us": row["version_created_us"]})
    return Rule(newest, bool(row["retired"]), row["version"], row["created_us"], row["updated_us"])


def _rule_version_from(row: Any) -> RuleVersion:  # noqa: ANN401 - as above
    settings = documents.rule_settings(from_text(row["document"]))
    return RuleVersion(
        row["code"], row["rule_version"], settings, row["valid_from_us"], row["created_us"], row["created_by"]
    )
