"""What conditions of rates read of accounts: who is alike has it in common (decision 34)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from sqlalchemy import Connection

from domain.billing.configuration.snapshot import Snapshot
from domain.billing.runs.alike import store
from domain.billing.runs.alike.likeness import AgreementRow, Attributes, Read
from domain.kernel.conditions.expressions import Expression
from domain.kernel.documents import from_text

NAMES = frozenset({"account.code", "agreement.code"})
"""What stands in for an account cannot have: whoever has conditions on these is decided by itself."""

_Keys = Mapping[str, Collection[str] | None]
"""By root, which of its attributes are read; None: any."""


def conditions(snapshot: Snapshot, rate_code: str) -> Iterator[Expression[bool]]:
    """The conditions of a rate, whatever version they are of."""
    components = chain.from_iterable(snapshot.plan(rate_code).versions)
    return (component.condition for component, _ in components if component.condition is not None)


def with_what_is_read(tx: Connection, snapshot: Snapshot, rows: Sequence[AgreementRow]) -> Sequence[AgreementRow]:
    """Agreements with what conditions of their rates read. Cost: one statement if any does, else none."""
    types = snapshot.agreement_types
    kinds = {(row.type_code, row.rate_code) for row in rows}
    keys = {each: _keys(conditions(snapshot, each[1] or types[each[0]].settings.rate)) for each in kinds}
    accounts = {row.account_id for row in rows if keys[row.type_code, row.rate_code]} if any(keys.values()) else ()
    if not accounts:
        return rows
    found = {(row[0], row[1]): row[2:] for row in store.attributes(tx, sorted(accounts))}
    return [
        row._replace(read=_read(its, *found[row.account_id, row.agreement_id]))
        if (its := keys[row.type_code, row.rate_code])
        else row
        for row in rows
    ]


def _keys(of: Iterator[Expression[bool]]) -> _Keys:
    """What they read of attributes; a premise whose code is read is told by that as if by an attribute."""
    found: dict[str, Collection[str] | None] = {}
    for need in chain.from_iterable(each.needs for each in of):
        if need.field == "attributes":
            known = found.get(need.root, ())
            found[need.root] = None if need.keys is None or known is None else {*known, *need.keys}
        elif (need.root, need.field) == ("premise", "code"):
            found["code"] = ()
    return found


def _read(keys: _Keys, account: str, agreement: str, premise_id: str, premise: str) -> Read:
    return Read(
        _chosen(keys, "account", account),
        _chosen(keys, "agreement", agreement),
        _chosen(keys, "premise", premise),
        premise_id if "code" in keys else None,
    )


def _chosen(keys: _Keys, root: str, text: str) -> Attributes:
    if root not in keys:
        return ()
    names, attributes = keys[root], from_text(text)
    return tuple(sorted((name, value) for name, value in attributes.items() if names is None or name in names))
