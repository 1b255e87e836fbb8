"""Batches as they are watched: one by its version, and all of them by the sum of theirs (INV-18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.invoicing.batches import store
from domain.invoicing.batches.working import ALL
from domain.invoicing.names import batch_name
from server.call import Tx
from server.watcher import Subject


@dataclass(frozen=True, slots=True)
class Version:
    """How often it has changed."""

    revision: int


def _changed(tx: Tx, known: Mapping[str, Version]) -> Mapping[str, Version | type[Exception]]:
    found = store.versions(tx, [batch_id for batch_id in known if batch_id != ALL])
    if ALL in known:
        found[ALL] = store.all_versions(tx, None)
    return {key: Version(version) for key, version in found.items() if version != known[key].revision}


BATCHES: Subject[Version] = Subject(batch_name(""), _changed)
"""Batches, by id; all of them as one."""
