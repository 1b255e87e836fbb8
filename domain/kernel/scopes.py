"""What a caller's permissions hold for: named ledgers, clients and cycles, or all of them (PLT-14).

A row that has a ledger is judged by it. Other rows (operations, batches, files, events …) carry the `scope_id` of what
they concern, 0 for everything, and are seen by callers whose scope covers it. Scopes are kept once each; the id of one
is made of its content, so that nobody waits for anybody to get it, and every database gives it the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, literal_column, select, text, true

from domain.kernel.bulk import insert_rows
from domain.kernel.characters import character_fault
from domain.kernel.documents import Document, from_text, to_text
from domain.kernel.errors import SharedBeyondScope
from domain.kernel.tables import scope as scope_table
from domain.kernel.tables import scope_code

NAMES_MAX = 1_000
"""How many ledgers, clients or cycles a scope may name."""

NAME_LENGTH_MAX = 64
"""How long, in characters, a name may be."""

_ID_END = 1 << 63
_DOCUMENT = select(scope_table.c.document).where(scope_table.c.scope_id == bindparam("scope_id"))


@dataclass(frozen=True, slots=True)
class Scope:
    """The ledgers, clients and cycles that are named, by code; None: all of them, the empty set: none."""

    ledgers: frozenset[str] | None = None
    clients: frozenset[str] | None = None
    cycles: frozenset[str] | None = None

    def covers(self, other: Scope) -> bool:
        """Whether all that lies in the other lies in this one."""
        pairs = zip(self.sets, other.sets, strict=True)
        return all(mine is None or (its is not None and its <= mine) for mine, its in pairs)

    def has_ledger(self, code: str) -> bool:
        """Whether the ledger lies in it."""
        return self.ledgers is None or code in self.ledgers

    def has_client(self, code: str) -> bool:
        """Whether the client lies in it."""
        return self.clients is None or code in self.clients

    def names(self, kind: str) -> frozenset[str] | None:
        """The codes of a kind (KINDS) that are named; None: all there are."""
        return dict(zip(KINDS, self.sets, strict=True))[kind]

    def has(self, kind: str, code: str) -> bool:
        """Whether what has this code lies in it."""
        names = self.names(kind)
        return names is None or code in names

    @property
    def limited(self) -> bool:
        """Whether there is anything that lies outside."""
        return self != EVERYTHING

    @property
    def sets(self) -> tuple[frozenset[str] | None, ...]:
        """Its sets, in the order of KINDS."""
        return (self.ledgers, self.clients, self.cycles)


KINDS = ("ledgers", "clients", "cycles")
"""What a scope names."""

EVERYTHING = Scope()
"""The scope of callers whose permissions hold for all there is; its id is 0."""


def of_ledgers(codes: Iterable[str]) -> Scope:
    """The scope of something that concerns these ledgers, and neither clients nor cycles."""
    return Scope(frozenset(codes), frozenset(), frozenset())


def of_clients(codes: Iterable[str]) -> Scope:
    """The scope of something that concerns these clients, and neither ledgers nor cycles."""
    return Scope(frozenset(), frozenset(codes), frozenset())


def of_one(kind: str, code: str) -> Scope:
    """The scope of something that concerns one ledger, client or cycle, and nothing of the other kinds."""
    return Scope(**{each: frozenset({code} if each == kind else ()) for each in KINDS})


def refuse_shared(scope: Scope, kind: str) -> None:
    """Refuse to change what all of a kind share to those whose scope has but some. Raises: SharedBeyondScope."""
    if scope.names(kind) is not None:
        raise SharedBeyondScope


def mistakes(scope: Scope) -> list[str]:
    """What is wrong with a scope as it was configured or claimed, a clause each."""
    found = []
    for kind, names in zip(KINDS, scope.sets, strict=True):
        if names is not None and len(names) > NAMES_MAX:
            found.append(f"{kind}: names {len(names):,}, at most {NAMES_MAX:,} are possible")
        elif names is not None and not all(0 < len(name) <= NAME_LENGTH_MAX for name in names):
            found.append(f"{kind}: a name has from 1 to {NAME_LENGTH_MAX} characters")
        elif names is not None and any(map(character_fault, names)):
            found.append(f"{kind}: a name holds a character that cannot be kept")
    return found


@lru_cache(maxsize=10_000)
def id_of(scope: Scope) -> int:
    """The scope's id, from its content: 0 for everything, else 63 bits of a SHA-256."""
    if not scope.limited:
        return 0
    return int.from_bytes(sha256(to_text(_document(scope)).encode()).digest()[:8]) % _ID_END or 1


def intern(tx: Connection, scope: Scope) -> int:
    """Keep the scope, if it is new, and give its id.

    Cost: nothing for everything, one statement by primary key for a scope that is known, up to four for a new one. Two
    who bring the same new scope wait for each other once.
    """
    scope_id = id_of(scope)
    if not scope_id:
        return 0
    kept = _find(tx, scope_id)
    if kept is None:
        if _keep(tx, scope_id, scope):
            codes = [(scope_id, kind, code) for kind, names in _named(scope) for code in sorted(names)]
            if codes:
                insert_rows(tx, "scope_code", ("scope_id", "kind", "code"), codes)
        kept = _find(tx, scope_id)
    assert kept == scope, "two scopes with one id"
    return scope_id


def load(tx: Connection, scope_id: int) -> Scope:
    """The scope with an id that `intern` gave. Cost: one statement by primary key, none for everything."""
    if not scope_id:
        return EVERYTHING
    found = _find(tx, scope_id)
    assert found is not None, "scopes are never deleted"
    return found


def visible(tx: Connection, scope: Scope) -> frozenset[int] | None:
    """Ids of the scopes that lie within this one; None: all. Cost: one statement, which reads the scopes there are."""
    if not scope.limited:
        return None
    s, c = scope_table.c, scope_code.c
    query = select(s.scope_id)
    for kind, names in _named(scope):
        outside = exists().where(c.scope_id == s.scope_id, c.kind == kind, c.code.not_in(sorted(names)))
        query = query.where(s[f"all_{kind}"] == 0, ~outside)
    return frozenset(tx.execute(query).scalars())


def sees(tx: Connection, scope: Scope, scope_id: int) -> bool:
    """Whether what has this `scope_id` is seen with a scope. Cost: nothing for everything, else one statement."""
    return not scope.limited or (scope_id > 0 and scope.covers(load(tx, scope_id)))


def within(column: ColumnElement[int], seen: Collection[int] | None) -> ColumnElement[bool]:
    """The condition that a row's `scope_id` is among those `visible`, in the words of the partial indexes on it."""
    return true() if seen is None else and_(column != literal_column("0"), column.in_(sorted(seen)))


def _named(scope: Scope) -> list[tuple[str, frozenset[str]]]:
    """What the scope names, by kind."""
    return [(kind, names) for kind, names in zip(KINDS, scope.sets, strict=True) if names is not None]


def _find(tx: Connection, scope_id: int) -> Scope | None:
    document = tx.execute(_DOCUMENT, {"scope_id": scope_id}).scalar_one_or_none()
    return None if document is None else _from_document(from_text(document))


def _keep(tx: Connection, scope_id: int, scope: Scope) -> bool:
    """Insert the scope; False when somebody has done so meanwhile."""
    alls = {f"all_{kind}": int(names is None) for kind, names in zip(KINDS, scope.sets, strict=True)}
    row = {"scope_id": scope_id, **alls, "document": to_text(_document(scope))}
    statement = text(
        "INSERT INTO scope (scope_id, all_ledgers, all_clients, all_cycles, document) "
        "VALUES (:scope_id, :all_ledgers, :all_clients, :all_cycles, :document) ON CONFLICT DO NOTHING"
    )
    return tx.execute(statement, row).rowcount == 1


def _document(scope: Scope) -> Document:
    """What is named, by kind, in a fixed order: equal scopes have equal documents."""
    return {kind: sorted(names) for kind, names in _named(scope)}


def _from_document(document: Document) -> Scope:
    return Scope(**{kind: frozenset(names) for kind, names in document.items()})
