"""Rates put straight into the tables, for tests of what is made by them."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.billing.configuration import store
from domain.billing.configuration.model import ConfiguredRate, RateVersion
from domain.billing.configuration.registers import RATES, SHELF
from domain.billing.rating.model import Component, Version
from domain.kernel.registers import store as registers


def put_rate(tx: Connection, code: str, currency: str, *versions: tuple[int, tuple[Component, ...]]) -> None:
    """A rate with its versions, each an effective day and its components; nothing is checked, nor in the trail."""
    newest = len(versions)
    assert registers.create(tx, RATES, ConfiguredRate(code, "", 1, 1, 1, currency, newest))
    for number, (day, components) in enumerate(versions, start=1):
        put_version(tx, code, number, Version(day, currency, components))


def put_version(tx: Connection, code: str, number: int, settings: Version) -> None:
    """A version of a rate."""
    store.create_rate_version(tx, RateVersion(code, number, settings, 1, "test"))
    registers.grow_version(tx, SHELF)
