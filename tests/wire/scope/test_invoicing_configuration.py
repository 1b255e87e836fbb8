"""What invoicing is configured with, by callers whose permissions hold for some cycles (PLT-14)."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.server import refusal
from tests.wire.scope.world import AUDIT, NEW_BILLING_CYCLE, NEW_ISSUER, OURS, THEIRS, World


@pytest.mark.rule("PLT-14")
def test_issuers_are_seen_by_all_and_changed_by_those_who_see_every_cycle(world: World) -> None:
    """An issuer concerns every cycle."""
    root, ann = world.root, world.ann
    given = {"issuer": {**NEW_ISSUER, "code": "NEW"}}
    changed = {"issuer": {"name": "issuers/NEW", "description": "x", "etag": "1"}}
    for method, fields in (("CreateIssuer", given), ("UpdateIssuer", changed)):
        assert refusal(partial(ann.invoicing, method, **fields)).reason == "SCOPE_TOO_NARROW", method
        root.invoicing(method, **fields)
    assert ann.invoicing("GetIssuer", name="issuers/NEW").description == "x"
    assert [issuer.code for issuer in ann.invoicing("ListIssuers").issuers] == ["NEW", "SELLER"]


@pytest.mark.rule("PLT-14")
def test_a_billing_cycle_and_its_schedules_are_made_and_changed_by_who_sees_the_cycle(world: World) -> None:
    """One's own cycle is made, changed and told of in one's own trail; a list holds no other."""
    ann, ben = world.ann, world.ben
    ann.gl("CreateDistributionCode", distribution_code={"code": "D-OURS", "ledger_code": OURS})
    given = {**NEW_BILLING_CYCLE, "code": OURS}
    refused = refusal(partial(ann.invoicing, "CreateBillingCycle", billing_cycle=given))
    assert refused.reason == "DISTRIBUTION_CODE_UNKNOWN", "that of another's ledger"
    made = ann.invoicing("CreateBillingCycle", billing_cycle={**given, "receivable_distribution_code": "D-OURS"})
    changed = {"name": made.name, "description": "ours", "etag": made.etag}
    assert ann.invoicing("UpdateBillingCycle", billing_cycle=changed).description == "ours"
    assert [cycle.code for cycle in ann.invoicing("ListBillingCycles").billing_cycles] == [OURS]
    assert [cycle.code for cycle in ben.invoicing("ListBillingCycles").billing_cycles] == [THEIRS]
    assert [cycle.code for cycle in world.root.invoicing("ListBillingCycles").billing_cycles] == [OURS, THEIRS]
    schedule = ann.invoicing("CreateInvoiceSchedule", parent=made.name, invoice_schedule={"code": "FIRST"})
    ann.invoicing("DeleteInvoiceSchedule", name=schedule.name, etag=schedule.etag)
    trail = [
        entry.type
        for name in (schedule.name, made.name)
        for entry in ann.call(f"{AUDIT}/ListAuditEntries", {"resource": name}).audit_entries
    ]
    assert trail == [
        "invoice_schedule.deleted",
        "invoice_schedule.created",
        "billing_cycle.changed",
        "billing_cycle.created",
    ]
    assert not ben.call(f"{AUDIT}/ListAuditEntries", {"resource": schedule.name}).audit_entries


@pytest.mark.rule("PLT-14")
def test_recipients_are_seen_by_all_and_changed_by_those_who_see_every_cycle(world: World) -> None:
    """An account may be invoiced in any cycle."""
    root, ann = world.root, world.ann
    recipient = {"name": "recipients/A-1", "party": NEW_ISSUER["party"]}
    given = {"recipient": recipient, "allow_missing": True}
    rows = {"recipients": [{"account_id": "A-2", "recipient": {"party": NEW_ISSUER["party"]}}]}
    for method, fields in (("UpdateRecipient", given), ("ImportRecipients", rows)):
        assert refusal(partial(ann.invoicing, method, **fields)).reason == "SCOPE_TOO_NARROW", method
        root.invoicing(method, **fields)
    assert ann.invoicing("GetRecipient", name="recipients/A-1").party.name == "Seller"
    assert [each.name for each in ann.invoicing("ListRecipients").recipients] == ["recipients/A-1", "recipients/A-2"]
