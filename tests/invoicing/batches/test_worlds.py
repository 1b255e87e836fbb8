"""Small worlds: whatever is done in whatever order, an invoice is in one place and state, and nothing is lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.invoicing.batches import edges
from domain.invoicing.batches.errors import InvoiceBatchBusy, InvoiceBatchTransitionIllegal, NothingToClose
from domain.invoicing.batches.states import OVER
from domain.invoicing.invoices.states import InvoiceState
from server.database.transaction import Database
from tests.invoicing.batches.house import IN_MARCH, House
from tests.support import database as databases

HALF_A_MONTH_US = 15 * 86_400_000_000
ACCOUNTS = ("A", "B", "C")

STEPS = st.one_of(
    st.tuples(st.just("charge"), st.sampled_from(ACCOUNTS), st.integers(-300, 1_500)),
    st.tuples(st.just("wait"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["create", "engine", "aggregate", "cancel", "retry", "work"])),
    st.tuples(st.just("chunks"), st.integers(1, 6)),
)


def faults(house: House) -> list[str]:
    """What is wrong with all that there is, a sentence each."""
    found = [f"sums of {row}" for row in house.faults()]
    invoices = house.all_invoices()
    running = Counter((each.account_id, each.schedule_code) for each in invoices if each.state is InvoiceState.RUNNING)
    found += [f"{place} has {count} running invoices" for place, count in running.items() if count > 1]
    for each in invoices:
        if each.state is InvoiceState.MERGED and (each.net_minor or not each.merged_into):
            found.append(f"{each.invoice_id} was merged and has something left")
        if (each.state in {InvoiceState.CLOSED, InvoiceState.LOCKED}) != bool(each.batch_id):
            found.append(f"{each.invoice_id} is {each.state} in batch {each.batch_id!r}")
    found += _gaps([each.number_no for each in invoices if each.number_no], house)
    for batch in house.batches():
        path = [each.to_state for each in house.history(batch.batch_id)]
        found += [f"{one} to {other} is no edge" for one, other in pairwise(path) if edges.between(one, other) is None]
        if path[-1] is not batch.state:
            found.append(f"{batch.batch_id} is {batch.state}, its history ends with {path[-1]}")
    balance: dict[str, int] = defaultdict(int)
    for key, _, _, minor in house.posted():
        balance[key.split("/")[0]] += minor
    return found + [f"{invoice} is out of balance by {minor}" for invoice, minor in balance.items() if minor]


def _gaps(numbers: list[int], house: House) -> list[str]:
    """Numbers that are given twice, or reserved and given to nobody although their batch is done."""
    twice = [f"number {each} twice" for each, count in Counter(numbers).items() if count > 1]
    done = [batch for batch in house.batches() if batch.state.number in {5, 6, 7, 8}]
    wanted = {batch.first_number + at for batch in done for at in range(batch.number_count)}
    return twice + [f"number {each} is missing" for each in sorted(wanted - set(numbers))]


class Story:
    """Steps in a house; what is refused is no fault."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.charged = 0

    def tell(self, step: tuple[object, ...]) -> None:
        house = self.house
        match step:
            case ("charge", str(account), int(minor)):
                house.now_us += 1
                house.charge({account: minor})
                self.charged += minor
            case ("wait", int(halves)):
                house.now_us += halves * HALF_A_MONTH_US
            case ("chunks", int(count)):
                for _ in range(count):
                    house.step()
            case (str(what),):
                self._do(what)
            case _:
                raise AssertionError(step)

    def _do(self, what: str) -> None:
        house = self.house
        open_ones = [batch for batch in house.batches() if batch.state not in OVER]
        try:
            if what == "create":
                house.create()
            elif what in {"cancel", "retry"} and open_ones:
                getattr(house, what)(open_ones[0].batch_id)
            elif what in {"engine", "aggregate", "work"}:
                getattr(house, what)()
        except (NothingToClose, InvoiceBatchBusy, InvoiceBatchTransitionIllegal):
            pass


@pytest.mark.rule("INV-03", "INV-11", "INV-13", "INV-14", "INV-16", "INV-20", "INV-21")
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(STEPS, min_size=4, max_size=16))
def test_any_story_leaves_every_invoice_in_one_place(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[object, ...]]
) -> None:
    """Every history is a path of edges, numbers have no gap, and what was charged is on invoices, once."""
    url = databases.copy_sqlite(sqlite_template, tmp_path_factory.mktemp("world") / "countinghouse.db")
    database = Database(url)
    house = House(database, minimum_usage={"EUR": 1_000}, maximum_carries=3)
    house.now_us = IN_MARCH
    story = Story(house)
    for step in steps:
        story.tell(step)
        assert not faults(house)
    house.work()
    assert not faults(house)
    assert sum(each.net_minor for each in house.all_invoices()) == story.charged
    assert sum(net for account in ACCOUNTS for _, _, net in house.lines(account)) == story.charged
    database.dispose()
