"""The example of the domain's description: seven details, of which six make five elements."""

from __future__ import annotations

from sqlalchemy import update

from domain.gl_extraction.details.model import NewDetail
from domain.gl_extraction.tables import accounting_detail
from domain.kernel.amounts import Amount
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.samples import row, undone


def usd(cents: int) -> Amount:
    return ("USD", cents // 100, cents % 100 * 10_000_000)


AD1 = row(1, subject="P-1", bulking_group="B1", debit=usd(100_00))
AD2 = row(2, subject="P-2", bulking_group="B1", debit=usd(50_25))
AD3 = row(3, subject="P-3", bulking_group="B1", reversal=True, debit=None, credit=usd(100_00))
AD4 = row(4, subject="P-4", bulking_group="B1", debit=None, credit=usd(30_00))
AD5 = row(5, subject="P-5", bulking_group="B1", debit=("EUR", 10, 0))
AD6 = row(6, subject="P-6", bulking_group="B2", debit=None, credit=usd(150_25))
AD7 = row(7, subject="P-7", bulking_group="B1", debit=usd(999_00))
ROWS: tuple[NewDetail, ...] = (AD1, AD2, AD3, AD4, AD5, AD6, AD7)


def take_in(desk: Desk) -> list[int]:
    """The details of the example: the fourth is invoiced, the seventh void; gives their ids."""
    ids = desk.take_in(ROWS)
    invoice(desk, ids[3])
    undone(desk.database, subject="P-7")
    return ids


def invoice(desk: Desk, *ids: int) -> None:
    """Set the invoiced indicator, as publishing an invoice does."""
    mark = update(accounting_detail).where(accounting_detail.c.detail_id.in_(ids)).values(invoiced_us=1)
    desk.database.write(lambda tx: tx.execute(mark))
