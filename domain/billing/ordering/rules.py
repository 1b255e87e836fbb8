"""What cannot be put in order is refused when it is configured, with reasons of its own (BIL-01, BIL-02).

The reasons are stable codes of field violations. Where a bill finds what its configuration could not show, they are
those of the segment's error.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.billing.ordering.model import Agreement
from domain.kernel.amounts import Fault

SEQUENCE_MAX = 2**31 - 1
PRIORITY_MIN, PRIORITY_MAX = 10, 90


def sequence_fault(value: object) -> Fault | None:
    """What is wrong with a processing sequence, of an SA type or of an algorithm; an empty one is not asked about.

    Only an integer is one: 10 comes after 2, which no text and no fraction says by itself.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return "PROCESSING_SEQUENCE_NOT_INTEGER", "must be an integer, such as 10"
    if value < 0:
        return "PROCESSING_SEQUENCE_NEGATIVE", "must not be negative; 0, which stands for none too, comes first"
    if value > SEQUENCE_MAX:
        return "PROCESSING_SEQUENCE_TOO_LARGE", f"must not be above {SEQUENCE_MAX:,}"
    return None


def priority_fault(priority: int) -> Fault | None:
    """What is wrong with the creation priority of a profile type (BIL-03)."""
    if not PRIORITY_MIN <= priority <= PRIORITY_MAX:
        return "CREATION_PRIORITY_OUT_OF_RANGE", f"must be from {PRIORITY_MIN}, first, to {PRIORITY_MAX}, last"
    return None


def master_faults(agreements: Collection[Agreement]) -> dict[str, Fault]:
    """By agreement, what is wrong with its master; empty when all can be put in order.

    To check a change, hand over what the account will have then, with the master that is named if that is elsewhere:
    an agreement that has subs and becomes a sub is told by its subs. Cost: O(n).
    """
    subs = [each for each in agreements if each.master_id is not None]
    if not subs:
        return {}
    by_id = {each.id: each for each in agreements}
    looped = _looped(by_id)
    found = ((each.id, _master_fault(each, by_id, looped)) for each in subs)
    return {agreement_id: fault for agreement_id, fault in found if fault}


def _master_fault(agreement: Agreement, by_id: Mapping[str, Agreement], looped: set[str]) -> Fault | None:
    assert agreement.master_id is not None
    if agreement.master_id == agreement.id:
        return "MASTER_IS_ITSELF", f"{agreement.id} cannot be its own master"
    master = by_id.get(agreement.master_id)
    if master is None:
        return "MASTER_UNKNOWN", f"there is no agreement {agreement.master_id} that could be its master"
    if master.account_id != agreement.account_id:
        return "MASTER_OF_ANOTHER_ACCOUNT", f"{master.id} belongs to another account than {agreement.id}"
    if agreement.id in looped:
        return "MASTER_LOOP", f"{agreement.id} would be, through its master {master.id}, the sub of itself"
    if master.master_id is not None:
        return "MASTER_IS_SUB", f"{master.id} is the sub of {master.master_id}, so {agreement.id} cannot be its sub"
    return None


def _looped(by_id: Mapping[str, Agreement]) -> set[str]:
    """Those who come back to themselves by going from master to master; each agreement is gone through once."""
    looped: set[str] = set()
    seen: set[str] = set()
    for start in by_id:
        trail: dict[str, int] = {}
        at: str | None = start
        while at is not None and at in by_id and at not in seen:
            seen.add(at)
            trail[at] = len(trail)
            at = by_id[at].master_id
        if at is not None and at in trail:
            looped.update(each for each, step in trail.items() if step >= trail[at])
    return looped
