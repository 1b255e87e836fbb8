"""The figures that are taken of operations."""

import pytest

from domain.operations.model import State
from domain.operations.store.census import census
from server.database.transaction import Database
from tests.operations import tally
from tests.operations.conftest import Stepper


@pytest.mark.rule("PLT-42")
def test_what_stands_still_is_told_from_what_is_old(tallies: Database, stepper: Stepper) -> None:
    """The oldest stays the oldest; since when it has not moved changes with each chunk of it."""
    operation_id = tally.start(tallies, numbers=30, size=10)
    stepper.step()
    before = tallies.read(lambda tx: census(tx, tallies.clock_us()))
    stepper.step()
    after = tallies.read(lambda tx: census(tx, tallies.clock_us()))
    assert before.oldest_us[State.RUNNING] == after.oldest_us[State.RUNNING] > 0
    moved_us = tally.look(tallies, operation_id).updated_us
    assert before.unmoved_us[State.RUNNING] < after.unmoved_us[State.RUNNING] == moved_us
    assert after.unmoved_us[State.PAUSED] == 0
