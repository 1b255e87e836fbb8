"""Which details a run takes: by criteria, once, and none that came later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from domain.gl_extraction.extraction import service
from domain.gl_extraction.extraction.errors import (
    BatchNotCompleted,
    BatchNotFound,
    RequestInvalid,
    RestampRunning,
)
from domain.gl_extraction.extraction.jobs import ChunkSizes
from domain.gl_extraction.extraction.model import Day, Minute, Request
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.reference import service as registers
from domain.gl_extraction.reference.model import GROUP_ACCOUNTS
from domain.kernel.paging import Page
from domain.operations.model import State
from tests.gl_extraction.extraction.desk import CALLER, Desk
from tests.gl_extraction.samples import CALL, audit, row, undone

MINUTE_US = 60_000_000
DAY_US = 1_440 * MINUTE_US
MAY_28_US = 1_779_926_400_000_000  # 2026-05-28 00:00 UTC


def created(desk: Desk, number: int, at_us: int, **changes: Any) -> int:
    """A detail made at an instant; gives its id."""
    return desk.take_in([row(number, **changes)], replace(CALL, now_us=at_us))[0]


def taken(desk: Desk, **asked: Any) -> set[int]:
    """The details that a run takes."""
    batch = desk.batch_of(desk.run(Request(**asked)))
    return {detail_id for detail_id, batches in desk.stamps().items() if batch.batch_no in batches}


@pytest.mark.rule("GLX-11")
def test_both_ends_of_the_created_range_are_inclusive(desk: Desk) -> None:
    """From the first microsecond of the from-minute to the last of the to-minute, and nothing beside."""
    instants = [at for edge in (600, 660) for at in (MAY_28_US + edge * MINUTE_US - 1, MAY_28_US + edge * MINUTE_US)]
    before, first, last, after = (created(desk, n, at) for n, at in enumerate(instants))
    day = Day(2026, 5, 28)
    asked = {"created_date_from": day, "created_time_from": Minute(10, 0)}
    assert taken(desk, **asked, created_date_to=day, created_time_to=Minute(10, 59)) == {first, last}
    assert taken(desk, created_date_to=day) == {before, after}


@pytest.mark.rule("GLX-11", "PLT-04")
def test_the_created_range_is_meant_in_the_business_time_zone(desk: Desk) -> None:
    """At 15:00 UTC the next day begins in Tokyo."""
    yesterday = created(desk, 1, MAY_28_US + 900 * MINUTE_US - 1)
    today = created(desk, 2, MAY_28_US + 900 * MINUTE_US)
    desk.zone = "Asia/Tokyo"
    assert taken(desk, created_date_from=Day(2026, 5, 29)) == {today}
    assert taken(desk, created_date_to=Day(2026, 5, 28)) == {yesterday}


@pytest.mark.rule("GLX-12", "GLX-10")
@pytest.mark.parametrize("incremental", [True, False])
def test_origin_grouping_and_group_account_filter(desk: Desk, *, incremental: bool) -> None:
    """Each restricts alone and together; none means both origins and every grouping."""
    desk.database.write(lambda tx: registers.create(tx, CALL, GROUP_ACCOUNTS, code="GA2", description=""))
    kinds = [(o, g, a) for o in "RF" for g in ("TS-1", "TS-2") for a in ("GA1", "GA2")]
    rows = [row(n, origin=o, grouping=g, group_account_code=a) for n, (o, g, a) in enumerate(kinds)]
    ids = dict(zip(kinds, desk.take_in(rows), strict=True))

    def those(**wanted: str) -> set[int]:
        names = ("origin", "grouping", "group_account_code")
        facts = {detail_id: dict(zip(names, kind, strict=True)) for kind, detail_id in ids.items()}
        return {detail_id for detail_id, fact in facts.items() if wanted.items() <= fact.items()}

    if not incremental:
        desk.run()
    asks: list[dict[str, str]] = [{"origin": "R", "grouping": "TS-2"}, {"group_account_code": "GA2", "origin": "F"}]
    if not incremental:
        asks += [{"origin": "R"}, {"grouping": "TS-1"}, {"group_account_code": "GA1"}]
    for asked in asks:
        assert taken(desk, **asked, incremental=incremental) == those(**asked)


@pytest.mark.rule("GLX-15")
def test_an_unknown_group_account_is_refused_beside_other_mistakes(desk: Desk) -> None:
    """FIN-IP-ACDE-004 comes with all else that is wrong, and nothing is created."""
    with pytest.raises(RequestInvalid) as refused:
        desk.start(Request(group_account_code="GA9", gl_extraction_batch_id="999", created_time_to=Minute(1, 0)))
    assert [violation.reason for violation in refused.value.violations] == [
        "FIN-IP-ACDE-003",
        "FIN-IP-ACDE-004",
        "CREATED_TIME_WITHOUT_DATE",
    ]
    assert refused.value.code == "FIN-IP-ACDE-003"
    assert desk.database.read(lambda tx: service.list_page(tx, None, Page(10, None))) == []


@pytest.mark.rule("GLX-14")
@pytest.mark.parametrize("batch_id", ["999", "extractionBatches/999", "seventeen"])
def test_an_unknown_batch_is_not_found(desk: Desk, batch_id: str) -> None:
    """Once nothing else is wrong."""
    with pytest.raises(BatchNotFound):
        desk.start(Request(gl_extraction_batch_id=batch_id))


@pytest.mark.rule("GLX-14", "PLT-10")
def test_a_batch_that_is_still_at_work_cannot_be_sent_again(desk: Desk) -> None:
    """It has sent nothing yet; the refusal names both states. A canceled one selects nothing."""
    desk.take_in([row(1)])
    running = desk.start()
    batch_no = desk.batch_of(running).batch_no
    with pytest.raises(BatchNotCompleted) as refused:
        desk.start(Request(gl_extraction_batch_id=f"{batch_no}"))
    assert (refused.value.details["state"], refused.value.details["wanted"]) == ("SELECTING", "COMPLETED")
    desk.cancel(running)
    desk.finish()
    assert desk.run(Request(gl_extraction_batch_id=f"{batch_no}")).result["detail_count"] == 0


@pytest.mark.rule("GLX-13", "GLX-14", "PLT-10")
def test_one_run_at_a_time_stamps_anew(desk: Desk) -> None:
    """A second one is refused and told which one to wait for; an incremental one may run beside."""
    desk.take_in([row(1)])
    first = desk.run()
    running = desk.start(incremental=False)
    for asked in (Request(origin="F", incremental=False), Request(gl_extraction_batch_id="1")):
        with pytest.raises(RestampRunning) as refused:
            desk.start(asked)
        assert refused.value.details["operation"] == f"operations/{running}"
    desk.start()
    desk.finish()
    assert desk.look(running).state is State.SUCCEEDED
    assert desk.batch_of(desk.run(Request(gl_extraction_batch_id="2"))).resend_of == 2
    assert desk.batch_of(first).state is BatchState.COMPLETED


@pytest.mark.rule("GLX-13", "GLX-20")
def test_of_runs_that_stamp_anew_and_start_at_once_one_is_let_in(desk: Desk) -> None:
    """However many race for it: the others are told which one to wait for, and no batch number is lost."""
    desk.take_in([row(1)])

    def outcome(_: int) -> str:
        try:
            return desk.start(incremental=False)
        except RestampRunning as refused:
            return refused.details["operation"]

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(outcome, range(4)))
    assert len({told.removeprefix("operations/") for told in outcomes}) == 1
    assert sum(not told.startswith("operations/") for told in outcomes) == 1
    desk.finish()
    assert desk.batch_of(desk.run()).batch_no == 2


@pytest.mark.rule("GLX-20")
def test_details_that_arrive_while_it_runs_are_for_the_next_run(desk: Desk) -> None:
    """Whatever comes after the ranges were cut is left, even if it would fit."""
    early = desk.take_in(row(n) for n in range(20))
    operation_id = desk.start()
    assert desk.step(), "the ranges are cut"
    late = desk.take_in(row(n) for n in range(100, 120))
    desk.finish()
    assert set(desk.stamps()) == set(early)
    assert desk.pending() == set(late)
    assert desk.look(operation_id).result["detail_count"] == 20
    desk.run()
    assert set(desk.stamps()) == {*early, *late}


@pytest.mark.rule("GLX-20", "PLT-23")
def test_runs_at_once_never_share_a_detail(desk: Desk) -> None:
    """Three runs, three workers, the same ranges at the same time: each detail goes to exactly one of them."""
    desk.sizes = ChunkSizes(5, 5)
    ids = desk.take_in(row(n, bulking_group=f"B{n % 3}") for n in range(150))
    runs = [desk.start(), desk.start(origin="F"), desk.start(grouping="TS-1")]
    workers = [Desk(desk.database, desk.folder, sizes=desk.sizes) for _ in runs]
    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(worker.finish) for worker in workers]:
            done.result(60)
    desk.finish()
    batches = [desk.batch_of(operation_id) for operation_id in runs]
    assert [batch.state for batch in batches] == [BatchState.COMPLETED] * 3
    assert sum(batch.detail_count for batch in batches) == len(ids)
    assert sum(batch.totals["USD"].debit_minor for batch in batches if batch.totals) == 100_00 * len(ids)
    assert set(desk.stamps()) == set(ids)
    assert all(len(stamped) == 1 for stamped in desk.stamps().values())


@pytest.mark.rule("GLX-13", "GLX-20")
def test_a_run_that_stamps_anew_takes_nothing_that_another_is_sending(desk: Desk) -> None:
    """What an unfinished run has taken is not stamped yet: it is left to that run."""
    ids = desk.take_in(row(n) for n in range(30))
    running = desk.start(origin="F")
    desk.step_until(running, "group")
    beside = desk.take_in(row(n) for n in range(100, 105))
    anew = desk.start(incremental=False)
    desk.finish()
    first, second = desk.batch_of(running).batch_no, desk.batch_of(anew).batch_no
    assert {detail_id for detail_id, batches in desk.stamps().items() if first in batches} == set(ids)
    alone = {detail_id for detail_id, batches in desk.stamps().items() if batches == [second]}
    assert alone == set(beside)


@pytest.mark.rule("GLX-03", "GLX-14")
def test_void_details_are_neither_sent_nor_resent(desk: Desk) -> None:
    """A resend leaves out what was voided since; the void detail keeps the stamp of the batch that sent it."""
    kept, voided = desk.take_in([row(1, subject="P-1"), row(2, subject="P-2", debit=("USD", 7, 0))])
    first = desk.batch_of(desk.run())
    undone(desk.database, subject="P-2")
    done = desk.run(Request(gl_extraction_batch_id=f"{first.batch_no}"))
    second = desk.batch_of(done)
    assert (done.result["detail_count"], desk.elements(done)[0]["amountDebit"]) == (1, "100.00")
    assert desk.stamps() == {kept: [first.batch_no, second.batch_no], voided: [first.batch_no]}
    assert second.resend_of == first.batch_no
    assert desk.written(done)[-1]["resendOf"] == first.batch_no


@pytest.mark.rule("GLX-14")
def test_a_resend_of_many_ranges_takes_what_the_batch_still_has(desk: Desk) -> None:
    """Details that another run has restamped since are not the old batch's any more."""
    desk.sizes = ChunkSizes(4, 4)
    rows = [row(n, origin="R" if n % 3 == 0 else "F") for n in range(90)]
    ids = desk.take_in(rows)
    first = desk.batch_of(desk.run())
    desk.run(Request(origin="R", incremental=False))
    resend = desk.batch_of(desk.run(Request(gl_extraction_batch_id=first.name)))
    stamps = desk.stamps()
    assert {i for i in ids if resend.batch_no in stamps[i]} == {
        i for i, new in zip(ids, rows, strict=True) if new.origin == "F"
    }


@pytest.mark.rule("PLT-11", "PLT-20")
def test_the_audit_trail_has_one_entry_a_step_with_selection_counts_and_totals(desk: Desk) -> None:
    """Who, by which call, and what it came to; its details carry the operation."""
    desk.take_in([row(1)])
    done = desk.run(origin="F", description="May")
    (entry,) = audit(desk.database, "extraction_batch.completed")
    assert (entry.caller, entry.request_id, entry.operation_id) == ("gina", "r-7", done.operation_id)
    assert entry.method == CALLER.method
    assert entry.payload["from"] == {"state": "PREPARED"}
    assert entry.payload["request"]["origin"] == "F"
    assert (entry.payload["detail_count"], entry.payload["totals"]) == (1, {"USD": {"debit": 10_000, "credit": 0}})
    ((started,), (prepared,)) = (audit(desk.database, f"extraction_batch.{kind}") for kind in ("started", "prepared"))
    assert started.operation_id == prepared.operation_id == done.operation_id
    assert started.payload["request"] == entry.payload["request"]


@pytest.mark.rule("GLX-10", "GLX-16")
@pytest.mark.parametrize(
    "asked",
    [Request(origin="F"), Request(origin="F", incremental=False), Request(gl_extraction_batch_id="1")],
)
def test_looking_ahead_says_what_the_run_then_does(desk: Desk, asked: Request) -> None:
    """Counts, totals and notices are those of the run; nothing is written by looking."""
    desk.take_in(row(n, bulking_group=f"B{n % 4}", distribution_account=f"{n}") for n in range(20))
    desk.run()
    desk.take_in(row(n, bulking_group=f"B{n % 4}") for n in range(100, 110))
    before = desk.stamps(), desk.pending()
    desk.limits = replace(desk.limits, elements_per_message=3)
    preview = desk.preview(asked)
    assert (desk.stamps(), desk.pending()) == before
    done = desk.run(asked)
    result = done.result
    assert preview.survey.detail_count == result["detail_count"] > 0
    assert preview.survey.element_count == result["element_count"]
    assert preview.message_count == result["message_count"]
    assert preview.survey.totals == desk.batch_of(done).totals
    assert list(preview.notices) == [n for n in done.notices if n.code == "EXTRACTION_FIELD_EMPTIED"]


@pytest.mark.rule("GLX-10", "GLX-15")
def test_looking_ahead_is_refused_as_the_run_would_be(desk: Desk) -> None:
    """The same checks; and with nothing to send it says so."""
    with pytest.raises(RequestInvalid):
        desk.preview(Request())
    with pytest.raises(BatchNotFound):
        desk.preview(Request(gl_extraction_batch_id="1"))
    preview = desk.preview(Request(origin="F"))
    assert (preview.survey.detail_count, preview.message_count) == (0, 0)
    assert [notice.code for notice in preview.notices] == ["EXTRACTION_NOTHING_SELECTED"]
