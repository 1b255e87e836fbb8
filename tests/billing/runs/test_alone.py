"""A window has one run at a time, however many begin, go on or are recovered at once; a paused one is one of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from domain.billing.runs import billing
from domain.billing.runs.errors import AccountNotBilled, RunUnderWay
from domain.operations.model import Operation, State
from tests.billing.runs.night import ACCOUNTS, Night
from tests.billing.runs.test_running import forget_bills


def _failed(night: Night, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run that failed with all its chunks but two set apart."""
    run = night.start()
    for _ in range(3):
        night.step()

    def refuse(*_: object, **__: object) -> None:
        raise AccountNotBilled

    with monkeypatch.context() as broken:
        broken.setattr(billing, "bill", refuse)
        while night.step():
            pass
    assert night.look(run).state is State.FAILED
    return run


def _at_once(*calls: Callable[[], object]) -> list[object]:
    """What each of the calls gave or raised, all begun in the same instant."""
    together = Barrier(len(calls))

    def of(call: Callable[[], object]) -> object:
        together.wait(20)
        try:
            return call()
        except RunUnderWay as refused:
            return refused

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(of, calls))


@pytest.mark.rule("BIL-14", "BIL-30", "PLT-10")
def test_of_runs_that_begin_at_once_one_begins(night: Night) -> None:
    """The others name it."""
    found = _at_once(*[night.start] * 4)
    (begun,) = (each for each in found if isinstance(each, str))
    named = [each.details["operation"] for each in found if isinstance(each, RunUnderWay)]
    assert named == [f"operations/{begun}"] * 3
    night.ended(begun)
    assert len(night.bills()) == ACCOUNTS


@pytest.mark.rule("BIL-14", "PLT-24")
def test_a_failed_run_is_not_recovered_beside_another(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in nobody's way; while another is under way or paused it is not recovered, and afterwards it is."""
    failed = _failed(night, monkeypatch)
    other = night.start()
    for move in (lambda: None, night.step, lambda: night.pause(other)):
        move()
        with pytest.raises(RunUnderWay) as refused:
            night.recover(failed)
        assert refused.value.details["operation"] == f"operations/{other}"
        assert night.look(failed).state is State.FAILED
    night.resume(other)
    night.ended(other)
    assert night.recover(failed).state is State.RUNNING
    with pytest.raises(RunUnderWay):
        night.start()
    night.ended(failed)
    assert len(night.bills()) == ACCOUNTS


@pytest.mark.rule("BIL-14", "PLT-24", "PLT-10")
def test_of_a_recovery_and_a_run_that_begins_at_once_one_goes_on(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again: never both, never neither."""
    for _ in range(5):
        failed = _failed(night, monkeypatch)
        recovered, begun = _at_once(lambda run=failed: night.recover(run), night.start)  # type: ignore[misc]
        assert [isinstance(recovered, Operation), isinstance(begun, str)] in ([True, False], [False, True])
        going_on = recovered.operation_id if isinstance(recovered, Operation) else begun
        assert isinstance(going_on, str)
        night.ended(going_on)
        night.shop.database.write(forget_bills)


@pytest.mark.rule("BIL-32", "BIL-30", "PLT-24")
def test_a_run_that_is_paused_gives_the_bills_of_an_undisturbed_one(night: Night) -> None:
    """Nothing is billed while it is paused, its window is not run by another, and it goes on where it stood."""
    undisturbed = night.run()
    wanted = night.rows()
    night.shop.database.write(forget_bills)
    run = night.start()
    for _ in range(3):
        night.step()
    night.pause(run)
    billed = len(night.bills())
    while night.step():
        pass
    assert len(night.bills()) == billed == 6
    with pytest.raises(RunUnderWay, match="resume it if it is paused"):
        night.start()
    night.resume(run)
    assert night.ended(run).counts == undisturbed.counts
    assert night.rows() == wanted
