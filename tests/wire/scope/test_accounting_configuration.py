"""What accounting is configured with, by callers whose permissions hold for some clients (PLT-14)."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.server import refusal
from tests.wire.accounting.samples import rule_fields
from tests.wire.scope.world import OURS, THEIRS, World

TABLE = {"condition": "true", "account": "1990", "distribution_code": "LOSS"}


@pytest.mark.rule("PLT-14")
def test_shared_configuration_is_seen_by_all_and_changed_by_those_who_see_every_client(world: World) -> None:
    """Claim types, collections, account determination and rules concern every client."""
    root, ann = world.root, world.ann
    root.gl("CreateDistributionCode", distribution_code={"code": "LOSS", "ledger_code": OURS})
    table = {"collection_code": "LOSS", "rows": [TABLE]}
    rule = {"code": "R", "newest_version": rule_fields()}
    collection = {"name": "collections/FEES", "description": "x", "etag": "1"}
    named = {"claim_type": {"name": "claimTypes/LOAN", "description": "x", "etag": "1"}}
    determined = {**table, "description": "x", "etag": "1"}
    version = {"parent": "accountingRules/R", "etag": "1", "accounting_rule_version": rule_fields(position=2)}
    changes = (
        ("CreateClaimType", {"claim_type": {"code": "LOAN"}}),
        ("UpdateClaimType", named),
        ("CreateCollection", {"collection": {"code": "OTHER"}}),
        ("UpdateCollection", {"collection": collection}),
        ("CreateAccountDeterminationTable", {"account_determination_table": table}),
        ("UpdateAccountDeterminationTable", {"account_determination_table": determined}),
        ("CreateAccountingRule", {"accounting_rule": rule}),
        ("CreateAccountingRuleVersion", version),
        ("RetireAccountingRule", {"name": "accountingRules/R"}),
        ("UnretireAccountingRule", {"name": "accountingRules/R"}),
    )
    for method, fields in changes:
        assert refusal(partial(ann.accounting, method, **fields)).reason == "SCOPE_TOO_NARROW", method
        root.accounting(method, **fields)
    for kind, name in (
        ("ClaimType", "claimTypes/LOAN"),
        ("Collection", "collections/OTHER"),
        ("AccountDeterminationTable", "accountDeterminationTables/LOSS"),
        ("AccountingRule", "accountingRules/R"),
        ("AccountingRuleVersion", "accountingRules/R/versions/2"),
    ):
        assert ann.accounting(f"Get{kind}", name=name).name == name
        parent = {"parent": "accountingRules/R"} if kind == "AccountingRuleVersion" else {}
        assert f'"{name}"' in str(ann.accounting(f"List{kind}s", **parent))


@pytest.mark.rule("PLT-14")
def test_a_client_is_made_and_changed_by_who_sees_it(world: World) -> None:
    """One's own client is made, changed and told of in one's own trail; a list holds no other."""
    made = world.ann.accounting("CreateClient", client={"code": OURS, "time_zone": "UTC"})
    changed = {"name": made.name, "description": "ours", "etag": made.etag}
    assert world.ann.accounting("UpdateClient", client=changed).description == "ours"
    assert [client.code for client in world.ann.accounting("ListClients").clients] == [OURS]
    assert [client.code for client in world.ben.accounting("ListClients").clients] == [THEIRS]
    assert [client.code for client in world.root.accounting("ListClients").clients] == [OURS, THEIRS]
    trail = {"resource": made.name}
    audit = "countinghouse.operations.v1.AuditService/ListAuditEntries"
    assert [entry.type for entry in world.ann.call(audit, trail).audit_entries] == ["client.changed", "client.created"]
    assert not world.ben.call(audit, trail).audit_entries
