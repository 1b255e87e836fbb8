"""Any story of a claim: balances are what its operations come to, and a step that is refused leaves no trace."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel.errors import DomainError
from server.database.transaction import Database
from tests.accounting.performing.stories import LIMIT, POINTS, RULES, SIDES, Step, Story
from tests.accounting.shop import Shop, add_claim, open_shop

PLACES = st.integers(0, 12)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("execute"),
            st.tuples(st.sampled_from(POINTS), st.sampled_from([0, 1, 9_999, LIMIT + 1]), st.sampled_from(["", "k"])),
        ),
        st.tuples(
            st.just("free"),
            st.tuples(
                st.sampled_from(SIDES), st.sampled_from(SIDES), st.sampled_from([1, LIMIT, LIMIT + 1]), st.booleans()
            ),
        ),
        *(
            st.tuples(st.just(what), PLACES)
            for what in ("complete", "settle", "fail", "retry", "reverse", "cancel", "approve")
        ),
    ),
    min_size=3,
    max_size=16,
)
_claims = itertools.count()


@pytest.fixture
def shop(database: Database) -> Shop:
    return open_shop(database, RULES, approval_limits={"USD": LIMIT})


def story_of(shop: Shop, client: str) -> Story:
    claim_id = f"story-{next(_claims)}"
    shop.database.write(lambda tx: add_claim(tx, claim_id, client, disputes=1))
    return Story(shop, claim_id)


@pytest.mark.rule("ACC-03", "ACC-04", "ACC-08", "ACC-50")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(client=st.sampled_from(["SERVED", "FILED", "MANUAL"]), steps=STEPS)
def test_a_claim_is_right_after_every_step(shop: Shop, client: str, steps: list[Step]) -> None:
    story = story_of(shop, client)
    for what, step in steps:
        story.take(what, step)


@pytest.mark.rule("ACC-08")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minors=st.lists(st.tuples(st.sampled_from(["CREDIT", "TWICE"]), st.integers(1, LIMIT)), min_size=1, max_size=5))
def test_reversing_all_brings_every_balance_back(shop: Shop, minors: list[tuple[str, int]]) -> None:
    """Whatever was executed, second operations too."""
    story = story_of(shop, "MANUAL")
    for point, minor in minors:
        assert story.take("execute", (point, minor, ""))
    for _ in range(2):  # what follows on the first ones is due only then
        for place in range(len(story.made)):
            story.take("complete", place)
    for place in range(len(story.made)):
        story.take("reverse", place)
    for place in range(len(story.made)):
        story.take("complete", place)
    assert set(story.balances().values()) <= {(0, 0)}


PAIRS: tuple[Step, ...] = (
    ("execute", ("CREDIT", 500, "k")),
    ("execute", ("WRITE_OFF", 1, "")),
    ("complete", 0),
    ("complete", 1),
    ("reverse", 1),
    ("cancel", 0),
    ("fail", 0),
    ("free", ("LOSS", "SUSPENSE", 700, True)),
)


@pytest.mark.rule("ACC-05", "ACC-08", "ACC-40", "PLT-10")
@pytest.mark.parametrize(("one", "two"), list(itertools.combinations_with_replacement(PAIRS, 2)))
def test_two_at_once_come_to_what_they_come_to_one_after_the_other(shop: Shop, one: Step, two: Step) -> None:
    """Any two callers of one claim: one of the two serial outcomes."""
    serial = [outcome_of(shop, [[first], [second]]) for first, second in ((one, two), (two, one))]
    for _ in range(3):
        assert outcome_of(shop, [[one, two]]) in serial


def outcome_of(shop: Shop, rounds: list[list[Step]]) -> object:
    """What becomes of a claim with a pending and an executed operation; the steps of a round are taken at once."""
    story = story_of(shop, "MANUAL")
    story.execute(("CREDIT", 1_000, ""))
    story.execute(("CREDIT", 2_000, ""))
    story.settle(1)
    for steps in rounds:
        threads = [threading.Thread(target=_quietly, args=(story, step)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    story.prove()
    return story.outcome()


def _quietly(story: Story, step: Step) -> None:
    what, given_ = step
    try:
        getattr(story, what)(given_)
    except DomainError:
        return
