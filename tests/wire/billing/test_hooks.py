"""Algorithms of packages and over the network: listed, configured, and asked as bills are completed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.billing.v1 import algorithms_pb2 as pb
from countinghouse.billing.v1 import bill_corrections_pb2, bills_pb2, customer_classes_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from domain.billing.algorithms.registry import BUILT_IN
from domain.billing.creation.algorithms.registry import CREATIONS
from server.database.transaction import Database
from tests.billing.shop import NOW_US, open_shop
from tests.client.command import run
from tests.hooks.packages import install
from tests.hooks.test_asking import actions, adjustment, answering
from tests.support.hook import hooking, hooks_file
from tests.support.process import free_address
from tests.support.server import Served, refusal, serving
from tests.wire.billing.office import Office
from tests.wire.billing.till import Till, amount, site, used

DISCOUNT = {
    "moment": "ALGORITHM_MOMENT_PRE_COMPLETION",
    "algorithm": "loyalty-discount",
    "parameters": {"percent": "10", "distribution_code": "REVENUE"},
}
GREETING = {"moment": "ALGORITHM_MOMENT_PRE_COMPLETION", "sequence": 5, "algorithm": "greet"}


@dataclass(frozen=True, slots=True)
class Desk(Till):
    """Calls of one who completes bills, at a server with a package and a hook."""

    served: Served

    def use(self, *uses: dict[str, Any]) -> customer_classes_pb2.CustomerClass:
        """Have the class HOME use algorithms."""
        name = "customerClasses/HOME"
        found = self.billing.GetCustomerClass(customer_classes_pb2.GetCustomerClassRequest(name=name))
        given = {"name": name, "etag": found.etag, "algorithms": list(uses)}
        request = {"customer_class": given, "update_mask": "algorithms"}
        return self.billing.UpdateCustomerClass(ParseDict(request, customer_classes_pb2.UpdateCustomerClassRequest()))

    def complete(self, name: str) -> bills_pb2.Bill:
        """Complete a bill."""
        return self.billing.CompleteBill(bill_corrections_pb2.CompleteBillRequest(name=name))

    def billed(self, database: Database) -> bills_pb2.Bill:
        """A pending bill of a site: 12 EUR and 400 kWh at 0.30, and 19 %."""
        office = Office(self.billing)
        office.account()
        site(office, "S1")
        used(database, "S1", "400")
        return self.bill().bill


def desks(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> Iterator[Desk]:
    """A server with the sample hook there, and a package."""
    monkeypatch.syspath_prepend(install(folder, "offered = made('greet', greet)", "acme_wire"))
    path = hooks_file(folder, target, timeout_s="2")
    chosen: dict[str, Any] = {"hooks_file": path, "hooks_loopback": True, "jobs": False}
    with serving(url, folder, carries_out=(), clock_us=lambda: NOW_US, **chosen) as served:
        yield Desk(served.stub(BillingServiceStub), served)


@pytest.fixture
def desk(database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """One whose hook answers."""
    open_shop(database)
    with hooking() as target:
        yield from desks(migrated_url, tmp_path, monkeypatch, target)


@pytest.mark.rule("BIL-23", "PLT-08")
def test_algorithms_are_listed_and_described(desk: Desk) -> None:
    """In pages, by code, wherever they come from."""
    codes, token = [], ""
    while True:
        page = desk.billing.ListAlgorithms(pb.ListAlgorithmsRequest(page_size=2, page_token=token))
        codes += [each.code for each in page.algorithms]
        token = page.next_page_token
        if not token:
            break
    assert codes == sorted(
        [*(each.code for each in BUILT_IN), *CREATIONS, "greet", "loyalty-discount", "supply-note", "weekend-factor"]
    )
    origins = {code: _get(desk, code).origin for code in ("minimum-bill", "greet", "supply-note")}
    assert origins == {
        "minimum-bill": pb.ALGORITHM_ORIGIN_BUILT_IN,
        "greet": pb.ALGORITHM_ORIGIN_PACKAGE,
        "supply-note": pb.ALGORITHM_ORIGIN_HOOK,
    }
    note = _get(desk, "supply-note")
    assert (note.name, note.user) == ("algorithms/supply-note", pb.ALGORITHM_USER_SERVICE_AGREEMENT_TYPE)
    assert list(note.moments) == [pb.ALGORITHM_MOMENT_PRE_COMPLETION, pb.ALGORITHM_MOMENT_COMPLETION]
    (text,) = note.parameters
    assert (text.name, text.required, text.distribution_code) == ("text", False, False)
    factor = _get(desk, "factor")
    assert (factor.user, factor.origin) == (pb.ALGORITHM_USER_PROFILE_TYPE, pb.ALGORITHM_ORIGIN_BUILT_IN)
    weekend = _get(desk, "weekend-factor")
    assert (weekend.user, weekend.origin) == (pb.ALGORITHM_USER_PROFILE_TYPE, pb.ALGORITHM_ORIGIN_HOOK)
    assert [(each.name, each.required) for each in factor.parameters] == [("factor", True), ("rounding", False)]
    refused = refusal(lambda: _get(desk, "none"))
    assert (refused.code, refused.message) == (grpc.StatusCode.NOT_FOUND, "algorithms/none does not exist")


def _get(desk: Desk, code: str) -> pb.Algorithm:
    return desk.billing.GetAlgorithm(pb.GetAlgorithmRequest(name=f"algorithms/{code}"))


@pytest.mark.rule("BIL-23")
def test_the_command_lists_and_describes_them(desk: Desk) -> None:
    """What each does, and what it can be told."""
    listed = run(desk.served.target, "billing", "algorithms").stdout
    for words in ("loyalty-discount", "hook", "Takes a percentage off the bill", "minimum-bill", "built in", "package"):
        assert words in listed
    shown = run(desk.served.target, "billing", "algorithms", "loyalty-discount").stdout
    for words in ("customer class", "pre completion", "percent", "required", "a distribution code"):
        assert words in shown
    assert (
        '"origin": "ALGORITHM_ORIGIN_HOOK"'
        in run(desk.served.target, "billing", "algorithms", "supply-note", "-o", "json").stdout
    )
    assert run(desk.served.target, "billing", "algorithms", "none").exit_code != 0


@pytest.mark.rule("BIL-23")
def test_configuration_knows_what_packages_and_hooks_offer(desk: Desk) -> None:
    """And what their parameters must be."""
    assert [each.algorithm for each in desk.use(DISCOUNT, GREETING).algorithms] == ["loyalty-discount", "greet"]
    for wrong, reason in (
        ({**DISCOUNT, "parameters": {"percent": "1"}}, "ALGORITHM_PARAMETER_MISSING"),
        ({**DISCOUNT, "parameters": {**DISCOUNT["parameters"], "x": "1"}}, "ALGORITHM_PARAMETER_UNKNOWN"),  # type: ignore[dict-item]
        ({**DISCOUNT, "parameters": {"percent": "1", "distribution_code": "NONE"}}, "DISTRIBUTION_CODE_UNKNOWN"),
        ({**DISCOUNT, "algorithm": "supply-note", "parameters": {}}, "ALGORITHM_MISPLACED"),
        ({**DISCOUNT, "moment": "ALGORITHM_MOMENT_POST_COMPLETION"}, "ALGORITHM_MISPLACED"),
        ({**DISCOUNT, "algorithm": "none", "parameters": {}}, "ALGORITHM_UNKNOWN"),
    ):
        assert refusal(lambda wrong=wrong: desk.use(wrong)).reason == reason  # type: ignore[misc]


@pytest.mark.rule("BIL-12", "BIL-23")
def test_what_a_hook_answers_is_done_as_the_bill_is_completed(desk: Desk, database: Database) -> None:
    """A tenth off 157.08, as a frozen adjustment; and the package's greeting."""
    desk.use(DISCOUNT, GREETING)
    pending = desk.billed(database)
    complete = desk.complete(pending.name)
    assert complete.state == bills_pb2.BILL_STATE_COMPLETE
    assert complete.amount == amount(15_708 - 1_571)
    assert list(complete.messages) == ["Hello you"]
    assert amount(-1_571) in [each.amount for each in desk.segments(bill=complete.name)]


@pytest.mark.rule("BIL-12", "BIL-23")
def test_a_hook_that_refuses_is_named_and_nothing_is_done(desk: Desk, database: Database) -> None:
    """Its reason, but no words of its own."""
    desk.use({**DISCOUNT, "parameters": {"percent": "many", "distribution_code": "REVENUE"}}, GREETING)
    pending = desk.billed(database)
    refused = refusal(lambda: desk.complete(pending.name))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ALGORITHM_FAILED")
    assert refused.message == "loyalty-discount: its hook refuses it: PERCENT_INVALID"
    assert desk.get(pending.name) == pending


@pytest.mark.rule("BIL-12", "BIL-23")
def test_a_hook_that_is_away_leaves_the_bill_as_it_is(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be completed later; callers learn the algorithm, and no address."""
    open_shop(database)
    target = free_address()
    for desk in desks(migrated_url, tmp_path, monkeypatch, target):
        desk.use(DISCOUNT)
        pending = desk.billed(database)
        refused = refusal(lambda: desk.complete(pending.name))  # noqa: B023 - called here
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "ALGORITHM_UNAVAILABLE")
        assert refused.metadata["algorithm"] == "loyalty-discount"
        assert target.rpartition(":")[2] not in refused.message
        assert desk.get(pending.name) == pending


@pytest.mark.rule("BIL-12", "BIL-23")
def test_an_answer_that_cannot_be_posted_leaves_the_bill_as_it_is(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A distribution code that there is not, and an agreement of another account."""
    open_shop(database)
    gifts = [adjustment(service_agreement_id="S1", distribution_code="NONE"), adjustment(service_agreement_id="S9")]
    told: list[tuple[grpc.StatusCode, str]] = []
    with answering(lambda n: actions(gifts[min(n, 2) - 1])) as (_, target):
        for desk in desks(migrated_url, tmp_path, monkeypatch, target):
            desk.use(DISCOUNT)
            pending = desk.billed(database)
            for _ in gifts:
                refused = refusal(lambda: desk.complete(pending.name))  # noqa: B023 - called here
                told.append((refused.code, refused.message))
                assert desk.get(pending.name) == pending
    assert told == [
        (
            grpc.StatusCode.FAILED_PRECONDITION,
            "loyalty-discount for S1: distribution_code of an adjustment: there is no distribution code NONE",
        ),
        (grpc.StatusCode.FAILED_PRECONDITION, "loyalty-discount: the account has no agreement S9"),
    ]
