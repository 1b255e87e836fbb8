"""Claims and what happened to them, by callers whose permissions hold for some clients (PLT-14)."""

from __future__ import annotations

from functools import partial
from typing import Any

import grpc
import pytest

from tests.support.server import refusal
from tests.wire.scope.world import NOBODYS, OURS, THEIRS, World, new_claim


@pytest.mark.rule("PLT-14")
def test_a_claim_of_a_client_outside_is_refused_as_one_of_an_unknown_client(world: World) -> None:
    """In the same words; and the claims of one's own client are one's own."""
    world.ann.accounting("CreateClient", client={"code": OURS, "time_zone": "UTC"})
    theirs, nobodys = (
        refusal(partial(world.ann.accounting, "CreateClaim", **new_claim(code))) for code in (THEIRS, NOBODYS)
    )
    assert (theirs.code, theirs.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CLIENT_UNKNOWN")
    assert str(theirs).replace(THEIRS, NOBODYS) == str(nobodys)
    made = world.ann.accounting("CreateClaim", **new_claim(OURS))
    assert world.ann.accounting("GetClaim", name=made.name) == made
    assert [claim.name for claim in world.ann.accounting("ListClaims").claims] == [made.name]
    assert {claim.client_code for claim in world.cat.accounting("ListClaims").claims} == {OURS, THEIRS}
    assert not world.ann.accounting("ListClaims", client_code=THEIRS).claims


@pytest.mark.rule("PLT-14", "ACC-56")
def test_what_happened_to_claims_outside_is_told_to_nobody(world: World) -> None:
    """Neither by the client nor by the claim, in the words for what there is not."""
    for of in ("claim", "client"):
        outside, nowhere = (
            refusal(partial(world.ann.accounting, "ListAccountingEvents", parent=names[of]))
            for names in (world.theirs, world.missing)
        )
        assert outside.code is grpc.StatusCode.NOT_FOUND
        assert outside.message.replace(world.theirs[of], world.missing[of]) == nowhere.message
        assert outside.reason == nowhere.reason
    assert world.ben.accounting("ListAccountingEvents", parent=world.theirs["claim"]).accounting_events


@pytest.mark.rule("PLT-14", "ACC-05")
def test_items_of_a_claim_outside_are_refused_as_of_an_unknown_one(world: World) -> None:
    """In the same words, each by itself; nothing of them is done."""

    def item(names: dict[str, str]) -> dict[str, Any]:
        return {"parent": names["claim"], "workflow_point": "CREDIT", "entries": [{"dispute": names["dispute"]}]}

    answer = world.ann.accounting("BatchExecuteAccounting", items=[item(world.theirs), item(world.missing)])
    theirs, missing = (result.error for result in answer.results)
    assert theirs.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert theirs.message.replace(world.theirs["claim"], world.missing["claim"]) == missing.message


@pytest.mark.rule("PLT-14", "ACC-12", "ACC-40")
def test_assignments_and_tasks_of_a_client_outside_are_in_no_list(world: World) -> None:
    """Whatever is asked for: the claim, the client, or all of them."""
    ann, theirs = world.ann, world.theirs
    assert not ann.accounting("ListAssignments", parent="claims/-", client=theirs["client"]).assignments
    for method, parent in (("ListAssignments", theirs["claim"]), ("ListTasks", theirs["client"])):
        refused = refusal(partial(ann.accounting, method, parent=parent))
        assert refused.code is grpc.StatusCode.NOT_FOUND
    assert world.ben.accounting("ListAssignments", parent=theirs["claim"]).assignments
    assert world.ben.accounting("ListTasks", parent=theirs["client"]).tasks
