"""What is decided of the segments of an account: charges on others, errors that travel along, limits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.accounts.model import ServiceAgreement
from domain.billing.configuration.model import AgreementTypeSettings, Plausible
from domain.billing.segments.model import Charged, Segment, Spent, Wait
from domain.billing.segments.states import SegmentState
from domain.kernel.money import Money, Rounding, rounded
from domain.kernel.quantities import ATTOS
from tests.billing.segments.made import BEGAN, TYPES, Used, agreement, by_agreement, configured, drafted, facts

FEBRUARY, MARCH, APRIL = 20260201, 20260301, 20260401
SITES = tuple(agreement(f"S{number}", "SITE") for number in (1, 2, 3))
HEAD_OFFICE = agreement("HO", "HEAD_OFFICE")
USED: Used = {("S1", BEGAN): "400", ("S2", BEGAN): "350", ("S3", BEGAN): "250"}


def as_segment(made: object, **more: object) -> Segment:
    """What was drafted as it is kept on the bill."""
    due, calculation = made.due, made.calculation  # type: ignore[attr-defined]
    nothing = Money(0, "EUR")
    segment = Segment(
        account_id="A",
        segment_id=f"{due.agreement.agreement_id}-{due.period.start}",
        bill_id="B",
        agreement_id=due.agreement.agreement_id,
        type_code=due.type.code,
        position=due.place.position,
        state=SegmentState.ERROR if made.reason else SegmentState.FREEZABLE,  # type: ignore[attr-defined]
        period=due.period,
        accounting_day=1,
        rate_code=due.rate_code,
        amount=calculation.amount if calculation else nothing,
        tax=calculation.tax if calculation else nothing,
        worked=made.worked,  # type: ignore[attr-defined]
        reason=made.reason,  # type: ignore[attr-defined]
    )
    return replace(segment, **more)  # type: ignore[arg-type]


@pytest.mark.rule("BIL-01", "BIL-03", "BIL-04")
@pytest.mark.parametrize("created", [*permutations((*SITES, HEAD_OFFICE))])
def test_a_head_office_is_charged_on_what_its_sites_used(created: tuple[ServiceAgreement, ...]) -> None:
    """In whichever order the agreements were created."""
    made = drafted(facts(*created), FEBRUARY, USED)
    assert [each.due.agreement.agreement_id for each in made.segments] == ["S1", "S2", "S3", "HO"]
    calculation = made.segments[-1].calculation
    assert calculation is not None
    (line,) = calculation.lines
    assert (str(line.quantity), line.amount) == ("1000 kWh", Money(2000, "EUR"))
    assert made.segments[-1].worked.totals == {"kWh": 1000 * ATTOS, "EUR": 2000}
    assert line.sources == tuple(f"accounts/A/serviceAgreements/S{number}" for number in (1, 2, 3))


@pytest.mark.rule("BIL-04", "BIL-11")
def test_errors_travel_along_and_the_rest_goes_on() -> None:
    """A site without a read: it is in error, the others are made, and who adds them up waits, whoever is between."""
    group, fee = agreement("G", "GROUP"), agreement("F", "FEE")
    made = by_agreement(
        drafted(facts(*SITES, HEAD_OFFICE, group, fee), FEBRUARY, {**USED, ("S2", BEGAN): None}).segments
    )
    assert {name: each.reason for name, each in made.items()} == {
        "S1": "",
        "S2": "USAGE_MISSING",
        "S3": "",
        "HO": "CHARGE_SOURCE_IN_ERROR",
        "G": "CHARGE_SOURCE_IN_ERROR",
        "F": "CHARGE_SOURCE_IN_ERROR",
    }
    assert made["HO"].worked.waits_on == (Wait("S2", BEGAN, FEBRUARY, "USAGE_MISSING"),)
    assert made["HO"].worked.message.startswith("waits for S2 from 2026-01-01: Interval data")
    assert made["G"].worked.message.startswith("waits for HO from 2026-01-01: waits for S2 from 2026-01-01: Interval")
    assert [wait.agreement_id for wait in made["F"].worked.waits_on] == ["S2", "HO"]
    assert made["HO"].calculation is None


@pytest.mark.rule("BIL-04")
def test_amounts_are_added_up_in_their_currency() -> None:
    """A tenth of what sites and head office come to."""
    made = by_agreement(drafted(facts(*SITES, HEAD_OFFICE, agreement("F", "FEE")), FEBRUARY, USED).segments)
    assert made["F"].calculation is not None
    (line,) = made["F"].calculation.lines
    assert (str(line.quantity), line.amount) == ("320 EUR", Money(3200, "EUR"))


@pytest.mark.rule("BIL-04")
def test_what_is_charged_on_something_at_an_equal_sequence_is_in_error() -> None:
    """Although by its id it would come later."""
    made = by_agreement(drafted(facts(SITES[0], agreement("Z", "EARLY")), FEBRUARY, USED).segments)
    assert (made["S1"].reason, made["Z"].reason) == ("", "CHARGE_SOURCE_AT_EQUAL_SEQUENCE")
    assert "at an equal sequence" in made["Z"].worked.message


@pytest.mark.rule("BIL-04")
def test_only_one_measure_is_added_up() -> None:
    """What came to money alone has no part in a sum of kWh, so there is no sum."""
    types = {**TYPES, "SITE": AgreementTypeSettings("STANDING", "RECEIVABLE")}
    made = by_agreement(drafted(facts(SITES[0], HEAD_OFFICE), FEBRUARY, {}, configured(types)).segments)
    assert (made["S1"].reason, made["S1"].worked.totals) == ("", {"EUR": 500})
    assert made["HO"].reason == "CHARGE_MEASURE_MISSING"
    assert made["HO"].worked.message == "S1 from 2026-01-01 came to EUR; only kWh is added up"


@pytest.mark.rule("BIL-04")
def test_days_that_were_billed_with_another_bill_are_not_left_out_in_silence() -> None:
    """A quarter of which two months are on earlier bills."""
    office = agreement("HO", "QUARTERLY")
    monthly = facts(SITES[0], office, billed_through={"S1": MARCH})
    made = by_agreement(drafted(monthly, APRIL, {("S1", MARCH): "5"}).segments)
    assert made["HO"].reason == "CHARGE_SOURCE_ON_ANOTHER_BILL"
    assert "S1 was billed up to 2026-03-01" in made["HO"].worked.message
    at_once = drafted(facts(SITES[0], office), APRIL, {("S1", BEGAN): "1", ("S1", MARCH): "5"})
    assert at_once.segments[-1].worked.totals["kWh"] == 6 * ATTOS


@pytest.mark.rule("BIL-04")
def test_a_frozen_segment_counts_once() -> None:
    """What it was charged on already is charged to no other; what came late is charged to the next."""
    first = by_agreement(drafted(facts(SITES[0], HEAD_OFFICE), FEBRUARY, USED).segments)
    frozen = [as_segment(each, state=SegmentState.FROZEN) for each in first.values()]
    known = facts(*SITES[:2], HEAD_OFFICE, segments=frozen, billed_through={"S1": FEBRUARY, "HO": FEBRUARY})
    made = drafted(known, MARCH, {**USED, ("S1", FEBRUARY): "7", ("S2", FEBRUARY): "8"})
    assert [each.due.key for each in made.segments] == [
        ("S1", FEBRUARY),
        ("S2", BEGAN),
        ("S2", FEBRUARY),
        ("HO", FEBRUARY),
    ]
    assert [segment.key for segment in made.agenda.kept] == [("S1", BEGAN), ("HO", BEGAN)]
    assert made.segments[-1].worked.totals["kWh"] == (350 + 7 + 8) * ATTOS
    (source,) = made.segments[-1].worked.sources
    assert source.charged_on == (
        Charged("S1", FEBRUARY, MARCH),
        Charged("S2", BEGAN, FEBRUARY),
        Charged("S2", FEBRUARY, MARCH),
    )


@pytest.mark.rule("BIL-11")
def test_made_again_is_what_was_asked_for_with_what_depends_on_it() -> None:
    """And what the bill lacks altogether; the rest is kept, and seen."""
    first = drafted(facts(*SITES, HEAD_OFFICE), FEBRUARY, {**USED, ("S2", BEGAN): None})
    known = facts(*SITES, HEAD_OFFICE, segments=[as_segment(each) for each in first.segments])
    made = drafted(known, FEBRUARY, {("S2", BEGAN): "350"}, None, "S2")
    assert [each.due.agreement.agreement_id for each in made.segments] == ["S2", "HO"]
    assert made.segments[-1].worked.totals == {"kWh": 1000 * ATTOS, "EUR": 2000}
    late = replace(known, agreements=(*known.agreements, agreement("S4", "SITE")))
    made = drafted(late, FEBRUARY, {("S4", BEGAN): "1"}, None, "S3")
    assert [each.due.agreement.agreement_id for each in made.segments] == ["S3", "S4", "HO"]


@pytest.mark.rule("BIL-20")
def test_a_period_before_the_first_version_of_its_rate_is_in_error() -> None:
    """And asks nothing of its usage."""
    made = by_agreement(drafted(facts(agreement("X", "NO_RATE"), SITES[0]), FEBRUARY, USED).segments)
    assert (made["X"].reason, made["S1"].reason) == ("RATE_NOT_EFFECTIVE", "")
    assert "2099-01-01" in made["X"].worked.message


@pytest.mark.rule("BIL-16")
@pytest.mark.parametrize(
    ("used", "reason"),
    [("50", ""), ("49.9", "IMPLAUSIBLE"), ("200", ""), ("200.1", "IMPLAUSIBLE"), ("-100", "IMPLAUSIBLE")],
)
def test_what_is_far_from_an_agreements_own_history_is_in_error(used: str, reason: str) -> None:
    """From half to twice what it came to by day: 31 days at 30.00 each bring 100 kWh."""
    limits = Plausible(2, Decimal(50), Decimal(200))
    snapshot = configured({**TYPES, "SITE": replace(TYPES["SITE"], plausible=limits)})
    known = facts(SITES[0], history={"S1": Spent(6000, 62, 2)})
    (made,) = drafted(known, FEBRUARY, {("S1", BEGAN): used}, snapshot).segments
    assert made.reason == reason
    assert made.calculation is not None, "what it came to is told, so that a person can judge"
    if reason:
        told = "less than 50 %" if Decimal(used) < 50 else "more than 200 %"
        assert made.worked.message == f"comes to {told} of 0.97 EUR a day, the average of its last bills"
        accepted = as_segment(made, accepted=True)
        (again,) = drafted(replace(known, segments=[accepted]), FEBRUARY, {("S1", BEGAN): used}, snapshot).segments
        assert (again.reason, again.accepted) == ("", True)
        (other,) = drafted(replace(known, segments=[accepted]), FEBRUARY, {("S1", BEGAN): "999"}, snapshot).segments
        assert (other.reason, other.accepted) == ("IMPLAUSIBLE", False), "another amount is judged anew"
    short = replace(known, history={"S1": Spent(6000, 62, 1)})
    assert drafted(short, FEBRUARY, {("S1", BEGAN): used}, snapshot).segments[0].reason == ""


@pytest.mark.rule("BIL-01", "BIL-04", "BIL-11")
@given(
    used=st.lists(st.none() | st.integers(0, 10**6), min_size=1, max_size=6),
    months=st.integers(1, 4),
    seed=st.randoms(use_true_random=False),
)
def test_what_is_added_up_is_all_or_an_error(used: list[int | None], months: int, seed: object) -> None:
    """Each month's head office comes to what the sites used in it, or waits for each that is not known."""
    sites = [agreement(f"S{number}", "SITE") for number in range(len(used))]
    created = [*sites, HEAD_OFFICE]
    seed.shuffle(created)  # type: ignore[attr-defined]
    starts = [20260101 + 100 * month for month in range(months)]
    kwh = {
        (site.agreement_id, start): None if one is None else str(one + at)
        for at, start in enumerate(starts)
        for site, one in zip(sites, used, strict=True)
    }
    made = drafted(facts(*created), starts[-1] + 100, kwh)
    offices = [each for each in made.segments if each.due.agreement == HEAD_OFFICE]
    assert [each.due.period.start for each in offices] == starts
    for each in offices:
        monthly = [kwh[site.agreement_id, each.due.period.start] for site in sites]
        failed = [site.agreement_id for site, one in zip(sites, monthly, strict=True) if one is None]
        assert [wait.agreement_id for wait in each.worked.waits_on] == failed
        assert bool(each.reason) == bool(failed)
        if not failed:
            total = sum(int(one or 0) for one in monthly)
            assert each.worked.totals.get("kWh", 0) == total * ATTOS
            assert each.calculation is not None
            assert each.calculation.amount.minor == rounded(total * 2, 1, Rounding.HALF_EVEN)
