"""The configuration as bills are made by it: read whole, kept, and read again once it has changed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import Connection

from domain.billing.configuration import store, vocabulary
from domain.billing.configuration.model import Cycle, CycleSettings, ProfileKind, ProfileType, ProfileTypeSettings
from domain.billing.configuration.registers import CYCLES, PROFILE_TYPES, SHELF
from domain.billing.configuration.snapshot import Configurations
from domain.billing.rating.model import (
    Component,
    Demand,
    Discount,
    Fixed,
    Minimum,
    Percentage,
    Step,
    Stepped,
    Tax,
    TimeOfUse,
    Version,
)
from domain.kernel.conditions.expressions import compile_condition
from domain.kernel.money import Rounding
from domain.kernel.registers import store as registers
from server.database.transaction import Database
from tests.billing.configured import put_rate, put_version

NEVER = compile_condition(
    "account.code == 'x'", vocabulary.SEGMENTS, path="rates/ALL/versions/1.components[7].condition"
)
ALL: tuple[Component, ...] = (
    Fixed(code="FIX", distribution_code="D", price=Decimal("1.50")),
    Stepped(
        code="STEP",
        distribution_code="D",
        usage="u",
        unit="kWh",
        steps=(Step(Decimal("0.1"), Decimal(100)), Step(Decimal("0.2"))),
    ),
    TimeOfUse(
        code="TOU", distribution_code="D", usage="u", unit="kWh", prices=(("PEAK", Decimal(1)), ("OFF", Decimal(0)))
    ),
    Demand(code="MAX", distribution_code="D", usage="m", unit="kW", price=Decimal(3)),
    Minimum(code="MIN", distribution_code="D", amount=Decimal(5), of=("FIX", "STEP")),
    Percentage(code="PCT", distribution_code="D", percent=Decimal("0.000000000000000001"), of=("FIX",)),
    Tax(code="TAX", distribution_code="T", percent=Decimal(19), of=("FIX",), rounding=Rounding.HALF_EVEN),
    Discount(code="OFF", distribution_code="D", percent=Decimal(5), of=("FIX",), condition=NEVER),
)
FIRST, SECOND, THIRD = ((Fixed(code="FIX", distribution_code="D", price=Decimal(price)),) for price in (1, 2, 3))


@pytest.mark.rule("BIL-20")
def test_a_rate_is_read_as_it_was_put_in(database: Database) -> None:
    """Every kind of component, to the last decimal, with its condition compiled."""
    database.write(lambda tx: put_rate(tx, "ALL", "EUR", (20260101, ALL)))
    snapshot = database.read(Configurations().current)
    assert snapshot.rate("ALL").versions == (Version(20260101, "EUR", ALL),)
    read = snapshot.rate("ALL").versions[0].components[-1]
    assert [read.condition.evaluate({"account": {"code": code}}) for code in "xy"] == [True, False]  # type: ignore[union-attr]
    assert snapshot.plan("ALL") is snapshot.plan("ALL")


@pytest.mark.rule("BIL-20")
def test_of_versions_of_one_day_the_newest_holds(database: Database) -> None:
    """Whatever the order they came in; lines name the version by its day."""
    versions = (20260301, FIRST), (20260101, SECOND), (20260301, THIRD)
    database.write(lambda tx: put_rate(tx, "R", "EUR", *versions))
    snapshot = database.read(Configurations().current)
    assert snapshot.rate("R").versions == (Version(20260101, "EUR", SECOND), Version(20260301, "EUR", THIRD))
    assert snapshot.plan("R").effective_days == (20260101, 20260301)
    assert [snapshot.rate_version("R", day) for day in (20260101, 20260301)] == [2, 3]
    held = database.read(lambda tx: store.versions_that_hold(tx, {"R"}))
    assert [each.rate_version for each in held["R"]] == [2, 3]


@pytest.mark.rule("BIL-20")
def test_a_process_reads_the_configuration_again_only_when_it_has_changed(database: Database) -> None:
    """What was read stays as it was."""
    database.write(lambda tx: put_rate(tx, "R", "EUR", (20260101, FIRST)))
    configurations = Configurations()
    before = database.read(configurations.current)
    assert database.read(configurations.current) is before
    database.write(lambda tx: put_version(tx, "R", 2, Version(20260201, "EUR", SECOND)))
    after = database.read(configurations.current)
    assert after.version > before.version
    assert [len(each.rate("R").versions) for each in (before, after)] == [1, 2]


def test_what_is_kept_in_registers_is_there_by_code(database: Database) -> None:
    """Entries as they were put in."""
    profile_type = ProfileType("KWH", "", 1, 1, 1, ProfileTypeSettings(ProfileKind.INTERVALS, "kWh", 1800))
    cycle = Cycle("NIGHTLY", "", 1, 1, 1, CycleSettings())

    def put(tx: Connection) -> None:
        assert registers.create(tx, PROFILE_TYPES, profile_type)
        assert registers.create(tx, CYCLES, cycle)
        registers.grow_version(tx, SHELF)

    database.write(put)
    snapshot = database.read(Configurations().current)
    assert (snapshot.profile_types, snapshot.cycles) == ({"KWH": profile_type}, {"NIGHTLY": cycle})
    assert (snapshot.agreement_types, snapshot.schemes, snapshot.customer_classes, snapshot.rates) == ({}, {}, {}, {})
