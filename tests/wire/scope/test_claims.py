"""Claims and what happened to them, by callers whose permissions hold for some clients (PLT-14)."""

from __future__ import annotations

from functools import partial

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
