"""Changes by callers of limited scope: they take in what is theirs, and nothing else (PLT-14)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb
from tests.support.server import refusal
from tests.support.worlds import Worlds
from tests.wire.scope.world import (
    AUDIT,
    FILES,
    NOBODYS,
    OPERATIONS,
    OURS,
    SCHEDULES,
    THEIRS,
    Caller,
    World,
    extract,
    fill,
    row,
    served_to_callers,
    world_at,
)


def _ingested(caller: Caller, *rows: dict[str, Any]) -> details_pb.IngestAccountingDetailsResponse:
    answer: details_pb.IngestAccountingDetailsResponse = caller.gl("IngestAccountingDetails", accounting_details=rows)
    return answer


def _units(caller: Caller, **asked: Any) -> dict[str, int]:
    """What a run of the caller came to."""
    return {currency: total.debit.units for currency, total in _totals(extract(caller, **asked)).items()}


def _totals(answer: Any) -> dict[str, Any]:
    return {total.debit.currency_code: total for total in answer.totals}


@pytest.mark.rule("PLT-14", "GLX-02")
def test_rows_of_a_ledger_outside_are_refused_as_those_of_an_unknown_one(world: World) -> None:
    """Field, reason and sentence are the same but for the code; rows of one's own go in."""
    rows = [row(7, OURS), row(8, THEIRS), row(9, NOBODYS)]
    answer = _ingested(world.ann, *rows)
    assert (answer.created_count, answer.refused_count) == (1, 2)
    told = [
        [(v.field, v.reason, v.description.replace(code, "*")) for v in refused.violations]
        for refused, code in zip(answer.refused_rows, (THEIRS, NOBODYS), strict=True)
    ]
    assert told[0] == told[1] != []
    outside, nowhere = (
        refusal(partial(world.ann.gl, "BatchCreateAccountingDetails", accounting_details=[each])) for each in rows[1:]
    )
    assert outside.code is grpc.StatusCode.INVALID_ARGUMENT
    assert outside.violations == nowhere.violations
    assert outside.message.replace(THEIRS, "*") == nowhere.message.replace(NOBODYS, "*")


@pytest.mark.rule("PLT-14", "GLX-02")
def test_who_holds_an_external_id_is_not_told_to_whom_it_does_not_concern(world: World) -> None:
    """An external id is unique over all ledgers: a clash is told, but not with what."""
    taken = row(0, OURS, source=f"erp-{THEIRS}")
    (refused,) = _ingested(world.ann, taken).refused_rows
    assert [violation.reason for violation in refused.violations] == ["EXTERNAL_ID_TAKEN"]
    assert "accountingDetails/" not in str(refused)
    assert world.theirs["detail"] in str(_ingested(world.root, taken).refused_rows[0])


@pytest.mark.rule("PLT-14", "GLX-03")
def test_undo_leaves_alone_what_lies_outside(world: World) -> None:
    """Both ledgers have details of the subject; one's own become void. A subject of others alone is unknown."""
    fill(world.ann, OURS)
    fill(world.ben, THEIRS, range(50, 51), subject="P-2")
    answer = world.ann.gl("UndoAccountingDetails", subject={"subject": "P-1"}, reason="r")
    assert answer.voided_count == 3
    listed = world.ben.gl("ListAccountingDetails", filter={"void": False})
    assert len(listed.accounting_details) == 4
    outside, nowhere = (
        refusal(partial(world.ann.gl, "UndoAccountingDetails", subject={"subject": subject}, reason="r"))
        for subject in ("P-2", "P-3")
    )
    assert outside.code is grpc.StatusCode.NOT_FOUND
    assert outside.message.replace("P-2", "*") == nowhere.message.replace("P-3", "*")


@pytest.mark.rule("PLT-14", "GLX-04")
def test_group_accounts_are_seen_by_all_and_changed_by_those_who_see_every_ledger(world: World) -> None:
    """They are shared by all ledgers."""
    account = world.ann.gl("GetGroupAccount", name="groupAccounts/GA")
    assert list(world.ann.gl("ListGroupAccounts").group_accounts) == [account]
    changed = {"name": account.name, "description": "x", "etag": account.etag}
    for method, fields in (
        ("CreateGroupAccount", {"group_account": {"code": "GB"}}),
        ("UpdateGroupAccount", {"group_account": changed, "update_mask": "description"}),
    ):
        refused = refusal(partial(world.ann.gl, method, **fields))
        assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_TOO_NARROW")
        world.root.gl(method, **fields)


@pytest.mark.rule("PLT-14", "GLX-04")
def test_a_distribution_code_is_seen_and_changed_by_who_sees_its_ledger(world: World) -> None:
    """For a ledger outside, as for one that there is not, none is made; what happens to others' is not told."""
    made = world.ann.gl("CreateDistributionCode", distribution_code={"code": "D", "ledger_code": OURS})
    assert list(world.ann.gl("ListDistributionCodes").distribution_codes) == [made]
    fields = {"name": made.name, "category": "FEES", "etag": made.etag}
    assert world.ann.gl("UpdateDistributionCode", distribution_code=fields).category == "FEES"
    outside, nowhere = (
        refusal(partial(world.ann.gl, "CreateDistributionCode", distribution_code={"code": "E", "ledger_code": ledger}))
        for ledger in (THEIRS, NOBODYS)
    )
    assert outside.violations == nowhere.violations == [("distribution_code.ledger_code", "LEDGER_UNKNOWN")]
    assert outside.message.replace(THEIRS, "*") == nowhere.message.replace(NOBODYS, "*")
    for caller, expected in ((world.ann, 2), (world.ben, 0), (world.root, 2)):
        trail = caller.call(f"{AUDIT}/ListAuditEntries", {"resource": made.name})
        assert len(trail.audit_entries) == expected


@pytest.mark.rule("PLT-14", "GLX-11", "GLX-12")
def test_a_run_takes_what_its_caller_sees_alone(world: World) -> None:
    """Incremental or not; and what others have not sent yet stays for them. The preview says the same."""
    fill(world.ann, OURS, range(2))  # 100 and 101
    fill(world.ben, THEIRS, range(10, 11))  # 110
    everything = {"origin": "ORIGIN_FINANCIAL"}
    preview = world.ann.gl("GenerateAccountingMessage", **everything, validate_only=True)
    assert preview.done
    assert not preview.name
    assert _units(world.ann, **everything) == {"USD": 201}
    assert _units(world.ann, **everything, incremental=False) == {"USD": 201}
    assert _units(world.ben, **everything) == {"USD": 110}
    assert _units(world.ben, **everything, incremental=False) == {"USD": 100 + 101 + 102 + 110}
    assert _units(world.root, **everything, incremental=False) == {"USD": 201 + 413}
    batches = world.ann.gl("ListExtractionBatches").extraction_batches
    assert [batch.detail_count for batch in batches] == [2, 2]
    numbers = [batch.name for batch in world.root.gl("ListExtractionBatches").extraction_batches]
    assert numbers == [f"extractionBatches/{number}" for number in range(6, 0, -1)]


@pytest.mark.rule("PLT-14", "GLX-13")
def test_a_batch_is_sent_again_by_who_sees_it(world: World) -> None:
    """Who made it, and who sees more."""
    for caller in (world.ben, world.cat, world.root):
        answer = extract(caller, gl_extraction_batch_id=world.theirs["batch"])
        if caller is world.ben:
            assert answer.detail_count == 3


@pytest.mark.rule("PLT-14", "PLT-30")
def test_a_set_has_files_of_one_scope(world: World) -> None:
    """Who sees a set sees all of it: runs of another scope are refused its code, whether they see it or not."""
    fill(world.ann, OURS)
    for caller in (world.ann, world.cat, world.root):
        asked = {"origin": "ORIGIN_FINANCIAL", "data_file_set_code": "theirs"}
        refused = refusal(partial(caller.gl, "GenerateAccountingMessage", **asked))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DATA_FILE_SET_ELSEWHERE")
    assert _units(world.ann, origin="ORIGIN_FINANCIAL", data_file_set_code="ours") == {"USD": 303}
    listed = world.ann.call(f"{FILES}/ListDataFileSets", {}).data_file_sets
    assert [found.name for found in listed] == ["dataFileSets/ours"]


@pytest.mark.rule("PLT-14", "PLT-06")
def test_an_answer_is_not_given_again_to_who_sees_less_now(world: World) -> None:
    """The same caller, with a token that names fewer ledgers, hears that the request id is used."""
    wide = Caller(world.cat.served, "cat")
    narrow = Caller(world.cat.served, "narrow-cat")
    fields = {"ledger": {"name": f"ledgers/{THEIRS}", "description": "x", "etag": "1"}, "request_id": "r-1"}
    first = wide.gl("UpdateLedger", **fields)
    assert wide.gl("UpdateLedger", **fields) == first
    refused = refusal(partial(narrow.gl, "UpdateLedger", **fields))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


@pytest.mark.rule("PLT-14", "PLT-08")
def test_a_page_token_of_somebody_else_shows_nothing_more(world: World) -> None:
    """What a page shows hangs on who asks for it."""
    fill(world.ben, THEIRS, range(20, 30))
    mine = fill(world.ann, OURS, range(2))
    page = world.ben.gl("ListAccountingDetails", page_size=2)
    after = world.ann.gl("ListAccountingDetails", page_size=2, page_token=page.next_page_token)
    assert {detail.name for detail in after.accounting_details} <= set(mine)


@pytest.mark.rule("PLT-14", "PLT-11")
def test_the_audit_trail_tells_what_happened_to_ones_ledger_whoever_did_it(world: World) -> None:
    """An entry about a ledger, or a thing of limited scope, is seen by who has it; one of others, never."""
    world.root.gl("CloseAccountingPeriod", name=world.theirs["period"], force=True, reason="year end")
    world.root.call(f"{FILES}/LockDataFileSet", {"name": world.theirs["set"]})

    def who(caller: Caller, kind: str) -> list[str]:
        entries = caller.call(f"{AUDIT}/ListAuditEntries", {"type": kind}).audit_entries
        return [entry.caller for entry in entries]

    for kind in ("accounting_period.closed", "data_file_set.locked"):
        assert who(world.ben, kind) == who(world.root, kind) == ["root"]
        assert who(world.ann, kind) == []


@pytest.mark.rule("PLT-14", "GLX-15")
def test_a_run_that_stands_in_the_way_is_named_to_who_sees_it_alone(
    migrated_url: str, tmp_path: Path, worlds: Worlds
) -> None:
    """One run at a time stamps anew, whatever its scope; to others no more is told than that."""
    with world_at(migrated_url, tmp_path, worlds) as world:
        fill(world.ann, OURS)
    anew = {"origin": "ORIGIN_FINANCIAL", "incremental": False}
    with served_to_callers(migrated_url, tmp_path, jobs=False, carries_out=()) as served:
        ann, ben, root = (Caller(served, name) for name in ("ann", "ben", "root"))
        started = ben.gl("GenerateAccountingMessage", **anew)
        hidden, told, known = (
            refusal(partial(caller.gl, "GenerateAccountingMessage", **anew)) for caller in (ann, ben, root)
        )
        assert {each.reason for each in (hidden, told, known)} == {"EXTRACTION_RESTAMP_RUNNING"}
        assert told.metadata["operation"] == known.metadata["operation"] == started.name
        assert "operation" not in hidden.metadata
        assert "extractionBatches/" not in f"{hidden.message}{hidden.metadata}"


@pytest.mark.rule("PLT-14", "PLT-26")
def test_what_a_schedule_starts_sees_what_its_maker_sees(world: World) -> None:
    """Also when somebody runs it who sees more."""
    fill(world.ann, OURS)
    fill(world.ben, THEIRS, range(10, 11))
    for caller in (world.root, world.ben):
        run = caller.call(f"{SCHEDULES}/RunSchedule", {"name": world.theirs["schedule"]})
        ended = caller.call(f"{OPERATIONS}/WaitOperation", {"name": run.operation, "timeout": "60s"})
        assert ended.WhichOneof("result") == "response", ended
    (waiting,) = {
        detail.ledger_code
        for detail in world.root.gl(
            "ListAccountingDetails", filter={"extraction_status": "EXTRACTION_STATUS_UNEXTRACTED"}
        ).accounting_details
    }
    assert waiting == OURS
