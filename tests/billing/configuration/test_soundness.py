"""Two changes that are sound each by itself, but not together, are not both made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event

import pytest
from sqlalchemy import Connection, text

from domain.billing.accounts import agreements
from domain.billing.accounts.model import ServiceAgreement
from domain.billing.accounts.requests import NewAgreement
from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration import agreement_types, rates
from domain.billing.configuration.algorithm_uses import Usable
from domain.billing.configuration.model import AgreementType, AgreementTypeSettings, Measured, RateVersion, UsageSource
from domain.billing.configuration.rate_rules import Given
from domain.billing.rating.model import Step, Stepped
from domain.gl_extraction.distribution import service as distribution
from domain.kernel.errors import Invalid
from server.database.transaction import Database
from tests.billing.configured import put_rate
from tests.billing.segments.utility import open_account
from tests.billing.shop import NOW_US, SINCE, Shop, open_shop
from tests.support.waiting import wait_for

WAIT_S = 20
BLOCKED = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")


def charging(usage: str) -> Stepped:
    return Stepped(code="C", distribution_code="REVENUE", usage=usage, unit="kWh", steps=(Step(Decimal(1)),))


def waits(tx: Connection) -> bool:
    """Whether somebody waits for what the transaction has locked."""
    return tx.dialect.name == "sqlite" or bool(tx.execute(BLOCKED).scalar_one())


def a_type(tx: Connection, shop: Shop) -> AgreementType:
    """A type that is billed by the rate."""
    settings = AgreementTypeSettings("NEW", "RECEIVABLE", usage=(UsageSource("OLD", Measured("DAILY")),))
    new = AgreementType("NEW", "", 1, NOW_US, NOW_US, settings)
    return agreement_types.create(tx, shop.call(), new, Usable(Algorithms(), distribution.known))


def an_agreement(tx: Connection, shop: Shop) -> ServiceAgreement:
    """An agreement that is, in place of its type's."""
    new = NewAgreement("S-1", "", "OLD", "", None, "NEW", SINCE, 0, {})
    return agreements.create(tx, shop.call(), shop.configurations, "A", new)


@pytest.mark.rule("BIL-20", "PLT-10")
@pytest.mark.parametrize("user", [a_type, an_agreement])
def test_a_user_and_a_version_that_do_not_fit_are_not_made_at_the_same_time(
    database: Database, user: Callable[[Connection, Shop], object]
) -> None:
    """The second waits for the first, and sees it."""
    shop = open_shop(database)
    database.write(open_account)
    database.write(lambda tx: put_rate(tx, "NEW", "EUR", (SINCE, (charging("OLD"),))))
    if user is an_agreement:
        database.write(lambda tx: put_rate(tx, "OWN", "EUR", (SINCE, (charging("OLD"),))))
        settings = AgreementTypeSettings("OWN", "RECEIVABLE", usage=(UsageSource("OLD", Measured("DAILY")),))
        new = AgreementType("OLD", "", 1, NOW_US, NOW_US, settings)
        shop.write(agreement_types.create, new, Usable(Algorithms(), distribution.known))
    changed, started = Event(), Event()

    def change(tx: Connection) -> RateVersion:
        given = Given(20261101, ((charging("OTHER"), ""),))
        version = rates.create_version(tx, shop.call(), "NEW", "1", given=given, known_codes=distribution.known)
        changed.set()
        assert started.wait(WAIT_S)
        wait_for(lambda: second.done() or waits(tx), WAIT_S, "the other change")
        return version

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(database.write, change)
        assert changed.wait(WAIT_S)
        second = pool.submit(database.write, lambda tx: user(tx, shop))
        started.set()
        assert first.result(WAIT_S).rate_version == 2
        with pytest.raises(Invalid) as refused:
            second.result(WAIT_S)
    assert [each.reason for each in refused.value.violations] == ["RATE_USAGE_MISSING"]
