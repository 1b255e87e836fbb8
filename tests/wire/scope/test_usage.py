"""Interval data and reads, by callers whose permissions hold for some bill cycles (PLT-14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.server import refusal
from tests.wire.scope.world import NEW_AGREEMENT, OPERATIONS, OURS, World, new_account


@pytest.mark.rule("PLT-14", "BIL-24")
def test_data_of_a_profile_outside_are_refused_as_those_of_an_unknown_one(world: World) -> None:
    """In the same words; nothing is stored, and nobody learns whether it is there."""

    def sent(names: dict[str, str]) -> Any:
        row = {"local_start_time": "2026-05-01", "quantity": {"value": "1"}}
        usage = [{"profile": names["profile"], "interval_data": [row]}]
        answer = world.ann.billing("IngestUsage", usage_import={"time_zone": "UTC"}, usage=usage)
        assert (answer.received_count, answer.refused_count) == (1, 1)
        return answer.refused_rows[0].violations

    theirs = sent(world.theirs)
    assert theirs == sent(world.missing)
    assert theirs[0].reason == "PROFILE_UNKNOWN"
    assert not world.ben.billing("ListIntervalData", parent=world.theirs["profile"]).interval_data


@pytest.mark.rule("PLT-14", "BIL-22")
def test_data_are_created_only_from_accounts_that_the_caller_sees(world: World) -> None:
    """Whoever sees both bill cycles has them created; for who sees one alone the source is not there."""
    root, ann = world.root, world.ann
    ann.billing("CreateBillCycle", bill_cycle={"code": OURS})
    account = ann.billing("CreateAccount", account_id="account-ours", account=new_account(OURS)).name
    agreement = ann.billing(
        "CreateServiceAgreement",
        parent=account,
        service_agreement_id="S",
        service_agreement={**NEW_AGREEMENT, "premise": "premises/premise"},
    )
    kind = {"code": "SHARE", "kind": "PROFILE_KIND_INTERVALS", "unit": "kWh", "interval_length": "86400s"}
    root.billing("CreateProfileType", profile_type={**kind, "creation_algorithm": "sum", "creation_priority": 10})
    source = world.theirs["account"] + "/profiles/lamps-theirs"
    profile = {"type_code": "SHARE", "service_agreement": agreement.name, "derivation": {"sources": [source]}}
    asked = {"parent": account, "profile_id": "share", "profile": profile}
    assert refusal(lambda: ann.billing("CreateProfile", **asked)).violations == [
        ("profile.derivation.sources[0]", "SOURCE_PROFILE_UNKNOWN")
    ]
    root.billing("CreateProfile", **asked)

    def created(by: Any) -> Any:
        days = {"start_date": {"year": 2026, "month": 1, "day": 1}, "end_date": {"year": 2026, "month": 2, "day": 1}}
        started = by.billing("CreateIntervalData", account=account, **days)
        ended = by.call(f"{OPERATIONS}/WaitOperation", {"name": started.name, "timeout": "60s"})
        assert ended.HasField("response"), ended
        (found,) = by.billing("ListIntervalDataSets", parent=account).interval_data_sets
        return found

    assert (created(ann).reason, created(ann).created_count) == ("DERIVATION_FAULTY", 0)
    assert (created(root).reason, created(root).unchanged_count) == ("", 31)
    assert created(ann).reason == "DERIVATION_FAULTY", "whatever was created before"
