"""What billing is configured with, by callers whose permissions hold for some bill cycles (PLT-14)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.support.server import refusal
from tests.wire.scope.world import AUDIT, NEW_WINDOW, OURS, THEIRS, World

KINDS: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("CustomerClass", "CustomerClasses", "customer_class", "customerClasses", {}),
    ("TimeOfUseScheme", "TimeOfUseSchemes", "time_of_use_scheme", "timeOfUseSchemes", {"otherwise": "ALL"}),
    (
        "ProfileType",
        "ProfileTypes",
        "profile_type",
        "profileTypes",
        {"kind": "PROFILE_KIND_REGISTER", "unit": "kWh", "register_digits": 6},
    ),
)


@pytest.mark.rule("PLT-14")
def test_how_all_are_billed_is_seen_by_all_and_changed_by_those_who_see_every_cycle(world: World) -> None:
    """Classes, schemes and profile types concern every bill cycle."""
    root, ann = world.root, world.ann
    for kind, plural, field, collection, settings in KINDS:
        name = f"{collection}/NEW"
        given = {field: {"code": "NEW", **settings}}
        changed = {field: {"name": name, "description": "x", "etag": "1"}}
        for method, fields in ((f"Create{kind}", given), (f"Update{kind}", changed)):
            assert refusal(partial(ann.billing, method, **fields)).reason == "SCOPE_TOO_NARROW", method
            root.billing(method, **fields)
        assert ann.billing(f"Get{kind}", name=name).description == "x"
        assert f'"{name}"' in str(ann.billing(f"List{plural}"))


@pytest.mark.rule("PLT-14", "BIL-30")
def test_a_cycle_and_its_windows_are_made_and_changed_by_who_sees_the_cycle(world: World) -> None:
    """One's own cycle is made, changed and told of in one's own trail; a list holds no other."""
    ann, ben = world.ann, world.ben
    made = ann.billing("CreateBillCycle", bill_cycle={"code": OURS})
    changed = {"name": made.name, "description": "ours", "etag": made.etag}
    assert ann.billing("UpdateBillCycle", bill_cycle=changed).description == "ours"
    assert [cycle.code for cycle in ann.billing("ListBillCycles").bill_cycles] == [OURS]
    assert [cycle.code for cycle in ben.billing("ListBillCycles").bill_cycles] == [THEIRS]
    assert [cycle.code for cycle in world.root.billing("ListBillCycles").bill_cycles] == [OURS, THEIRS]
    window = ann.billing("CreateBillCycleWindow", parent=made.name, bill_cycle_window=NEW_WINDOW)
    ann.billing("DeleteBillCycleWindow", name=window.name, etag=window.etag)
    trail = [
        entry.type
        for name in (window.name, made.name)
        for entry in ann.call(f"{AUDIT}/ListAuditEntries", {"resource": name}).audit_entries
    ]
    assert trail == [
        "bill_cycle_window.deleted",
        "bill_cycle_window.created",
        "bill_cycle.changed",
        "bill_cycle.created",
    ]
    assert not ben.call(f"{AUDIT}/ListAuditEntries", {"resource": window.name}).audit_entries
