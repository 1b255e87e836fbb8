"""A cycle is billed by a window: as one account after another would be, and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text

from domain.billing.accounts.store import unsettle_segments
from domain.billing.algorithms.errors import AlgorithmUnavailable
from domain.billing.algorithms.model import Action, AddMessage
from domain.billing.algorithms.running import AnswerMissing
from domain.billing.bills import correcting
from domain.billing.bills.completing import Key
from domain.billing.bills.correcting import Correction
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.runs.errors import NoWindowOpen, RunUnderWay, WindowNotOpen
from domain.billing.segments import generating, recording
from domain.billing.segments.model import Bill, Segment, Worked
from domain.billing.segments.periods import Period
from domain.billing.segments.states import BillKind, BillState, SegmentState
from domain.billing.segments.store import bills, segments
from domain.gl_extraction.details.errors import PeriodMissing
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.money import Money
from domain.kernel.scopes import Scope
from domain.kernel.script import Script
from domain.operations.model import State
from server.database.limits import Limits
from server.database.transaction import Database
from tests.billing.bills.office import of_class, on_bill, plugin
from tests.billing.runs.night import ACCOUNTS, THROUGH, TODAY, WINDOW, Night
from tests.billing.segments.utility import open_account, site, use
from tests.billing.shop import open_shop

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


@pytest.mark.rule("BIL-30", "BIL-31")
def test_a_run_makes_the_bills_that_accounts_one_by_one_would_have(night: Night) -> None:
    """Same rows of bills, segments, exceptions and the ledger, but their ids."""
    done = night.run()
    by_run = night.rows()
    night.shop.database.write(forget_bills)
    for number in range(ACCOUNTS):
        night.bill_online(f"A{number:02}")
    assert night.rows() == by_run
    assert {each.account_id for each in night.bills()} == {f"A{n:02}" for n in range(ACCOUNTS)}
    sound = [each for each in night.bills() if each.state is BillState.COMPLETE]
    assert len(sound) == 7
    assert done.counts["accounts"] == done.counts["bills"] == ACCOUNTS
    assert done.counts["completed"] == len(sound)
    assert done.counts["errors"] == {"USAGE_MISSING": 3, "CHARGE_SOURCE_IN_ERROR": 3}
    assert done.counts["exceptions"] == len(night.open_exceptions()) == 6
    assert done.counts["segments"] == len(night.segments())
    query = text("SELECT SUM(amount_minor) FROM bill_segment WHERE state = 'FROZEN'")
    billed = night.shop.database.read(lambda tx: tx.execute(query).scalar_one())
    assert done.counts["minor"] == {"EUR": billed}


@pytest.mark.rule("BIL-30")
def test_bills_carry_the_days_of_their_window(night: Night) -> None:
    """Through day, bill date and accounting date, whenever the run is."""
    night.run()
    names = ("through_day", "bill_day", "accounting_day")
    assert {tuple(getattr(each, name) for name in names) for each in night.bills()} == {
        tuple(WINDOW[name] for name in names)
    }
    assert {each.window_code for each in night.bills()} == {"JAN"}


@pytest.mark.rule("BIL-14", "BIL-30")
def test_a_run_twice_bills_nothing_twice(night: Night) -> None:
    """Complete bills stay as they are; what is in error is made again, and has one open exception."""
    night.run()
    before = night.rows()["accounting_detail"]
    done = night.run()
    assert len(night.bills()) == ACCOUNTS
    assert night.rows()["accounting_detail"] == before
    assert len(night.open_exceptions()) == 6
    assert done.counts["bills"] == 3
    assert done.counts["completed"] == 0


@pytest.mark.rule("BIL-30")
def test_of_an_earlier_night_unfrozen_segments_are_made_again_and_frozen_ones_stay(database: Database) -> None:
    """The missing read has come: its site and the head office are made, the sites that were frozen are not touched."""
    night = Night(open_shop(database))
    night.window("JAN", freeze=True, complete=False)
    night.accounts(1, 2)
    night.run()
    first = night.segments()
    assert [(each[1], each[3]) for each in first] == [("HO", "ERROR"), ("S1", "FROZEN"), ("S2", "ERROR")]
    used(night, "A01", "S2", "40")
    night.run()
    again = night.segments()
    assert [each[3] for each in again] == ["FROZEN", "FROZEN", "FROZEN"]
    assert again[1] == first[1]
    assert len(night.bills()) == 1
    assert night.open_exceptions() == []


@pytest.mark.rule("BIL-30")
def test_a_window_that_neither_freezes_nor_completes_leaves_bills_pending(database: Database) -> None:
    """They are looked at, and made again by the next run."""
    night = Night(open_shop(database))
    night.window("JAN", freeze=False, complete=False)
    night.accounts(0, 3)
    night.run()
    assert {each.state for each in night.bills()} == {BillState.PENDING}
    assert not night.rows()["accounting_detail"]
    night.run()
    assert len(night.bills()) == 3
    assert {each[4] for each in night.segments()} == {2}, "made again, by the same name"


@pytest.mark.rule("BIL-31")
def test_only_what_failed_is_run_again(night: Night) -> None:
    """Accounts with open exceptions of the window's bills, once their reads have come."""
    night.run()
    for number in (1, 4):
        used(night, f"A{number:02}", "S2", "40")
    done = night.run(failed_only=True)
    assert done.counts["accounts"] == 3
    assert done.counts["completed"] == 2
    assert {each.account_id for each in night.open_exceptions()} == {"A07"}
    assert night.run(failed_only=True, accounts=("A01", "A04")).counts.get("accounts", 0) == 0


@pytest.mark.rule("BIL-31")
def test_what_failed_by_another_window_or_as_data_is_not_looked_at(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each exception knows the window of the run that met it, also one of an account without a bill."""
    night.window("OTHER", start_day=20261119, end_day=20261119)
    other = {"window": "OTHER", "outside_window": True}

    def fails(*_: Any, **__: Any) -> Any:
        raise KeyError("who would have thought")

    with monkeypatch.context() as broken:
        broken.setattr(generating, "billed", fails)
        night.run(accounts=("A00", "A03"), **other)
    assert {(each.account_id, each.bill_id, each.window_code) for each in night.open_exceptions()} == {
        ("A00", "", "OTHER"),
        ("A03", "", "OTHER"),
    }
    night.shop.database.write(lambda tx: tx.execute(text(_OF_DATA)))
    assert night.run(failed_only=True).counts.get("accounts", 0) == 0
    done = night.run(failed_only=True, **other)
    assert (done.counts["accounts"], done.counts["completed"]) == (2, 2)
    assert [each.account_id for each in night.open_exceptions()] == ["A08"]
    night.run()
    assert {each.window_code for each in night.open_exceptions() if each.bill_id} == {"JAN"}


_OF_DATA = (
    "INSERT INTO billing_exception (account_id, exception_id, cycle_code, data_set_id, reason, message, state,"
    " created_us) VALUES ('A08', '0', 'NORTH', 'D1', 'SOURCE_DATA_MISSING', 'of interval data', 'OPEN', 1)"
)


@pytest.mark.rule("BIL-30", "BIL-14")
def test_a_run_of_an_earlier_window_leaves_the_unfinished_bills_of_a_later_one(night: Night) -> None:
    """Nothing is taken off them, nor are they completed short of what is in error."""
    night.window("FEB", start_day=20261119, end_day=20261119, through_day=20260301)
    for site_id in ("S1", "S3"):
        used(night, "A00", site_id, "10", FEBRUARY)
    night.run(window="FEB", outside_window=True)
    before, stand = night.rows(), night.segments()
    assert {each.window_code for each in night.bills() if each.state is BillState.PENDING} == {"FEB"}
    done = night.run()
    assert (night.rows(), night.segments()) == (before, stand)
    assert done.counts.get("bills", 0) == 0


@pytest.mark.rule("BIL-31", "BIL-12")
def test_an_algorithm_that_fails_for_one_account_stops_no_other(night: Night) -> None:
    """Its bill stays as it was made, the exception says why, and it goes away once it is billed."""

    def fails(asked: Any) -> tuple[()]:
        if asked.bill.account_id == "A03":
            raise ZeroDivisionError
        return ()

    of_class(night.shop, AlgorithmUse(Moment.POST_COMPLETION, 10, "bad"))
    broken = plugin("bad", fails, Moment.POST_COMPLETION, of_agreements=False)
    night.others = (broken,)
    done = night.run()
    assert done.counts["errors"]["ACCOUNT_NOT_BILLED"] == 1
    assert done.counts["completed"] == 6
    (found,) = (each for each in night.open_exceptions() if not each.segment_id)
    assert (found.account_id, found.reason, found.operation_id) == ("A03", "ACCOUNT_NOT_BILLED", done.operation_id)
    assert [each[3] for each in night.segments() if each[0] == "A03"] == ["FREEZABLE"] * 4
    assert [(account_id, type(error)) for account_id, error in night.unforeseen] == [("A03", ZeroDivisionError)]
    night.others = (replace(broken, decide=lambda _: ()),)
    assert night.run(failed_only=True).counts["completed"] == 1
    assert all(each.segment_id for each in night.open_exceptions())


@pytest.mark.rule("BIL-13", "BIL-31")
def test_a_correction_that_has_to_be_rebilled_again_is_an_exception_of_its_bill(night: Night) -> None:
    """Else nobody would see why the bill stays pending."""
    night.run()
    sound = next(each for each in night.bills() if each.account_id == "A02")
    (segment,) = on_bill(night.shop, Key("A02", sound.bill_id))
    night.shop.write(correcting.rebill, night.bench, Correction("A02", segment.segment_id, "read wrongly"))
    night.shop.database.write(lambda tx: unsettle_segments(tx, "A02"))
    before = {each.exception_id for each in night.open_exceptions()}
    night.run(accounts=("A02",))
    (found,) = (each for each in night.open_exceptions() if each.exception_id not in before)
    assert (found.account_id, found.reason, found.segment_id) == ("A02", "BILL_HAS_ERRORS", "")
    assert "undo the correction, and rebill it again" in found.message


@pytest.mark.rule("BIL-31")
@pytest.mark.parametrize("stage", ["decided", "written"])
def test_what_nobody_foresaw_of_one_account_stops_no_other(
    night: Night, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Whether it turns up as the chunk is decided or as it is written: the others are billed as ever."""
    real = recording.billed

    def breaks(draft: Any, *args: Any, **more: Any) -> Any:
        if draft.agenda.facts.account.account_id == "A06":
            raise KeyError("who would have thought")
        return real(draft, *args, **more)

    if stage == "decided":
        monkeypatch.setattr(generating, "billed", breaks)
    else:
        night.shop.database.write(lambda tx: _collide(tx, "A06"))
    done = night.run()
    assert done.counts["errors"]["ACCOUNT_NOT_BILLED"] == 1
    assert done.counts["accounts"] == ACCOUNTS
    assert done.counts["completed"] == 6
    assert [each.account_id for each in night.open_exceptions() if not each.segment_id] == ["A06"]
    assert [account_id for account_id, _ in night.unforeseen] == ["A06"]
    assert night.rows()["accounting_detail"]


@pytest.mark.rule("BIL-31", "BIL-30")
def test_what_the_ledger_refuses_is_an_exception_of_each_bill(database: Database) -> None:
    """A period that there is not: bills are made, none is frozen, and the run ends."""
    night = Night(open_shop(database))
    night.window("JAN", accounting_day=20300101)
    night.accounts(2, 4)
    done = night.run()
    assert done.counts["errors"] == {PeriodMissing.reason: 2}
    assert night.run().counts["errors"] == done.counts["errors"]
    refused = [each.account_id for each in night.open_exceptions() if each.reason == PeriodMissing.reason]
    assert sorted(refused) == ["A02", "A03"], "one of each, however often it is run"
    assert {each.state for each in night.bills()} == {BillState.PENDING}
    assert not night.rows()["accounting_detail"]


@pytest.mark.rule("BIL-12", "BIL-31", "INV-11", "INV-16")
def test_a_run_puts_bills_on_running_invoices_and_what_one_cannot_take_stops_no_other(night: Night) -> None:
    """Net lines and reckoned tax come to what each bill does; without its billing cycle an account is not billed."""
    cycles = "UPDATE billing_account SET invoice_cycle_code = CASE account_id WHEN 'A06' THEN 'GONE' ELSE 'MONTHLY' END"
    night.shop.database.write(lambda tx: tx.execute(text(cycles)))
    done = night.run()
    assert done.counts["errors"]["BILLING_CYCLE_MISSING"] == 1
    assert done.counts["completed"] == 6
    assert [each.account_id for each in night.open_exceptions() if not each.segment_id] == ["A06"]
    query = (
        "SELECT i.account_id, i.net_minor + (SELECT coalesce(sum(t.tax_minor), 0) FROM invoice_reckoned_tax t"
        " WHERE t.account_id = i.account_id AND t.invoice_id = i.invoice_id) FROM invoice i"
    )
    on_invoices = dict(night.shop.database.read(lambda tx: [tuple(row) for row in tx.execute(text(query))]))
    completed = {each.account_id: each.amount_minor for each in night.bills() if each.state is BillState.COMPLETE}
    assert on_invoices == completed
    assert len(completed) == 6


@pytest.mark.rule("BIL-30")
def test_a_run_is_of_its_windows_days_and_of_its_cycle(night: Night) -> None:
    """Another day says so; the window of today is found; accounts of others are refused by place."""
    night.window("LATER", start_day=20261201, end_day=20261203)
    with pytest.raises(WindowNotOpen, match="2026-12-01 to 2026-12-03, and today is 2026-11-18"):
        night.start(window="LATER")
    assert night.look(night.start(window="LATER", outside_window=True)).request["window"] == "LATER"
    assert night.look(night.start(window="-")).request["window"] == "JAN"
    with pytest.raises(NoWindowOpen):
        night.start(cycle="SOUTH", window="-")
    night.shop.database.write(lambda tx: open_account(tx, "S", cycle="SOUTH"))
    with pytest.raises(Invalid) as refused:
        night.start(accounts=("A01", "S", "NONE"), preview=True)
    assert [each.field for each in refused.value.violations] == ["accounts[1]", "accounts[2]"]
    assert WINDOW["start_day"] == TODAY


@pytest.mark.rule("BIL-30", "PLT-14")
def test_a_run_bills_its_cycle_and_accounts_that_are_named_alone(night: Night) -> None:
    """An account of another cycle is not touched; whoever does not see the cycle starts nothing."""
    night.shop.database.write(lambda tx: open_account(tx, "S", cycle="SOUTH"))
    night.shop.database.write(lambda tx: site(tx, "S1", "10", account_id="S"))
    with pytest.raises(NotFound):
        night.start(scope=Scope(None, None, frozenset({"SOUTH"})))
    done = night.run(accounts=("A02", "A05"))
    assert {each.account_id for each in night.bills()} == {"A02", "A05"}
    assert done.counts["accounts"] == 2
    night.run()
    assert "S" not in {each.account_id for each in night.bills()}


@pytest.mark.rule("BIL-14")
def test_one_run_of_a_window_at_a_time(night: Night) -> None:
    """The second names the first; a preview is no run, and once the first has ended another begins."""
    first = night.start()
    with pytest.raises(RunUnderWay) as refused:
        night.start()
    assert refused.value.details["operation"] == f"operations/{first}"
    night.start(preview=True)
    night.ended(first)
    night.start()


@pytest.mark.rule("BIL-32", "PLT-24")
def test_a_canceled_run_stops_after_a_chunk_and_the_next_one_goes_on(night: Night) -> None:
    """What was billed stays; in the end each account has the bill of an undisturbed run."""
    run = night.start()
    night.step()
    night.step()
    night.cancel(run)
    while night.step():
        pass
    assert night.look(run).state is State.CANCELED
    assert len(night.bills()) == 3
    done = night.run()
    assert len(night.bills()) == ACCOUNTS
    assert done.counts["completed"] == 5


@pytest.mark.rule("BIL-15", "BIL-31")
def test_a_preview_tells_totals_and_variance_and_makes_nothing(night: Night) -> None:
    """What it says is what the run then does; a month later the bills are laid beside the last ones."""
    before = night.rows()
    preview = night.run(preview=True)
    assert night.rows() == before
    assert preview.counts["bands"] == {"WITHIN": 0, "ABOVE": 0, "BELOW": 0, "NEW": ACCOUNTS}
    run = night.run()
    told = ("accounts", "bills", "segments", "completed", "exceptions", "errors", "minor")
    assert {name: preview.counts[name] for name in told} == {name: run.counts[name] for name in told}
    night.window("FEB", start_day=20261119, end_day=20261119, through_day=20260301)
    for account_id, kwh in (("A02", "20"), ("A05", "52"), ("A08", "200")):
        used(night, account_id, "S1", kwh, FEBRUARY)
    asked = {"window": "FEB", "outside_window": True, "preview": True, "accounts": ("A01", "A02", "A05", "A08")}
    preview = night.run(**asked)
    assert preview.counts["bands"] == {"WITHIN": 2, "ABOVE": 1, "BELOW": 0, "NEW": 1}
    assert [each["account_id"] for each in preview.result["largest"]] == ["A08", "A05"]
    largest = preview.result["largest"][0]
    assert (largest["minor"], largest["last_minor"]) == (round(7200 * 1.19), round(3600 * 1.19))


@pytest.mark.rule("BIL-23", "BIL-31")
def test_algorithms_over_the_network_are_asked_before_the_transaction(night: Night) -> None:
    """For the bill as it will be, segments that are made just then included; who has no answer stops no other."""
    asking = _Asking(night)
    night.others = (plugin("far", None, Moment.PRE_COMPLETION, of_agreements=False),)
    night.hooks = asking
    of_class(night.shop, AlgorithmUse(Moment.PRE_COMPLETION, 10, "far"))
    done = night.run()
    assert done.counts["completed"] == 6
    assert done.counts["errors"]["ALGORITHM_UNAVAILABLE"] == 1
    assert {each.messages for each in night.bills() if each.state is BillState.COMPLETE} == {("from afar",)}
    assert len(asking.asked) == ACCOUNTS, "each bill is one question, however often it is decided"
    assert [each.account_id for each in night.open_exceptions() if not each.segment_id] == ["A02"]


@pytest.mark.rule("BIL-23", "BIL-31")
def test_a_hook_may_take_longer_than_a_transaction_may_sit_idle(migrated_url: str) -> None:
    """One answer, and all of a chunk together: what the database was asked before is not lost over it."""
    database = Database(migrated_url, Limits(idle_s=0.5))
    try:
        night = Night(open_shop(database))
        night.window()
        night.accounts(last=3)
        night.others = (plugin("far", None, Moment.PRE_COMPLETION, of_agreements=False),)
        night.hooks = _Slow(answer_s=0.7)
        of_class(night.shop, AlgorithmUse(Moment.PRE_COMPLETION, 10, "far"))
        assert night.run(accounts=("A00", "A02")).counts["completed"] == 2
        assert night.run(accounts=("A01",), preview=True).counts["exceptions"] == 2
    finally:
        database.dispose()


@dataclass
class _Slow:
    """A hook that takes its time."""

    answer_s: float

    def ask(self, _missing: AnswerMissing) -> Sequence[Action]:
        Event().wait(self.answer_s)
        return ()


@dataclass
class _Asking:
    """A hook that adds a message, and is away for account A02."""

    night: Night
    asked: set[str] = field(default_factory=set)

    def ask(self, missing: AnswerMissing) -> Sequence[Action]:
        assert missing.key not in self.asked
        self.asked.add(missing.key)
        account_id = missing.asked.bill.account_id
        assert not any(each.account_id == account_id for each in self.night.bills()), "nothing is written yet"
        if account_id == "A02":
            raise AlgorithmUnavailable(missing.algorithm, "", "it is away")
        return (AddMessage("from afar"),)


def used(night: Night, account_id: str, site_id: str, kwh: str, month: date = JANUARY) -> None:
    """So much was used in a month."""
    following = (month + timedelta(days=31)).replace(day=1)
    night.shop.database.write(lambda tx: use(tx, site_id, kwh, first=month, last=following, account_id=account_id))


def forget_bills(tx: Any) -> None:
    """As if nothing had ever been billed."""
    of_billing = ("bill", "bill_segment", "billing_exception", "accounting_detail", "accounting_detail_pending")
    for table in (*of_billing, "invoice", "invoice_line", "invoice_reckoned_tax"):
        tx.execute(text(f"DELETE FROM {table}"))


def _collide(tx: Any, account_id: str) -> None:
    """A complete bill has kept a segment that was never frozen: the table refuses another one of its days."""
    bill = Bill(account_id, "0", "NORTH", "", BillKind.REGULAR, BillState.COMPLETE, "EUR", 20260203, 20260204, THROUGH)
    nothing = Money(0, "EUR")
    period, state = Period(20260101, THROUGH, 31), SegmentState.FREEZABLE
    segment = Segment(
        account_id, "0", "0", "S1", "POWER", 1, state, period, 20260204, "POWER", nothing, nothing, Worked()
    )
    script = Script(tx)
    bills.insert(script, [bill])
    segments.insert(script, [segment])
    script.run()
