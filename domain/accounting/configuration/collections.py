"""Use cases of collections that change them; they are read by `service`."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.configuration import rule_rules, store
from domain.accounting.configuration.errors import CollectionSettles
from domain.accounting.configuration.model import Collection, Resolution
from domain.accounting.configuration.registers import COLLECTIONS
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.registers import service
from domain.kernel.registers.service import Change


def create(
    tx: Connection,
    call: Call,
    code: str,
    *,
    description: str,
    suspense: bool,
    write_off: bool,
    zero_for: frozenset[Resolution],
) -> Collection:
    """Add a collection. Raises: SharedBeyondScope; Invalid; CodeTaken."""
    service.refuse_outside(COLLECTIONS, code, call.scope)
    require_storable(**{"collection.description": description})
    new = Collection(code, description, suspense, write_off, zero_for, 1, call.now_us, call.now_us)
    return service.create(tx, call, COLLECTIONS, new)


def update(tx: Connection, call: Call, change: Change) -> Collection:
    """Change fields of the collection that still has the etag.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid; CollectionSettles.
    """
    require_storable(**{"collection.description": change.changes.get("description", "")})

    def changed(old: Collection) -> Collection:
        new = replace(old, **change.changes)
        if old.suspense and not new.suspense:
            _refuse_needed(tx, old.code, call.now_us)
        return new

    return service.update(tx, call, COLLECTIONS, change, changed)


def _refuse_needed(tx: Connection, code: str, now_us: int) -> None:
    running = rule_rules.still_to_run(store.versions_in_use(tx), now_us)
    rules = sorted({rule.code for rule in running if rule_rules.needs_suspense(rule.settings, code)})
    if rules:
        raise CollectionSettles(code, rules)
