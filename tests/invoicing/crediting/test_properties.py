"""What holds of invoices and their credit notes whatever is given back, and who is at it, on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.invoicing.crediting.choosing import Part
from domain.invoicing.crediting.errors import LineCredited, LinePartTooLarge, NothingLeftToCredit
from domain.invoicing.invoices.model import Invoice
from server.database.transaction import Database
from tests.invoicing.crediting.desk import CreditDesk, total

AMOUNTS = st.lists(
    st.tuples(st.integers(-50_000, 50_000), st.sampled_from([0, 70_000, 77_000, 190_000])), min_size=1, max_size=5
)
PARTS = st.dictionaries(st.integers(1, 5), st.integers(-30_000, 30_000).map(Part), max_size=2)
STEPS = st.lists(st.tuples(st.integers(0, 1), st.frozensets(st.integers(1, 5), max_size=3), PARTS), max_size=6)


class Ticking(CreditDesk):
    """A desk at which months go by: each round has accounts of its own."""

    rounds = 0

    def round(self, amounts: list[list[tuple[int, int]]]) -> list[Invoice]:
        """Locked invoices of accounts that nobody has seen, one for each list of lines."""
        self.rounds += 1
        lines = {f"A{self.rounds}-{at}": {str(n): line for n, line in enumerate(of)} for at, of in enumerate(amounts)}
        self.forget()
        return list(self.all_locked(lines).values())


@pytest.mark.rule("INV-17", "INV-20", "INV-16")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.tuples(AMOUNTS, AMOUNTS), steps=STEPS)
def test_nothing_is_given_back_twice_and_books_and_documents_agree(
    desk: Ticking,
    amounts: tuple[list[tuple[int, int]], ...],
    steps: list[tuple[int, frozenset[int], dict[int, Part]]],
) -> None:
    """By line no more than was invoiced; the books are invoices less credit notes to the cent; numbers have no gap."""
    invoices = desk.round(list(amounts))
    for which, wanted, some in steps:
        of, count = invoices[which], len(amounts[which])
        parts = {line_no: part for line_no, part in some.items() if line_no <= count}
        with suppress(LineCredited, LinePartTooLarge, NothingLeftToCredit):
            desk.credit(of, *(each for each in wanted if each <= count), parts=parts)
    for of, lines in zip(invoices, amounts, strict=True):
        notes = desk.notes(of.account_id)
        credited = Counter(dict.fromkeys(range(1, len(lines) + 1), 0))
        for key, net_minor in desk.credited_lines(of.account_id):
            line_no = int(key.split("/")[1])
            credited[line_no] += net_minor
        assert all(0 <= net * given <= net * net for (net, _), given in zip(lines, credited.values(), strict=True))
        assert sum(each.net_minor for each in notes) == sum(credited.values())
        assert desk.owes(of.account_id) == total(of) - sum(map(total, notes))
        assert desk.invoice(of.account_id) == of
    assert all(minor == 0 for _, minor in desk.totals())
    numbers = sorted(each.number_no for each in desk.all_notes())
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.rule("INV-17", "INV-20", "PLT-10")
def test_of_those_who_give_the_same_back_at_once_one_does(desk: Ticking) -> None:
    """The others are told; no number is lost. Others, of another account, go on, and collect in the same batch."""
    mine, other = desk.round([[(1_000, 190_000), (500, 190_000)], [(700, 190_000), (300, 0)]])
    start = threading.Barrier(6)

    def credit(of: Invoice, line_nos: tuple[int, ...]) -> str:
        start.wait(20)
        try:
            return desk.credit(of, *line_nos).number
        except (LineCredited, NothingLeftToCredit) as error:
            return error.reason

    with ThreadPoolExecutor(6) as pool:
        asked = [(mine, (1,)), (mine, (1,)), (mine, (1, 2)), (mine, (1,)), (other, (1,)), (other, (2,))]
        told = [each.result(60) for each in [pool.submit(credit, *each) for each in asked]]
    assert sorted(told[:4])[1:] == ["LINE_CREDITED"] * 3
    numbers = sorted(each.number_no for each in desk.all_notes())
    assert numbers == [1, 2, 3]
    (batch,) = desk.collecting()
    assert batch.number_count == 3
    assert desk.owes(mine.account_id) == total(mine) - sum(map(total, desk.notes(mine.account_id)))


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Ticking:
    """A house that exports, on either database."""
    return Ticking(database, tmp_path / "files")
