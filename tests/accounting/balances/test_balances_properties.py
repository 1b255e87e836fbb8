"""Balances are what operations come to, whatever happens to them, now and as of every instant."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.accounting.balances import folding, service, store
from domain.accounting.balances.model import Figures, Part, Place, Step
from domain.accounting.performing import correcting
from domain.accounting.performing.listing import list_page
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState
from domain.accounting.performing.store import pages
from domain.accounting.performing.store.pages import OperationFilter, Order
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING
from server.database.transaction import Database
from tests.accounting.shop import Shop, add_claim, open_shop

ALL = Page(1_000, None)
ANY_ORDER = Order()
T = TypeVar("T")
_claims = itertools.count()

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("execute"),
            st.tuples(
                st.sampled_from(["CREDIT", "CHARGEBACK"]),
                st.lists(st.integers(0, 5_000), min_size=1, max_size=3),
                st.sampled_from(["USD", "JPY"]),
            ),
        ),
        st.tuples(st.sampled_from(["settle", "cancel", "reverse"]), st.integers(0, 20)),
    ),
    min_size=1,
    max_size=12,
)


class Story:
    """What happens to one claim, each time a while later, and what its balances were each time."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.claim_id = f"story-{next(_claims)}"
        shop.database.write(lambda tx: add_claim(tx, self.claim_id, "MANUAL"))
        self.told: list[tuple[int, dict[tuple[str, Place], Figures]]] = []

    def take(self, what: str, with_: Any) -> None:
        self.shop.now_us += 3_600_000_000  # an hour: days go by
        if what == "execute":
            point, amounts, currency = with_
            self.shop.execute(self.claim_id, point, *amounts, currency=currency)
        elif found := self._in_state(what):
            getattr(self, f"_{what}")(found[with_ % len(found)])
        self.told.append((self.shop.now_us, self.overviews()))

    def operations(self) -> list[Operation]:
        return self.listed(OperationFilter(self.claim_id))

    def listed(self, wanted: OperationFilter, order: Order = ANY_ORDER, page: Page = ALL) -> list[Operation]:
        return self.read(list_page, self.shop.call(), wanted, order, page)

    def read(self, use_case: Callable[..., T], *args: object, **more: object) -> T:
        return self.shop.database.read(lambda tx: use_case(tx, *args, **more))

    def overviews(self, at_us: int | None = None) -> dict[tuple[str, Place], Figures]:
        """What the overviews of the claim (dispute: empty) and of its disputes tell, but for what was never moved."""
        found: dict[tuple[str, Place], Figures] = {}
        for dispute_id in ("", "1", "2", "3"):
            told = self.read(
                service.overview,
                self.shop.call(),
                self.shop.configurations,
                self.claim_id,
                dispute_id,
                as_of_us=at_us,
            )
            found |= {
                (dispute_id, (each.collection.code, balance.currency)): balance.figures
                for each in told.collections
                for balance in each.balances
                if balance.figures != Figures()
            }
        return found

    def steps(self, size: int) -> list[Step]:
        found: list[Step] = []
        page = Page(size, None)
        while True:
            here = self.read(service.steps, self.claim_id, "", page, EVERYTHING)
            found += here[:size]
            if len(here) <= size:
                return found
            page = Page(size, service.key_of(here[size - 1]))

    def _in_state(self, what: str) -> list[Operation]:
        if what == "reverse":
            return [
                each
                for each in self.operations()
                if each.state is OperationState.EXECUTED and not each.reverses_id and not each.reversed_by_id
            ]
        return [each for each in self.operations() if each.state is OperationState.PENDING]

    def _settle(self, operation: Operation) -> None:
        self.shop.settle([operation])

    def _cancel(self, operation: Operation) -> None:
        self.shop.write(correcting.cancel, claim_id=self.claim_id, operation_id=operation.operation_id, reason="wrong")

    def _reverse(self, operation: Operation) -> None:
        self.shop.write(
            correcting.reverse,
            self.shop.configurations,
            self.shop.books,
            claim_id=self.claim_id,
            operation_id=operation.operation_id,
            reason="wrong",
        )


def folded(moved: Iterable[folding.Moved]) -> dict[tuple[str, Place], Figures]:
    """By dispute, and for the whole claim; what was never moved is left out."""
    found: dict[tuple[str, Place], Figures] = defaultdict(Figures)
    for (dispute_id, place), figures in folding.fold(moved).items():
        found[dispute_id, place] += figures
        found["", place] += figures
    return {key: figures for key, figures in found.items() if figures != Figures()}


@pytest.fixture
def shop(database: Database) -> Shop:
    return open_shop(database)


@pytest.mark.rule("ACC-50", "ACC-51", "PLT-03")
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(happens=STEPS, size=st.integers(1, 7))
def test_the_overview_is_the_fold_of_the_steps(shop: Shop, happens: list[tuple[str, Any]], size: int) -> None:
    """After any story, now and as of each instant of it; over all collections a currency comes to zero."""
    story = Story(shop)
    for what, with_ in happens:
        story.take(what, with_)
    operations = story.operations()
    now = story.overviews()
    assert now == folded(moved for each in operations for moved in folding.moved_by(each, folding.part_of(each)))
    for at_us, then in story.told:
        assert story.overviews(at_us) == then
        assert then == folded(
            moved for each in operations for moved in folding.moved_by(each, folding.part_at(each, at_us))
        )
    sums: dict[str, Figures] = defaultdict(Figures)
    for (dispute_id, (_, currency)), figures in now.items():
        sums[currency] += figures if not dispute_id else Figures()
    assert all((each.executed_minor, each.pending_minor) == (0, 0) for each in sums.values())
    _require_steps(story, operations, now, size)


def _require_steps(story: Story, operations: list[Operation], now: dict[tuple[str, Place], Figures], size: int) -> None:
    """Both steps of each operation, by date, whatever the pages; the last of a collection shows its balance."""
    steps = story.steps(size)
    assert steps == story.steps(1_000)
    in_order = sorted(operations, key=lambda each: (each.accounting_day, each.operation_id))
    assert [(step.operation, step.side.value) for step in steps] == [
        (each, side) for each in in_order for side in ("DEBIT", "CREDIT")
    ]
    last = {(step.of.collection, step.operation.amount.currency): step.after for step in steps}
    assert {place: each for place, each in last.items() if each != Figures()} == {
        place: each for (dispute_id, place), each in now.items() if not dispute_id
    }


@pytest.mark.rule("ACC-51")
def test_a_late_page_of_steps_is_worked_out_from_the_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was moved before it is not read once more: the last pages cost as little as the first ones."""
    story = Story(shop)
    for _ in range(4):
        story.take("execute", ("CREDIT", [100, 200, 300], "USD"))
    story.take("settle", 2)
    story.take("cancel", 3)
    expected = story.steps(1_000)
    read: list[str] = []

    def watched(name: str) -> Callable[..., list[folding.Moved]]:
        real = getattr(store, name)

        def read_it(*args: object) -> list[folding.Moved]:
            read.append(name)
            return list(real(*args))

        return read_it

    for name in ("moved_before", "moved_from"):
        monkeypatch.setattr(store, name, watched(name))
    assert story.steps(4) == expected
    assert read == ["moved_before"] * 2 + ["moved_from"] * 3


@pytest.mark.rule("ACC-50")
@pytest.mark.parametrize("part", [*Part, None])
def test_the_operations_behind_a_balance_are_those_that_make_it_up(shop: Shop, part: Part | None) -> None:
    """In SQL and in Python, as of every instant of a story: as many as the overview says, moving what it says."""
    story = Story(shop)
    for what, with_ in (
        ("execute", ("CREDIT", [100, 200], "USD")),
        ("execute", ("CHARGEBACK", [70], "USD")),
        ("settle", 0),
        ("cancel", 0),
        ("reverse", 0),
    ):
        story.take(what, with_)
    everything = story.operations()
    for at_us, then in story.told:
        wanted = OperationFilter(story.claim_id, collection="SUSPENSE", currency="USD", part=part, at_us=at_us)
        found = story.listed(wanted)
        in_python = [
            each
            for each in everything
            if "SUSPENSE" in {each.debit.collection, each.credit.collection}
            and (folding.part_at(each, at_us) is part if part else each.performed_us <= at_us)
        ]
        assert found == in_python
        if part:
            figures = then.get(("", ("SUSPENSE", "USD")), Figures())
            signed = [each.amount.minor * (1 if each.credit.collection == "SUSPENSE" else -1) for each in found]
            executed = part is Part.EXECUTED
            assert sum(signed) == (figures.executed_minor if executed else figures.pending_minor)
            assert len(found) == (figures.executed_count if executed else figures.pending_count)


@pytest.mark.rule("ACC-50", "PLT-08")
def test_operations_are_sorted_by_any_column_page_by_page(shop: Shop) -> None:
    """Two at a time, none left out or shown twice, in the order of the column, ties by age, either way round."""
    story = Story(shop)
    for what, with_ in (
        ("execute", ("CREDIT", [100, 200, 50], "USD")),
        ("execute", ("CHARGEBACK", [70, 70], "JPY")),
        ("settle", 0),
        ("cancel", 0),
        ("reverse", 0),
    ):
        story.take(what, with_)
    everything = story.operations()
    for order in (Order(by, descending=descending) for by in pages.ORDERS for descending in (False, True)):
        expected = _sorted(everything, order)
        assert _paged(story, order, size=2) == expected, order


def _sorted(operations: list[Operation], order: Order) -> list[Operation]:
    return sorted(operations, key=lambda each: tuple(order.key_of(each)), reverse=order.descending)


def _paged(story: Story, order: Order, *, size: int) -> list[Operation]:
    page, found = Page(size, None), list[Operation]()
    while True:
        here = story.listed(OperationFilter(story.claim_id), order, page)
        found += here[:size]
        if len(here) <= size:
            return found
        page = Page(size, order.key_of(here[size - 1]))
