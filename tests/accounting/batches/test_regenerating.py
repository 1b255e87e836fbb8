"""A batch is written again: the same records under the next rerun number, whatever happened since."""

from __future__ import annotations

import pytest

from domain.accounting.batches.errors import BatchBeingWritten, BatchNotFound
from domain.accounting.batches.layouts.returns import Decision
from domain.accounting.batches.returning import Said
from domain.accounting.batches.states import BatchState
from domain.accounting.performing import correcting
from domain.data_files.model import Total
from domain.operations.model import State
from tests.accounting.batches.filing import CLIENT, Filing


@pytest.mark.rule("ACC-34")
def test_the_same_records_and_totals_whatever_came_since(filing: Filing) -> None:
    """A reversal, a rejection and new operations: the batch is the same; the reversal is in a batch of its own."""
    first, second, _ = filing.credit("A", 10_000, 7_000, 2_734)
    filing.run()
    before = filing.records(filing.batch(1))
    filing.shop.write(
        correcting.reverse,
        filing.shop.configurations,
        filing.shop.books,
        claim_id="A",
        operation_id=first.operation_id,
        reason="error",
    )
    said = [Said(second.operation_id, Decision.REJECTED, "R01")]
    filing.shop.write(filing.returns.receive_all, (CLIENT, 1), said)
    filing.credit("A", 999)
    done = filing.run_again(1)
    batch = filing.batch(1)
    assert (batch.rerun_no, batch.totals, batch.operation_count) == (1, {"USD": Total(19_734, 19_734)}, 3)
    assert filing.records(batch, 1) == before == filing.records(batch, 0)
    assert (batch.rejected_count, batch.state, batch.regenerated_after_delivery) == (1, BatchState.WRITTEN, False)
    assert done.result["batches"][0]["rerun_no"] == 1
    filing.run()
    assert filing.batch(2).totals == {"USD": Total(10_999, 10_999)}
    assert {each.reverses for each in filing.records(filing.batch(2))} == {"", first.operation_id}


@pytest.mark.rule("ACC-34", "PLT-10")
def test_one_writes_a_batch_at_a_time(filing: Filing) -> None:
    """The second is refused with the name of the first; once that has ended, or was canceled, the next may."""
    filing.credit("A", 10_000)
    run = filing.start()
    filing.step_until(run, "write")
    with pytest.raises(BatchBeingWritten, match=run):
        filing.start_again(1)
    filing.ended(run)
    again = filing.start_again(1)
    with pytest.raises(BatchBeingWritten, match=again):
        filing.start_again(1)
    filing.cancel(again)
    filing.finish()
    assert filing.look(again).state is State.CANCELED
    assert filing.batch(1).rerun_no == 0
    filing.run_again(1)
    filing.run_again(1)
    assert filing.batch(1).rerun_no == 2
    assert [each.file_name.rpartition("-")[2] for each in filing.files()] == ["0.csv", "1.csv", "2.csv"]


@pytest.mark.rule("ACC-36")
def test_an_unknown_batch_is_not_found(filing: Filing) -> None:
    """Also where the client has others."""
    filing.credit("A", 10_000)
    filing.run()
    with pytest.raises(BatchNotFound):
        filing.start_again(2)
