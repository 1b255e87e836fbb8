"""The demo ledger is balanced, deterministic and varied."""

from collections import defaultdict
from datetime import date

import pytest

from countinghouse import demo
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.importing.reference import months
from countinghouse.values import date_from_proto, nanos_of


def balances(details: list[details_pb2.AccountingDetail]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for detail in details:
        sums[detail.debit.currency_code or detail.credit.currency_code] += nanos_of(detail.debit) - nanos_of(
            detail.credit
        )
    return dict(sums)


@pytest.mark.parametrize("count", [0, 2, 3, 4, 5, 100, 20_000])
@pytest.mark.parametrize("seed", [1, 7])
def test_the_demo_ledger_balances_in_every_currency(seed: int, count: int) -> None:
    """As many details as asked for, and debits are credits in each currency."""
    details = list(demo.details(seed, count))
    assert len(details) == len({detail.external_id for detail in details}) == count
    assert set(balances(details).values()) <= {0}


def test_the_same_seed_gives_the_same_ledger() -> None:
    """Twice the same, ids included, so that it can be imported twice; another seed gives another."""
    first = [detail.SerializeToString(deterministic=True) for detail in demo.details(7, 500)]
    assert first == [detail.SerializeToString(deterministic=True) for detail in demo.details(7, 500)]
    assert first != [detail.SerializeToString(deterministic=True) for detail in demo.details(8, 500)]


def test_the_demo_ledger_has_what_extraction_must_tell_apart() -> None:
    """Currencies with and without digits, several groups with an empty one, both origins, reversals on a later day."""
    details = list(demo.details(1, 20_000))
    assert balances(details).keys() == {"USD", "EUR", "JPY"}
    assert "" in {detail.bulking_group for detail in details}
    assert len({detail.bulking_group for detail in details}) >= 4
    assert {detail.origin for detail in details} == {details_pb2.ORIGIN_FINANCIAL, details_pb2.ORIGIN_REGISTRATION}
    assert 100 < sum(detail.reversal for detail in details) < 2_000
    for detail in details:
        assert detail.HasField("debit") != detail.HasField("credit")
        if detail.debit.currency_code == "JPY":
            assert detail.debit.nanos == 0


def test_the_reference_data_holds_every_detail() -> None:
    """The ledger, its periods and its group accounts are all that the details name."""
    reference = demo.reference()
    (ledger,) = reference.ledgers
    assert ledger.periods is not None
    periods = list(months(ledger.periods))
    first, last = date_from_proto(periods[0].start_date), date_from_proto(periods[-1].end_date)
    assert (first, last, len(periods)) == (date(2026, 1, 1), date(2026, 12, 31), 12)
    for detail in demo.details(3, 2_000):
        assert detail.ledger_code == ledger.code
        assert first <= date_from_proto(detail.accounting_date) <= last
        assert detail.group_account_code in dict(reference.group_accounts)


@pytest.mark.parametrize("count", [1, -1])
def test_a_ledger_that_cannot_balance_is_refused(count: int) -> None:
    """One detail has no other side."""
    with pytest.raises(ValueError, match="at least two"):
        demo.details(1, count)
