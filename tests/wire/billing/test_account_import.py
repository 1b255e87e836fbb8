"""Accounts of another system, by stream."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.billing.v1 import account_import_pb2 as pb
from countinghouse.billing.v1 import accounts_pb2
from countinghouse.client import AccountRefusal, AccountsTotals, aio, connect
from countinghouse.client import accounts as packing
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.server import Served, refusal
from tests.wire.billing.office import ACCOUNT, AGREEMENT, PREMISE, PROFILE, Given, Office

PREMISE_OF: Given = {"premise_id": "P-1", "premise": PREMISE}


def row(account_id: str, **changes: Any) -> Given:
    """A head office with two sites, the second of which comes first, each with a meter."""
    account = f"accounts/{account_id}"
    head = {"service_agreement_id": "H", "service_agreement": {**AGREEMENT, "type_code": "HEAD_OFFICE"}}
    sites = [
        {
            "service_agreement_id": own_id,
            "service_agreement": {
                **AGREEMENT,
                "master": f"{account}/serviceAgreements/H",
                "premise": "premises/P-1",
            },
        }
        for own_id in ("S-2", "S-1")
    ]
    hourly = {**PROFILE, "type_code": "HOURLY"}
    meters = [
        {"profile_id": f"F-{at}", "profile": {**hourly, "service_agreement": f"{account}/serviceAgreements/S-{at}"}}
        for at in (1, 2)
    ]
    found = {
        "account_id": account_id,
        "account": ACCOUNT,
        "premises": [PREMISE_OF],
        "service_agreements": [*sites, head],
        "profiles": meters,
    }
    return deepcopy({**found, **changes})


def send(office: Office, rows: Sequence[Given], size: int = 1000) -> pb.ImportAccountsResponse:
    """The rows, so many in a message."""

    def messages() -> Iterator[pb.ImportAccountsRequest]:
        for first in range(0, len(rows), size):
            yield ParseDict({"accounts": list(rows[first : first + size])}, pb.ImportAccountsRequest())

    return office.billing.ImportAccounts(messages())


def counts(answer: pb.ImportAccountsResponse) -> tuple[int, int, int, int]:
    return answer.received_count, answer.created_count, answer.unchanged_count, answer.refused_count


def faults(answer: pb.ImportAccountsResponse) -> list[list[tuple[str, str]]]:
    return [[(each.field, each.reason) for each in refused.violations] for refused in answer.refused_accounts]


@pytest.mark.rule("PLT-05", "PLT-11", "BIL-02")
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_accounts_come_in_with_all_that_belongs_to_them(utility: Served, office: Office, size: int) -> None:
    """As single calls would make them, however many come in a message; what comes again is unchanged."""
    rows = [row(f"A-{at}") for at in range(5)]
    assert counts(send(office, rows, size)) == (5, 5, 0, 0)
    assert office.get("premises/P-1").time_zone == PREMISE["time_zone"]
    meter, site = office.get("accounts/A-3/profiles/F-2"), office.get("accounts/A-3/serviceAgreements/S-2")
    assert (meter.service_agreement, meter.time_zone) == (site.name, "Europe/Lisbon")
    assert (site.master, site.premise) == ("accounts/A-3/serviceAgreements/H", "premises/P-1")
    assert office.get("accounts/A-3").description == ACCOUNT["description"]
    assert [each.service_agreement[-3:] for each in office.order("accounts/A-3")] == ["s/H", "S-1", "S-2"]
    assert counts(send(office, [*rows, row("A-9")], size)) == (6, 1, 5, 0)
    audit = utility.stub(audit_pb2_grpc.AuditServiceStub)
    entries = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(type="accounts.imported")).audit_entries
    told = [MessageToDict(entry.changes) for entry in entries]
    assert sum(each["created_count"] for each in told) == 6
    office.update("Account", name="accounts/A-1", etag="1", description="changed since")
    assert faults(send(office, rows[1:2])) == [[("account_id", "ACCOUNT_ID_TAKEN")]]


@pytest.mark.rule("PLT-07", "BIL-02")
@pytest.mark.parametrize("size", [1, 1000])
def test_a_bad_row_is_refused_alone_with_every_reason(office: Office, size: int) -> None:
    """Nothing of it is stored; the same row put right is taken."""
    loop = row("A-2")
    loop["service_agreements"][0]["service_agreement"]["master"] = "accounts/A-2/serviceAgreements/S-1"
    twice = row("A-3", profiles=[])
    twice["service_agreements"][1]["service_agreement_id"] = "S-2"
    wrong = row("A-4", account={**ACCOUNT, "customer_class_code": "NONE", "currency_code": "USD"})
    wrong["profiles"][0]["profile"].update(type_code="NONE", service_agreement="accounts/A-4/serviceAgreements/X")
    dates = row("A-5")
    for at in (0, 2):
        dates["service_agreements"][at]["service_agreement"]["end_date"] = {"year": 2026, "month": 2, "day": 30}
    account = {**ACCOUNT, "currency_code": "euro", "attributes": {"a": "\0"}}
    bad = row("bad id", account=account, service_agreements=[], profiles=[])
    rows = [
        row("A-1"),
        loop,
        twice,
        wrong,
        dates,
        bad,
        row("A-6", premises=[{**PREMISE_OF, "premise": {**PREMISE, "time_zone": "UTC"}}]),
        row("A-7", premises=[PREMISE_OF, {"premise_id": "P-2", "premise": {"time_zone": "Mars/X"}}]),
        row("A-1", profiles=[]),
        row("A-1"),
    ]
    answer = send(office, rows, size)
    assert counts(answer) == (10, 1, 1, 8)
    assert [(each.row, each.account_id) for each in answer.refused_accounts] == [
        (1, "A-2"),
        (2, "A-3"),
        (3, "A-4"),
        (4, "A-5"),
        (5, "bad id"),
        (6, "A-6"),
        (7, "A-7"),
        (8, "A-1"),
    ]
    of = "service_agreements[{}].service_agreement.{}"
    assert faults(answer) == [
        [(of.format(0, "master"), "MASTER_IS_SUB")],
        [(f"service_agreements[{at}].service_agreement_id", "ID_REPEATED") for at in (0, 1)],
        [
            ("account.customer_class_code", "CUSTOMER_CLASS_UNKNOWN"),
            *[(of.format(at, "type_code"), "RATE_OF_ANOTHER_CURRENCY") for at in (0, 1, 2)],
            ("profiles[0].profile.type_code", "PROFILE_TYPE_UNKNOWN"),
            ("profiles[0].profile.service_agreement", "OWNER_UNKNOWN"),
        ],
        [(of.format(at, "end_date"), "DATE_INVALID") for at in (0, 2)],
        [
            ("account_id", "STRING_PATTERN"),
            ("account.currency_code", "STRING_PATTERN"),
            ('account.attributes["a"]', "CHARACTER_REFUSED"),
        ],
        [("premises[0].premise_id", "PREMISE_ID_TAKEN")],
        [("premises[1].premise.time_zone", "TIME_ZONE_UNKNOWN")],
        [("account_id", "ACCOUNT_ID_TAKEN")],
    ]
    assert answer.refused_count_by_reason["RATE_OF_ANOTHER_CURRENCY"] == 1, "rows are counted"
    names = [each.name for each in office.billing.ListAccounts(accounts_pb2.ListAccountsRequest()).accounts]
    assert names == ["accounts/A-1"]
    assert refusal(lambda: office.get("premises/P-2")).reason == "PREMISE_NOT_FOUND"
    assert counts(send(office, [row("A-7")])) == (1, 1, 0, 0)


@pytest.mark.rule("BIL-22")
@pytest.mark.parametrize("size", [1, 1000])
def test_a_row_sees_what_rows_before_it_have_made(office: Office, size: int) -> None:
    """Data may be created from those of accounts that came earlier in the stream, and of the row itself."""

    def derived(account_id: str, source: str) -> Given:
        made = row(account_id)
        derivation = {"sources": [source], "parameters": {"factor": "0.5"}}
        made["profiles"].append({"profile_id": "C", "profile": {"type_code": "CREATED-10", "derivation": derivation}})
        return made

    rows = [
        row("A-1"),
        derived("A-2", "accounts/A-1/profiles/F-1"),
        derived("A-3", "accounts/A-3/profiles/F-1"),
        derived("A-4", "accounts/A-5/profiles/F-1"),
        row("A-5"),
    ]
    answer = send(office, rows, size)
    assert counts(answer) == (5, 4, 0, 1)
    assert faults(answer) == [[("profiles[2].profile.derivation.sources[0]", "SOURCE_PROFILE_UNKNOWN")]]
    assert counts(send(office, rows, size)) == (5, 1, 4, 0)


def test_the_client_cuts_accounts_into_streams(utility: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became of each is told under its place among all, whatever stream or message it was in."""
    monkeypatch.setattr(packing, "STREAM_ACCOUNTS_MAX", 5)
    monkeypatch.setattr(packing, "MESSAGE_ACCOUNTS_MAX", 2)
    monkeypatch.setattr(packing, "ACCOUNT_BYTES_MAX", 20_000)
    huge = row("A-6")
    huge["service_agreements"] *= 100
    rows = [row(f"A-{at}") for at in range(6)] + [huge] + [row(f"A-{at}") for at in (7, 1, 8)]
    rows[3]["account"]["customer_class_code"] = "NONE"
    messages = [ParseDict(each, pb.AccountToImport()) for each in rows]
    refused: list[AccountRefusal] = []
    with connect(utility.target) as client:
        totals = client.billing.import_accounts(messages, on_refusal=refused.append)
    assert (totals.received_count, totals.created_count, totals.unchanged_count, totals.refused_count) == (10, 7, 1, 2)
    told = [(each.row, each.account_id, each.violations[0].reason) for each in refused]
    assert told == [(3, "A-3", "CUSTOMER_CLASS_UNKNOWN"), (6, "A-6", "ROW_TOO_LARGE")]

    async def again() -> AccountsTotals:
        async with aio.connect(utility.target) as client:
            return await client.billing.import_accounts(messages)

    assert asyncio.run(again()).unchanged_count == 8
