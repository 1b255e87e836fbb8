"""Bill cycles and the windows of their schedules over the wire."""

from __future__ import annotations

from functools import partial
from threading import Barrier, Thread
from typing import Any

import grpc
import pytest

from server.database.transaction import Database
from tests.support.server import refusal
from tests.wire.billing.registry import Registry, day, told, wrong

KIND, NORTH = "BillCycleWindow", "billCycles/NORTH"
JULY: dict[str, Any] = {
    "start_date": day(2026, 7, 1),
    "end_date": day(2026, 7, 3),
    "through_date": day(2026, 7, 1),
    "bill_date": day(2026, 7, 2),
    "accounting_date": day(2026, 6, 30),
    "freeze": True,
    "complete": True,
}


def create(registry: Registry, code: str, *, parent: str = NORTH, request: Any = None, **fields: Any) -> Any:
    """A window."""
    return registry.create(KIND, code, request={"parent": parent, **(request or {})}, **fields)


def listed(registry: Registry, **page: Any) -> list[str]:
    """The codes on a page of the windows of NORTH."""
    found = registry.call("ListBillCycleWindows", parent=NORTH, **page)
    return [window.code for window in found.bill_cycle_windows]


def bill(database: Database, window: str) -> None:
    """There is a bill of a window of NORTH."""
    columns = (
        "account_id, bill_id, cycle_code, window_code, kind, state, currency, bill_day, accounting_day, through_day, "
        "processing_order, messages, created_us, updated_us"
    )
    values = (
        f"'A', 'B', 'NORTH', '{window}', 'REGULAR', 'PENDING', 'EUR', 20260702, 20260630, 20260701, '{{}}', '[]', 1, 1"
    )
    database.write(lambda tx: tx.exec_driver_sql(f"INSERT INTO bill ({columns}) VALUES ({values})"))


@pytest.mark.rule("BIL-30", "PLT-06", "PLT-10")
def test_a_cycle_is_created_read_listed_and_changed(registry: Registry) -> None:
    """It lives under its code; a stale etag is ABORTED, a code taken before ALREADY_EXISTS."""
    made = registry.create("BillCycle", "WEST", description="Western", request={"request_id": "r"})
    again = registry.create("BillCycle", "WEST", description="Western", request={"request_id": "r"})
    assert made == again == registry.get("BillCycle", "billCycles/WEST")
    assert refusal(lambda: registry.create("BillCycle", "WEST")).reason == "CODE_TAKEN"
    assert told(registry.update("BillCycle", made.name, description="")) == {"code": "WEST"}
    stale = refusal(lambda: registry.update("BillCycle", made.name, etag=made.etag, description="x"))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    first = registry.call("ListBillCycles", page_size=2)
    rest = registry.call("ListBillCycles", page_token=first.next_page_token)
    assert [cycle.code for cycle in (*first.bill_cycles, *rest.bill_cycles)] == ["NORTH", "SOUTH", "WEST"]


@pytest.mark.rule("BIL-30", "PLT-06")
def test_a_window_is_read_as_it_was_given(registry: Registry) -> None:
    """Dates of bills follow from the start where they are not given; a window belongs to its cycle alone."""
    rehearsed = create(registry, "JUL", request={"validate_only": True}, **JULY)
    assert refusal(lambda: registry.get(KIND, rehearsed.name)).code is grpc.StatusCode.NOT_FOUND
    made = create(registry, "JUL", request={"request_id": "r"}, **JULY)
    assert create(registry, "JUL", request={"request_id": "r"}, **JULY) == made == registry.get(KIND, made.name)
    assert told(made) == {"code": "JUL", **JULY}
    assert made.name == "billCycles/NORTH/windows/JUL"
    ends = {"start_date": day(2026, 8, 1), "end_date": day(2026, 8, 1), "through_date": day(2026, 8, 1)}
    bare = create(registry, "AUG", **ends)
    assert told(bare) == {"code": "AUG", **ends, "bill_date": day(2026, 8, 1), "accounting_date": day(2026, 8, 1)}
    billed_later = registry.update(KIND, bare.name, bill_date=day(2026, 8, 5))
    assert billed_later.accounting_date.day == 1
    follows = registry.update(KIND, bare.name, "bill_date", "accounting_date", bill_date=day(2026, 8, 6))
    assert follows.accounting_date.day == 6
    create(registry, "JUL", parent="billCycles/SOUTH", **JULY)
    nowhere = refusal(lambda: create(registry, "JUL", parent="billCycles/NOWHERE", **JULY))
    assert (nowhere.code, nowhere.metadata["resource_name"]) == (grpc.StatusCode.NOT_FOUND, "billCycles/NOWHERE")
    taken = {name: day(2027, 1, 1) for name in ends}
    assert refusal(lambda: create(registry, "JUL", **taken)).reason == "CODE_TAKEN"


@pytest.mark.rule("BIL-30", "PLT-08")
def test_windows_are_listed_by_their_start(registry: Registry) -> None:
    """Whatever their codes."""
    for code, month in (("A", 9), ("B", 3), ("C", 6)):
        create(registry, code, **dict.fromkeys(("start_date", "end_date", "through_date"), day(2026, month, 1)))
    assert listed(registry) == ["B", "C", "A"]
    page = registry.call("ListBillCycleWindows", parent=NORTH, page_size=2)
    assert [window.code for window in page.bill_cycle_windows] == ["B", "C"]
    assert listed(registry, page_size=2, page_token=page.next_page_token) == ["A"]
    missing = refusal(lambda: registry.call("ListBillCycleWindows", parent="billCycles/NOWHERE"))
    assert missing.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("BIL-30", "PLT-07")
def test_a_window_is_refused_for_all_that_is_wrong_with_it(registry: Registry) -> None:
    """Days that there are not or that are left out, an end before the start, completing what is not frozen."""
    bad: dict[str, Any] = {"start_date": day(2026, 2, 30), "bill_date": day(2026, 0, 1), "complete": True}
    assert wrong(lambda: create(registry, "X", **bad)) == [
        ("bill_cycle_window.start_date", "DATE_INVALID"),
        ("bill_cycle_window.end_date", "FIELD_REQUIRED"),
        ("bill_cycle_window.through_date", "FIELD_REQUIRED"),
        ("bill_cycle_window.bill_date", "DATE_INVALID"),
        ("bill_cycle_window.complete", "WINDOW_COMPLETES_UNFROZEN"),
    ]
    create(registry, "JUL", **JULY)
    both = {**JULY, "start_date": day(2026, 7, 3), "end_date": day(2026, 7, 2)}
    assert wrong(lambda: create(registry, "X", **both)) == [
        ("bill_cycle_window.end_date", "WINDOW_ENDS_BEFORE_START"),
        ("bill_cycle_window.start_date", "WINDOWS_OVERLAP"),
    ]
    assert wrong(lambda: registry.call("UpdateBillCycleWindow", bill_cycle_window={"code": "JUL", "etag": "1"})) == [
        ("bill_cycle_window.name", "FIELD_REQUIRED")
    ]
    assert wrong(lambda: registry.update(KIND, f"{NORTH}/windows/JUL", code="AUG")) == [
        ("bill_cycle_window.code", "FIELD_IMMUTABLE")
    ]


@pytest.mark.rule("BIL-30")
def test_windows_of_a_cycle_have_no_day_in_common(registry: Registry) -> None:
    """Of whichever side one comes; another cycle's are no matter, and neither is the window itself."""
    create(registry, "JUL", **JULY)
    for start, end in ((1, 1), (3, 9), (2, 2)):
        ends = {"start_date": day(2026, 7, start), "end_date": day(2026, 7, end), "through_date": day(2026, 7, 1)}
        refused = refusal(partial(create, registry, "X", **ends))
        assert refused.violations == [("bill_cycle_window.start_date", "WINDOWS_OVERLAP")]
        assert "JUL" in refused.message
    around = {"start_date": day(2026, 6, 30), "end_date": day(2026, 7, 31), "through_date": day(2026, 7, 1)}
    assert wrong(lambda: create(registry, "X", **around)) == [("bill_cycle_window.start_date", "WINDOWS_OVERLAP")]
    next_day = create(registry, "NEXT", **{**around, "start_date": day(2026, 7, 4)})
    earlier = wrong(lambda: registry.update(KIND, next_day.name, start_date=day(2026, 7, 3)))
    assert earlier == [("bill_cycle_window.start_date", "WINDOWS_OVERLAP")]
    assert registry.update(KIND, f"{NORTH}/windows/JUL", end_date=day(2026, 7, 2)).end_date.day == 2
    assert registry.update(KIND, next_day.name, start_date=day(2026, 7, 3)).start_date.day == 3


@pytest.mark.rule("BIL-30")
def test_of_windows_that_are_made_at_once_one_is_there(registry: Registry) -> None:
    """However close they come: who changes the windows of a cycle holds the cycle."""
    outcomes: list[str] = []
    barrier = Barrier(4)

    def make(number: int) -> None:
        barrier.wait(timeout=30)
        try:
            create(registry, f"W{number}", **JULY)
        except grpc.RpcError as error:
            outcomes.append(str(error.code()))
        else:
            outcomes.append("made")

    threads = [Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["StatusCode.INVALID_ARGUMENT"] * 3 + ["made"]
    assert len(listed(registry)) == 1


@pytest.mark.rule("BIL-30", "PLT-10")
def test_a_window_of_which_there_are_bills_stays_as_it_is(registry: Registry, database: Database) -> None:
    """It may end later, so that the rest of its accounts is billed, and be described by nothing else."""
    name = create(registry, "JUL", **JULY).name
    bill(database, "JUL")
    for field, value in (
        ("start_date", day(2026, 7, 2)),
        ("end_date", day(2026, 7, 2)),
        ("through_date", day(2026, 7, 2)),
        ("bill_date", day(2026, 7, 3)),
        ("accounting_date", day(2026, 7, 3)),
        ("complete", False),
    ):
        refused = refusal(partial(registry.update, KIND, name, **{field: value}))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILL_CYCLE_WINDOW_HAS_BILLS"), (
            field
        )
    assert registry.update(KIND, name, end_date=day(2026, 7, 9)).end_date.day == 9
    etag = registry.get(KIND, name).etag
    kept = refusal(lambda: registry.call("DeleteBillCycleWindow", name=name, etag=etag))
    assert (kept.code, kept.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILL_CYCLE_WINDOW_HAS_BILLS")
    assert registry.get(KIND, name).etag == etag


@pytest.mark.rule("BIL-30", "PLT-10")
def test_a_window_without_bills_is_changed_and_deleted(registry: Registry) -> None:
    """By whoever has seen it as it is."""
    made = create(registry, "JUL", **JULY)
    changed = registry.update(KIND, made.name, "complete", "freeze")
    assert (changed.complete, changed.freeze) == (False, False)
    stale = refusal(lambda: registry.update(KIND, made.name, etag=made.etag, freeze=True))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    for etag, reason in (("", "ETAG_REQUIRED"), (made.etag, "ETAG_STALE")):
        assert refusal(partial(registry.call, "DeleteBillCycleWindow", name=made.name, etag=etag)).reason == reason
    registry.call("DeleteBillCycleWindow", name=made.name, etag=changed.etag)
    assert listed(registry) == []
    gone = refusal(lambda: registry.call("DeleteBillCycleWindow", name=made.name, etag=changed.etag))
    assert gone.code is grpc.StatusCode.NOT_FOUND
