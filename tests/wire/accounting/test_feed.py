"""Events of claims over the wire: listed, watched, and gone on with after a cut."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.accounting.v1 import claims_pb2, feed_pb2
from countinghouse.accounting.v1.accounting_service_pb2_grpc import AccountingServiceStub
from domain.accounting.claims.model import Claim
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind
from server.database.transaction import Database
from server.servicers.accounting.subjects import KEPT_MAX
from tests.accounting.claims_and_events import AT_US, executed, put_claim
from tests.accounting.configured import configure
from tests.support.server import Served, refusal, serving

WAIT_S = 20


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with its worker and two clients, on either database."""
    configure(database, clients=("ACME", "OTHER"))
    with serving(migrated_url, tmp_path, carries_out=()) as server:
        yield server


@pytest.fixture
def accounting(served: Served) -> AccountingServiceStub:
    return served.stub(AccountingServiceStub)


@pytest.fixture
def claim(database: Database) -> Claim:
    return database.write(partial(put_claim, claim_id="C-1"))


def happen(database: Database, claim: Claim, *operation_ids: str) -> None:
    """Operations of the claim are executed, in one transaction."""
    database.write(partial(feed.record, events=[executed(claim, operation_id) for operation_id in operation_ids]))


def watch(
    accounting: AccountingServiceStub, after: int | None = None, parent: str = "clients/ACME"
) -> Iterator[feed_pb2.WatchAccountingEventsResponse]:
    request = feed_pb2.WatchAccountingEventsRequest(parent=parent, after_position=after)
    return iter(accounting.WatchAccountingEvents(request, timeout=WAIT_S))


def watch_claim(
    accounting: AccountingServiceStub, after: int = 0, name: str = "claims/C-1"
) -> Iterator[feed_pb2.WatchClaimResponse]:
    request = feed_pb2.WatchClaimRequest(name=name, after_sequence=after)
    return iter(accounting.WatchClaim(request, timeout=WAIT_S))


def events(messages: Iterator[Any], count: int) -> list[feed_pb2.AccountingEvent]:
    """The next events of a watch, whatever heartbeats come between them."""
    return list(islice((message.event for message in messages if message.HasField("event")), count))


def operations(found: list[feed_pb2.AccountingEvent]) -> list[str]:
    return [event.operation.rpartition("/")[2] for event in found]


@pytest.mark.rule("ACC-56", "PLT-21")
def test_a_watch_of_a_client_tells_what_happens_to_all_its_claims(
    accounting: AccountingServiceStub, database: Database, claim: Claim
) -> None:
    """From now on: at once where the feed stands, then every event with all that names it, and nobody else's."""
    happen(database, claim, "before")
    assert events(watch(accounting, after=0), 1)
    seen = watch(accounting)
    first = next(seen)
    assert (first.HasField("heartbeat"), first.position) == (True, 1)
    other = database.write(partial(put_claim, claim_id="C-2"))
    stranger = database.write(partial(put_claim, claim_id="C-3", client_code="OTHER"))
    happen(database, stranger, "op-0")
    happen(database, claim, "op-1")
    happen(database, other, "op-2", "op-3")
    found = events(seen, 3)
    assert operations(found) == ["op-1", "op-2", "op-3"]
    assert [event.position for event in found] == [2, 3, 4]
    assert [(event.claim, event.sequence) for event in found] == [
        ("claims/C-1", 2),
        ("claims/C-2", 1),
        ("claims/C-2", 2),
    ]
    assert found[0].name == "claims/C-1/events/2"
    assert found[0].operation == "claims/C-1/operations/op-1"
    assert found[0].kind == feed_pb2.ACCOUNTING_EVENT_KIND_OPERATION_EXECUTED
    assert found[0].client_code == "ACME"
    assert found[0].event_time.ToMicroseconds() == executed(claim, "op-1").at_us


@pytest.mark.rule("ACC-56", "PLT-21")
def test_a_watch_that_was_cut_goes_on_where_it_was(
    accounting: AccountingServiceStub, database: Database, claim: Claim
) -> None:
    """Nothing is missed that happened meanwhile, however much, and nothing is told twice."""
    happen(database, claim, *(f"op-{at}" for at in range(3)))
    seen, of_claim = watch(accounting, after=0), watch_claim(accounting)
    found = events(seen, 2)
    started = next(of_claim)
    assert (started.claim.name, started.sequence) == ("claims/C-1", 3)
    happen(database, claim, *(f"op-{at}" for at in range(3, 1_203)))
    happen(database, claim, "last")
    expected = [f"op-{at}" for at in range(2, 1_203)] + ["last"]
    assert operations(events(watch(accounting, after=found[-1].position), 1_202)) == expected
    assert operations(events(watch_claim(accounting, after=started.sequence), 1_201)) == expected[1:]
    assert operations(events(seen, 1_202)) == expected
    assert operations(events(of_claim, 1_201)) == expected[1:]


@pytest.mark.rule("ACC-56", "PLT-21")
def test_a_watch_of_a_claim_begins_with_the_claim_and_tells_its_changes(accounting: AccountingServiceStub) -> None:
    """Changes by call are told within moments; the claim comes once, as it was."""
    new = claims_pb2.Claim(client_code="ACME", claim_type_code="CARD", description="as it was")
    made = accounting.CreateClaim(claims_pb2.CreateClaimRequest(claim=new, claim_id="C-1"))
    seen = watch_claim(accounting)
    first = next(seen)
    assert (first.claim, first.sequence) == (made, 1)
    began = time.monotonic()
    for description in ("a", "b"):
        made.description = description
        made.etag = accounting.UpdateClaim(claims_pb2.UpdateClaimRequest(claim=made)).etag
    found = events(seen, 2)
    assert time.monotonic() - began < 5
    assert [(event.sequence, event.kind) for event in found] == [
        (2, feed_pb2.ACCOUNTING_EVENT_KIND_CLAIM_CHANGED),
        (3, feed_pb2.ACCOUNTING_EVENT_KIND_CLAIM_CHANGED),
    ]


@pytest.mark.rule("ACC-56", "PLT-21", "PLT-23")
def test_a_watch_at_another_server_sees_what_happens_here(
    served: Served, accounting: AccountingServiceStub, migrated_url: str, tmp_path: Path
) -> None:
    """The claim is changed at one server, and watched at another one that has no worker, on the same database."""
    new = claims_pb2.Claim(client_code="ACME", claim_type_code="CARD")
    made = accounting.CreateClaim(claims_pb2.CreateClaimRequest(claim=new, claim_id="C-1"))
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False) as other:
        assert other.target != served.target
        there = other.stub(AccountingServiceStub)
        of_client, of_claim = watch(there, after=0), watch_claim(there)
        assert [event.sequence for event in events(of_client, 1)] == [1]
        assert next(of_claim).sequence == 1
        made.description = "changed"
        accounting.UpdateClaim(claims_pb2.UpdateClaimRequest(claim=made))
        assert [event.sequence for event in events(of_claim, 1)] == [2]
        assert [event.position for event in events(of_client, 1)] == [2]


@pytest.mark.rule("ACC-56", "PLT-21")
def test_many_who_watch_are_told_everything(
    accounting: AccountingServiceStub, database: Database, claim: Claim
) -> None:
    """Sixty on one channel leave room for other calls, and each sees all of it, in one order."""
    watches = [watch(accounting, after=0) for _ in range(30)] + [watch_claim(accounting) for _ in range(30)]
    for of_claim in watches[30:]:
        assert next(of_claim).HasField("claim")
    with ThreadPoolExecutor(60) as pool:
        ends = [pool.submit(events, messages, 40) for messages in watches]
        for at in range(20):
            happen(database, claim, f"op-{at}", f"op-{at}b")
        told = [operations(end.result(WAIT_S)) for end in ends]
    assert told == [[f"op-{at // 2}{'b' * (at % 2)}" for at in range(40)]] * 60


@pytest.mark.rule("PLT-21")
def test_a_watch_says_that_it_is_alive_while_nothing_happens(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Heartbeats carry the place of the last event, to go on from."""
    configure(database)
    claim = database.write(partial(put_claim, claim_id="C-1"))
    happen(database, claim, "op-1")
    with serving(migrated_url, tmp_path, carries_out=(), watch_heartbeat_s=0.05) as served:
        accounting = served.stub(AccountingServiceStub)
        seen, of_claim = watch(accounting, after=0), watch_claim(accounting)
        assert events(seen, 1)[0].position == 1
        assert next(of_claim).sequence == 1
        for beat in (next(seen), next(seen)):
            assert (beat.HasField("heartbeat"), beat.position) == (True, 1)
        for pulse in (next(of_claim), next(of_claim)):
            assert (pulse.HasField("heartbeat"), pulse.sequence) == (True, 1)


@pytest.mark.rule("PLT-21", "PLT-43")
def test_watches_are_told_to_come_back_when_the_server_stops(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """UNAVAILABLE at once, with when to try again."""
    configure(database)
    claim = database.write(partial(put_claim, claim_id="C-1"))
    happen(database, claim, "op-1")
    with ExitStack() as later, ThreadPoolExecutor(2) as pool:
        with serving(migrated_url, tmp_path, carries_out=()) as served:
            channel = later.enter_context(grpc.insecure_channel(served.target))  # outlives the server
            accounting = AccountingServiceStub(channel)
            seen, of_claim = watch(accounting, after=0), watch_claim(accounting)
            assert events(seen, 1)
            assert next(of_claim).HasField("claim")
            ends = [pool.submit(refusal, partial(list, messages)) for messages in (seen, of_claim)]
        for end in ends:
            refused = end.result(WAIT_S)
            assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")


@pytest.mark.rule("PLT-21", "PLT-07")
def test_a_watch_of_nothing_or_from_the_future_is_refused(
    accounting: AccountingServiceStub, database: Database, claim: Claim
) -> None:
    """What there is not is NOT_FOUND; a place that was never told is OUT_OF_RANGE, with the newest there is."""
    happen(database, claim, "op-1", "op-2")
    assert len(events(watch(accounting, after=0), 2)) == 2
    calls = (
        lambda: next(watch(accounting, parent="clients/NONE")),
        lambda: next(watch_claim(accounting, name="claims/none")),
        lambda: page(accounting, "clients/NONE"),
        lambda: page(accounting, "claims/none"),
    )
    assert [refusal(call).code for call in calls] == [grpc.StatusCode.NOT_FOUND] * 4
    ahead = [refusal(lambda: next(watch(accounting, after=3))), refusal(lambda: next(watch_claim(accounting, after=9)))]
    for refused in ahead:
        assert (refused.code, refused.reason) == (grpc.StatusCode.OUT_OF_RANGE, "FEED_CURSOR_AHEAD")
        assert refused.metadata["newest"] == "2"
    empty = watch(accounting, parent="clients/OTHER")
    assert next(empty).position == 0


@pytest.mark.rule("ACC-56", "PLT-21")
def test_a_watch_that_goes_on_before_what_is_kept_is_refused(
    accounting: AccountingServiceStub, database: Database, claim: Claim
) -> None:
    """OUT_OF_RANGE with the field and the oldest that is kept: nothing is passed over; from there on all is told."""
    many = KEPT_MAX + 10  # the newest are still at hand
    happen(database, claim, *(f"op-{number}" for number in range(1, many + 1)))
    assert len(events(watch(accounting, after=0), many)) == many
    assert database.write(lambda tx: feed.forget_before(tx, AT_US + 1, limit=4)) == 4
    for call, field in (
        (lambda: next(watch(accounting, after=0)), "after_position"),
        (lambda: next(watch(accounting, after=3)), "after_position"),
        (lambda: next(watch_claim(accounting, after=3)), "after_sequence"),
    ):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.OUT_OF_RANGE, "FEED_CURSOR_FORGOTTEN")
        assert (refused.metadata["field"], refused.metadata["oldest"]) == (field, "5")
    assert [each.position for each in events(watch(accounting, after=4), 2)] == [5, 6]
    assert [each.sequence for each in events(watch_claim(accounting, after=4), 2)] == [5, 6]
    assert page(accounting, "clients/ACME").accounting_events[0].position == 5
    assert database.write(lambda tx: feed.forget_before(tx, AT_US + 1, limit=many)) == many - 4
    assert refusal(lambda: next(watch(accounting, after=7))).metadata["oldest"] == str(many + 1)


@pytest.mark.rule("ACC-56", "PLT-08")
def test_events_are_listed_page_by_page_of_a_client_and_of_a_claim(
    accounting: AccountingServiceStub, database: Database, claim: Claim
) -> None:
    """Oldest first, none twice, none left out, though more come meanwhile."""
    other = database.write(partial(put_claim, claim_id="C-2"))
    for at in range(3):
        happen(database, claim, f"op-{at}")
        happen(database, other, f"other-{at}")
    assert len(events(watch(accounting, after=0), 6)) == 6
    for parent, expected in (
        ("claims/C-1", ["op-0", "op-1", "op-2"]),
        ("clients/ACME", ["op-0", "other-0", "op-1", "other-1", "op-2", "other-2"]),
    ):
        found, token = [], ""
        while True:
            answer = page(accounting, parent, page_size=2, page_token=token)
            found += operations(list(answer.accounting_events))
            token = answer.next_page_token
            if not token:
                break
        assert sorted(found) == sorted(expected)
        assert [each for each in found if each.startswith("op")] == ["op-0", "op-1", "op-2"]


@pytest.mark.rule("ACC-56")
def test_every_kind_of_event_is_one_of_the_contract() -> None:
    """And the other way round."""
    contract = {name.removeprefix("ACCOUNTING_EVENT_KIND_") for name, _ in feed_pb2.AccountingEventKind.items()}
    assert contract - {"UNSPECIFIED"} == {kind.value for kind in EventKind}


def page(accounting: AccountingServiceStub, parent: str, **asked: Any) -> feed_pb2.ListAccountingEventsResponse:
    return accounting.ListAccountingEvents(feed_pb2.ListAccountingEventsRequest(parent=parent, **asked))
