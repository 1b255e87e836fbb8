"""What bills come to, to the cent, against what is reckoned here by other means: decimals, hour by hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from countinghouse.billing.v1 import bill_segments_pb2 as pb
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from domain.billing.rating.model import Version
from domain.billing.tables import interval_data
from domain.kernel.quantities import attos_of
from domain.kernel.time import instant_us
from server.database.transaction import Database
from tests.billing.configured import put_version
from tests.billing.shop import stepped, with_fees
from tests.billing.usage.samples import keep_intervals
from tests.support.server import Served
from tests.wire.billing.office import Office
from tests.wire.billing.tariffs import Tariffs, component, number
from tests.wire.billing.till import Till, amount, site

BERLIN = ZoneInfo("Europe/Berlin")
CENT = Decimal("0.01")
Hours = dict[datetime, Decimal]


@pytest.fixture
def till(utility: Served) -> Till:
    """Somebody who bills, at a server with a small utility."""
    return Till(utility.stub(BillingServiceStub))


def hours(first: date, last: date) -> Hours:
    """Something for each hour of these days in Berlin, by its beginning in UTC."""
    random = Random(first.toordinal())
    at = datetime(first.year, first.month, first.day, tzinfo=BERLIN).astimezone(UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=BERLIN).astimezone(UTC)
    found: Hours = {}
    while at < end:
        found[at] = Decimal(random.randrange(10**9)).scaleb(-8)
        at += timedelta(hours=1)
    return found


def keep(database: Database, profile: str, used: Hours) -> None:
    """Keep them as data of a profile of account A-1."""
    data = {instant_us(at): attos_of(str(kwh)) or 0 for at, kwh in used.items()}
    database.write(lambda tx: keep_intervals(tx, "A-1", profile, data))


def cents(money: Decimal, rounding: str = ROUND_HALF_EVEN) -> int:
    """An amount in cents."""
    return int(money.quantize(CENT, rounding) * 100)


def is_peak(at: datetime) -> bool:
    """From 8 to 20 on working days, by the clock in Berlin."""
    local = at.astimezone(BERLIN)
    return local.weekday() < 5 and 8 <= local.hour < 20


@pytest.mark.rule("BIL-20", "BIL-21", "BIL-05")
@pytest.mark.parametrize(
    ("month", "hours_of_month"), [(date(2026, 3, 1), 31 * 24 - 1), (date(2026, 10, 1), 31 * 24 + 1)]
)
def test_time_of_use_over_a_change_of_the_clocks(
    database: Database, office: Office, till: Till, month: date, hours_of_month: int
) -> None:
    """A month with a day of 23 hours, and one with a day of 25, at 0.40 and 0.20 by the clock."""
    through = month.replace(month=month.month + 1)
    start = {"year": month.year, "month": month.month, "day": 1}
    office.account()
    site(office, "S1", "HOURLY", type_code="POWER_BY_TIME", start_date=start)
    used = hours(month, through)
    assert len(used) == hours_of_month
    keep(database, "S1", used)
    (made,) = till.bill(through=through).segments
    peak = sum((kwh for at, kwh in used.items() if is_peak(at)), Decimal(0))
    low = sum((kwh for at, kwh in used.items() if not is_peak(at)), Decimal(0))
    lines = {(line.component_code, line.bucket): line for line in made.lines}
    assert Decimal(lines["ENERGY", "PEAK"].quantity.value) == peak
    assert Decimal(lines["ENERGY", "OFF_PEAK"].quantity.value) == low
    energy = cents(peak * Decimal("0.40") + low * Decimal("0.20"))
    tax = cents(Decimal(1200 + energy) / 100 * Decimal("0.19"), ROUND_HALF_UP)
    assert made.segment.tax == amount(tax)
    assert made.segment.amount == amount(1200 + energy + tax)
    assert [total.quantity.value for total in made.segment.totals if total.unit] == [f"{(peak + low).normalize():f}"]
    assert "S1" in lines["ENERGY", "PEAK"].sources[0]


@pytest.mark.rule("BIL-21", "BIL-11")
def test_an_hour_that_is_missing_is_no_hour_of_nothing(database: Database, office: Office, till: Till) -> None:
    """The segment is in error, and says what is missing; the hour that the clocks skip is not missing."""
    office.account()
    site(office, "S1", "HOURLY", type_code="POWER_HOURLY", start_date={"year": 2026, "month": 3, "day": 1})
    used = hours(date(2026, 3, 1), date(2026, 4, 1))
    keep(database, "S1", used)
    assert till.bill(through=date(2026, 4, 1)).bill.error_count == 0
    gone = instant_us(datetime(2026, 3, 29, 5, tzinfo=UTC))
    database.write(lambda tx: tx.execute(delete(interval_data).where(interval_data.c.start_us == gone)))
    (made,) = till.bill(through=date(2026, 4, 1)).segments
    assert (made.segment.state, made.segment.reason) == (pb.BILL_SEGMENT_STATE_ERROR, "USAGE_MISSING")
    assert not made.lines


@pytest.mark.rule("BIL-20", "BIL-05")
def test_a_change_of_the_rate_splits_the_period(database: Database, office: Office, till: Till) -> None:
    """Interval usage goes by instant, the standing charge by days; each line names the version that gave it."""
    raised = Version(20260317, "EUR", with_fees(stepped("0.35")))
    database.write(lambda tx: put_version(tx, "POWER", 2, raised))
    office.account()
    site(office, "S1", "HOURLY", type_code="POWER_HOURLY", start_date={"year": 2026, "month": 3, "day": 1})
    used = hours(date(2026, 3, 1), date(2026, 4, 1))
    keep(database, "S1", used)
    change = datetime(2026, 3, 17, tzinfo=BERLIN)
    before = sum((kwh for at, kwh in used.items() if at < change), Decimal(0))
    after = sum((kwh for at, kwh in used.items() if at >= change), Decimal(0))
    (made,) = till.bill(through=date(2026, 4, 1)).segments
    energy = [line for line in made.lines if line.component_code == "ENERGY"]
    assert [Decimal(line.quantity.value) for line in energy] == [before, after]
    assert [line.rate_version for line in energy] == ["rates/POWER/versions/1", "rates/POWER/versions/2"]
    assert [line.start_date.day for line in energy] == [1, 17]
    standing = [line for line in made.lines if line.component_code == "STANDING"]
    assert [(line.days, line.full_days) for line in standing] == [(16, 31), (15, 31)]
    assert [line.unrounded_amount.value[:8] for line in standing] == ["6.193548", "5.806451"]
    charged = cents(before * Decimal("0.30") + after * Decimal("0.35"))
    parts = [line.amount for line in made.lines if line.component_code != "VAT"]
    net = sum(part.units * 100 + part.nanos // 10**7 for part in parts)
    assert net == 1200 + charged
    tax = cents(Decimal(net) / 100 * Decimal("0.19"), ROUND_HALF_UP)
    assert made.segment.amount == amount(net + tax)


@pytest.mark.rule("BIL-20")
def test_days_served_of_a_month_bear_their_part_of_the_standing_charge(
    database: Database, office: Office, till: Till
) -> None:
    """Taken up on the tenth of March, ended on the twenty-first of April."""
    office.account()
    site(
        office,
        "S1",
        start_date={"year": 2026, "month": 3, "day": 10},
        end_date={"year": 2026, "month": 4, "day": 21},
    )
    used = {
        datetime(day.year, day.month, day.day, tzinfo=BERLIN): Decimal(2)
        for day in (date(2026, 3, 10) + timedelta(days=at) for at in range(42))
    }
    keep(database, "S1", used)
    made = till.bill(through=date(2026, 4, 21)).segments
    for segment, days, full in zip(made, (22, 20), (31, 30), strict=True):
        standing, energy, tax = segment.lines
        assert standing.amount == amount(cents(Decimal(12) * days / full))
        assert energy.amount == amount(days * 60)
        net = cents(Decimal(12) * days / full) + days * 60
        assert tax.amount == amount(cents(Decimal(net) / 100 * Decimal("0.19"), ROUND_HALF_UP))
        assert tax.base == amount(net)
        assert segment.segment.full_period_days == full


@pytest.mark.rule("BIL-20", "BIL-21", "BIL-05")
def test_on_peak_demand(database: Database, office: Office, till: Till, tariffs: Tariffs) -> None:
    """The highest hour on working days from 8 to 20 by the clock at 5.00, and of all others at 0.50."""
    charge = {"usage": "LOAD", "unit": "kWh"}
    peak = component("demand", "ON_PEAK", price=number("5"), bucket="PEAK", **charge)
    tariffs.rate("LOAD", peak, component("demand", "REST", price=number("0.5"), bucket="OFF_PEAK", **charge))
    measured = {"profile_type_code": "HOURLY", "time_of_use_scheme_code": "DAY_NIGHT", "maximum": True}
    tariffs.type("LOAD", rate_code="LOAD", usage=[{"name": "LOAD", "measured": measured}])
    assert tariffs.get_rate("LOAD").newest_version.components[0].demand.bucket == "PEAK"
    office.account()
    site(office, "S1", "HOURLY", type_code="LOAD")
    used = hours(date(2026, 1, 1), date(2026, 2, 1))
    keep(database, "S1", used)
    bill = till.bill().bill
    (segment,) = till.segments(bill=bill.name)
    lines = till.explain(segment.name).lines
    highest = [max(kwh for at, kwh in used.items() if is_peak(at) is wanted) for wanted in (True, False)]
    assert [(line.component_code, line.bucket, Decimal(line.quantity.value)) for line in lines] == [
        ("ON_PEAK", "PEAK", highest[0]),
        ("REST", "OFF_PEAK", highest[1]),
    ]
    assert segment.amount == amount(cents(5 * highest[0]) + cents(highest[1] / 2))
