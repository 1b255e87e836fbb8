"""Distribution codes over the wire: what an account or charge means to the ledger."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.server import Served, refusal
from tests.wire.gl_extraction.conftest import NOW_US
from tests.wire.gl_extraction.samples import Gl

LOSS = {
    "code": "LOSS",
    "description": "Losses of claims",
    "ledger_code": "MAIN",
    "group_account_code": "GA1",
    "distribution_account": "6100",
    "bulking_group": "CLAIMS",
    "category": "LOSS",
    "gl_segments": ["100", "", "30"],
    "attributes": ["", "north"],
}


def create(gl: Gl, *, request_id: str = "", validate_only: bool = False, **changes: Any) -> pb.DistributionCode:
    given = {name: value for name, value in {**LOSS, **changes}.items() if value is not None}
    new = ParseDict(given, pb.DistributionCode())
    request = pb.CreateDistributionCodeRequest(
        distribution_code=new, request_id=request_id, validate_only=validate_only
    )
    return gl.CreateDistributionCode(request)


def update(gl: Gl, *paths: str, validate_only: bool = False, **given: Any) -> pb.DistributionCode:
    request = pb.UpdateDistributionCodeRequest(
        distribution_code=ParseDict({"name": "distributionCodes/LOSS", **given}, pb.DistributionCode()),
        validate_only=validate_only,
    )
    request.update_mask.paths.extend(paths)
    return gl.UpdateDistributionCode(request)


def get(gl: Gl, code: str = "LOSS") -> pb.DistributionCode:
    return gl.GetDistributionCode(pb.GetDistributionCodeRequest(name=f"distributionCodes/{code}"))


@pytest.mark.rule("GLX-04", "PLT-06", "PLT-10")
def test_a_code_carries_what_its_details_will(books: Gl) -> None:
    """It is created once and read as it was given; a rehearsal stores nothing."""
    assert create(books, validate_only=True).name == "distributionCodes/LOSS"
    assert refusal(lambda: get(books)).code == grpc.StatusCode.NOT_FOUND
    made = create(books, request_id="c")
    told = MessageToDict(made, preserving_proto_field_name=True)
    assert {name: told[name] for name in LOSS} == LOSS
    assert (made.name, made.create_time.ToMicroseconds()) == ("distributionCodes/LOSS", NOW_US)
    assert made.create_time == made.update_time
    assert create(books, request_id="c") == made == get(books)
    taken = refusal(lambda: create(books))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CODE_TAKEN")
    assert create(books, code="SHORT", gl_segments=["1", "", ""], attributes=[""]).gl_segments == ["1"]


@pytest.mark.rule("PLT-08")
def test_codes_are_listed_page_by_page(books: Gl) -> None:
    """By code, and none twice."""
    for code in ("B", "a", "A"):
        create(books, code=code)
    first = books.ListDistributionCodes(pb.ListDistributionCodesRequest(page_size=2))
    rest = books.ListDistributionCodes(pb.ListDistributionCodesRequest(page_token=first.next_page_token))
    assert [found.code for found in (*first.distribution_codes, *rest.distribution_codes)] == ["A", "B", "a"]
    assert (len(first.distribution_codes), rest.next_page_token) == (2, "")


@pytest.mark.rule("GLX-04", "PLT-07", "PLT-09")
@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"ledger_code": "NONE"}, "ledger_code", "LEDGER_UNKNOWN"),
        ({"ledger_code": None}, "ledger_code", "FIELD_REQUIRED"),
        ({"group_account_code": "NONE"}, "group_account_code", "GROUP_ACCOUNT_UNKNOWN"),
        ({"category": "\x01"}, "category", "CHARACTER_REFUSED"),
        ({"gl_segments": ["1", "\x02"]}, "gl_segments[1]", "CHARACTER_REFUSED"),
        ({"distribution_account": "x" * 65}, "distribution_account", "STRING_MAX_LEN"),
        ({"bulking_group": "x" * 65}, "bulking_group", "STRING_MAX_LEN"),
        ({"gl_segments": ["x"] * 31}, "gl_segments", "REPEATED_MAX_ITEMS"),
        ({"attributes": ["x" * 257]}, "attributes[0]", "STRING_MAX_LEN"),
    ],
)
def test_what_details_would_be_refused_for_is_refused(
    books: Gl, changes: dict[str, Any], field: str, reason: str
) -> None:
    """When it is configured, and not when the first detail is made; on a change, too."""
    refused = refusal(lambda: create(books, **changes))
    assert (refused.code, refused.violations) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        [(f"distribution_code.{field}", reason)],
    )
    if "ledger_code" not in changes:
        made = create(books)
        assert refusal(lambda: update(books, etag=made.etag, **changes)).violations == refused.violations
        assert get(books) == made


@pytest.mark.rule("PLT-10", "PLT-11")
def test_a_change_goes_by_etag_and_mask_and_is_remembered(served: Served, books: Gl) -> None:
    """What the mask does not name stays; the trail tells what changed, and nothing else."""
    made = create(books)
    assert update(books, validate_only=True, etag=made.etag, category="X").category == "X"
    assert get(books) == made
    changed = update(books, "category", "gl_segments", etag=made.etag, category="FEES", bulking_group="not asked")
    assert (changed.category, list(changed.gl_segments), changed.bulking_group) == ("FEES", [], "CLAIMS")
    assert changed.etag != made.etag
    assert get(books) == changed
    assert refusal(lambda: update(books, etag=made.etag, category="X")).reason == "ETAG_STALE"
    assert refusal(lambda: update(books, category="X")).violations == [("distribution_code.etag", "ETAG_REQUIRED")]
    assert refusal(lambda: update(books, "owner", etag=changed.etag)).violations == [
        ("update_mask", "UPDATE_MASK_INVALID")
    ]
    trail = served.stub(audit_pb2_grpc.AuditServiceStub)
    told = trail.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=made.name)).audit_entries
    assert [entry.type for entry in told] == ["distribution_code.changed", "distribution_code.created"]
    assert MessageToDict(told[0].changes) == {
        "from": {"category": "LOSS", "gl_segments": ["100", "", "30"]},
        "to": {"category": "FEES", "gl_segments": []},
    }


@pytest.mark.rule("GLX-04")
def test_a_code_stays_with_its_ledger(books: Gl) -> None:
    """Another ledger has another code; to repeat the ledger, or to ask for all there is, is no change of it."""
    made = create(books)
    books.CreateLedger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="SIDE")))
    moved = refusal(lambda: update(books, etag=made.etag, ledger_code="SIDE"))
    assert moved.violations == [("distribution_code.ledger_code", "FIELD_IMMUTABLE")]
    same = update(books, etag=made.etag, ledger_code="MAIN", description="New")
    assert same.description == "New"
    bare = update(books, "*", etag=same.etag)
    assert (bare.ledger_code, bare.description, bare.group_account_code, list(bare.attributes)) == ("MAIN", "", "", [])
