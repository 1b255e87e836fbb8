"""Hooks are asked within a bound of time, and again where there was no answer; what they say is checked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from google.type.money_pb2 import Money as MoneyProto

from countinghouse.connector.v1 import hook_pb2 as pb
from countinghouse.connector.v1.hook_pb2_grpc import HookServiceServicer, add_HookServiceServicer_to_server
from domain.billing.algorithms.errors import AlgorithmFailed, AlgorithmUnavailable
from domain.billing.algorithms.model import (
    Action,
    AddAdjustment,
    AddMessage,
    AgreementView,
    BillView,
    RemoveSegment,
    SegmentView,
)
from domain.billing.algorithms.registry import Algorithms
from domain.billing.algorithms.running import AnswerMissing, Ran, Turn, run
from domain.billing.configuration.model import AlgorithmUse, Moment
from domain.billing.segments.states import SegmentKind, SegmentState
from domain.kernel.money import Money
from domain.kernel.quantities import ATTOS
from server.outbound.addresses import Reach
from server.outbound.hooks.asking import Hooks
from server.outbound.hooks.entries import read_hooks
from tests.support.hook import hooking, hooks_file
from tests.support.waiting import wait_for

CODE = grpc.StatusCode
NEAR = Reach(loopback=True)
INFO = ErrorInfo(reason="CUSTOMER_BLOCKED", domain="hooks.example.com")
PERSON = "Mrs Miller owes 150.00"
SUPPLY = AgreementView("S-1", "POWER", start_day=20260101, attributes={"meter": "9"})
BILL = BillView(
    account_id="A-1",
    bill_id="b1",
    customer_class="HOME",
    currency="EUR",
    bill_day=20260402,
    attributes={"region": "ünïcode"},
    agreements=(SUPPLY,),
    segments=(
        SegmentView(
            "s1",
            "S-1",
            SegmentKind.USAGE,
            SegmentState.FREEZABLE,
            20260301,
            20260401,
            Money(10_010, "EUR"),
            Money(1_598, "EUR"),
            totals={"kWh": 31 * ATTOS + ATTOS // 4},
        ),
    ),
    messages=("hello",),
)
DISCOUNT = Turn(
    AlgorithmUse(Moment.PRE_COMPLETION, 1, "loyalty-discount", {"percent": "2.5", "distribution_code": "GIFTS"}), None
)
NOTE = Turn(AlgorithmUse(Moment.PRE_COMPLETION, 1, "supply-note", {"text": "Used by"}), SUPPLY)


def asked(turn: Turn, hooks: Hooks) -> AnswerMissing:
    """What a turn has to be asked."""
    with pytest.raises(AnswerMissing) as missing:
        run(BILL, [turn], Algorithms(hooks.algorithms()).by_code, {})
    return missing.value


class _Hook(HookServiceServicer):
    """Answers as it is told: with a status, or with what `answers` gives."""

    def __init__(self, answer: Callable[[int], Any]) -> None:
        self.answer = answer
        self.requests: list[pb.DecideBillRequest] = []
        self.data_requests: list[pb.CreateIntervalDataRequest] = []

    def DecideBill(self, request: pb.DecideBillRequest, context: Any) -> pb.DecideBillResponse:  # noqa: N802
        self.requests.append(request)
        found: pb.DecideBillResponse = self._told(len(self.requests), context)
        return found

    def CreateIntervalData(  # noqa: N802
        self, request: pb.CreateIntervalDataRequest, context: Any
    ) -> pb.CreateIntervalDataResponse:
        self.data_requests.append(request)
        found: pb.CreateIntervalDataResponse = self._told(len(self.data_requests), context)
        return found

    def DecideInvoiceBatch(self, _: pb.DecideInvoiceBatchRequest, context: Any) -> pb.DecideInvoiceBatchResponse:  # noqa: N802
        found: pb.DecideInvoiceBatchResponse = self._told(1, context)
        return found

    def _told(self, number: int, context: Any) -> Any:
        told = self.answer(number)
        if isinstance(told, (pb.DecideBillResponse, pb.DecideInvoiceBatchResponse, pb.CreateIntervalDataResponse)):
            return told
        code, *details = told
        if details:
            status = Status(code=code.value[0], message=PERSON, details=map(_packed, details))
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, PERSON)
        raise AssertionError


def _packed(detail: Message) -> Packed:
    packed = Packed()
    packed.Pack(detail)
    return packed


@contextmanager
def answering(answer: Callable[[int], Any]) -> Iterator[tuple[_Hook, str]]:
    """A hook that answers so, and where it listens."""
    served = _Hook(answer)
    server = grpc.server(ThreadPoolExecutor(4))
    add_HookServiceServicer_to_server(served, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield served, f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait(10)


@contextmanager
def serving(folder: Path, answer: Callable[[int], Any], timeout_s: float = 10) -> Iterator[tuple[_Hook, Hooks]]:
    """A hook that answers so, and who asks it."""
    with answering(answer) as (served, target):
        hooks = Hooks(read_hooks(hooks_file(folder, target, timeout_s=str(timeout_s)), NEAR), NEAR)
        try:
            yield served, hooks
        finally:
            hooks.close()


def actions(*given: pb.BillAction) -> pb.DecideBillResponse:
    return pb.DecideBillResponse(actions=given)


def message(text: str = "Hi") -> pb.BillAction:
    return pb.BillAction(add_message=pb.AddMessage(text=text))


def adjustment(units: int = 1, nanos: int = 0, currency: str = "EUR", **given: str) -> pb.BillAction:
    fields = {"service_agreement_id": "S-1", "description": "Gift", "distribution_code": "GIFTS", **given}
    amount = MoneyProto(currency_code=currency, units=units, nanos=nanos)
    return pb.BillAction(add_adjustment=pb.AddAdjustment(amount=amount, **fields))


@pytest.mark.rule("BIL-23")
def test_a_bill_is_told_whole_and_the_answer_is_carried_out(tmp_path: Path) -> None:
    """What the sample says to it, in both of its algorithms; one answer is seen by the next."""
    with hooking() as target:
        hooks = Hooks(read_hooks(hooks_file(tmp_path, target), NEAR), NEAR)
        known, answers = Algorithms(hooks.algorithms()).by_code, dict[str, Any]()
        for _ in range(2):
            with pytest.raises(AnswerMissing) as missing:
                run(BILL, [DISCOUNT, NOTE], known, answers)
            answers[missing.value.key] = hooks.ask(missing.value)
        ran = run(BILL, [DISCOUNT, NOTE], known, answers)
        hooks.close()
    assert isinstance(ran, Ran)
    assert [each.action for each in ran.effects] == [
        AddAdjustment("S-1", "Loyalty discount of 2.5 %", "GIFTS", Money(-250, "EUR")),
        AddMessage("Used by S-1: 31.25 kWh"),
    ]


@pytest.mark.rule("BIL-23")
def test_what_is_asked_holds_all_that_an_algorithm_of_ours_would_see(tmp_path: Path) -> None:
    """Under the key that the answer is known by."""
    with serving(tmp_path, lambda _: actions()) as (hook, hooks):
        missing = asked(NOTE, hooks)
        assert hooks.ask(missing) == ()
    (request,) = hook.requests
    assert (request.idempotency_key, request.algorithm_code) == (missing.key, "supply-note")
    assert (dict(request.parameters), request.service_agreement_id) == ({"text": "Used by"}, "S-1")
    assert request.moment == pb.BILL_MOMENT_PRE_COMPLETION
    bill = request.bill
    assert (bill.bill_id, bill.account_id, bill.customer_class_code, bill.currency_code) == ("b1", "A-1", "HOME", "EUR")
    assert (bill.bill_date.year, bill.bill_date.month, bill.bill_date.day) == (2026, 4, 2)
    assert (dict(bill.attributes), list(bill.messages)) == ({"region": "ünïcode"}, ["hello"])
    (agreement,), (segment,) = bill.service_agreements, bill.segments
    assert (agreement.type_code, agreement.start_date.year, agreement.HasField("end_date")) == ("POWER", 2026, False)
    assert (segment.kind, segment.state) == (pb.BILL_SEGMENT_KIND_USAGE, pb.BILL_SEGMENT_STATE_FREEZABLE)
    assert (segment.amount.units, segment.amount.nanos, segment.tax.units) == (100, 100_000_000, 15)
    assert segment.totals["kWh"].value == "31.25"


@pytest.mark.rule("BIL-23")
def test_every_kind_of_action_is_understood(tmp_path: Path) -> None:
    """In the order of the answer."""
    answer = actions(
        pb.BillAction(remove_segment=pb.RemoveSegment(segment_id="s1")), message(), adjustment(-1, -500_000_000)
    )
    with serving(tmp_path, lambda _: answer) as (_, hooks):
        found = hooks.ask(asked(NOTE, hooks))
    expected: list[Action] = [
        RemoveSegment("s1"),
        AddMessage("Hi"),
        AddAdjustment("S-1", "Gift", "GIFTS", Money(-150, "EUR")),
    ]
    assert list(found) == expected


@pytest.mark.rule("BIL-23")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (actions(pb.BillAction()), "exactly one field is required in oneof"),
        (actions(message("")), "at least 1 character"),
        (actions(message("x" * 1_001)), "at most 1000 characters"),
        (actions(message("a\x01")), "must not hold the character U+0001"),
        (actions(adjustment(1, 5)), "has 2 decimal digits; the amount has more"),
        (actions(adjustment(1, -10_000_000)), "must have the same sign"),
        (actions(adjustment(10**16)), "must not be beyond"),
        (actions(adjustment(currency="XXX")), "is not a currency"),
        (actions(adjustment(distribution_code="a b")), "does not match regex"),
        (actions(*[message()] * 1_001), "no more than 1000 item"),
    ],
)
def test_an_answer_that_cannot_be_fails_and_names_the_algorithm(
    tmp_path: Path, answer: pb.DecideBillResponse, why: str
) -> None:
    """It is not asked again: the same question has the same answer."""
    with serving(tmp_path, lambda _: answer) as (hook, hooks), pytest.raises(AlgorithmFailed) as failed:
        hooks.ask(asked(NOTE, hooks))
    assert failed.value.message.startswith("supply-note for S-1: its hook answered what cannot be: ")
    assert why in failed.value.message
    assert len(hook.requests) == 1


@pytest.mark.rule("BIL-23")
@pytest.mark.parametrize(
    ("code", "details", "said"),
    [
        (CODE.FAILED_PRECONDITION, (INFO,), "its hook refuses it: CUSTOMER_BLOCKED"),
        (CODE.INVALID_ARGUMENT, (), "its hook refuses it"),
        (CODE.NOT_FOUND, (ErrorInfo(reason="Mrs Miller"),), "its hook refuses it"),
        (CODE.UNAUTHENTICATED, (), "its hook does not accept the call (UNAUTHENTICATED)"),
        (CODE.UNIMPLEMENTED, (INFO,), "its hook does not accept the call (UNIMPLEMENTED)"),
    ],
)
def test_a_refusal_is_final_and_its_own_words_are_not_shown(
    tmp_path: Path, code: grpc.StatusCode, details: tuple[Message, ...], said: str
) -> None:
    """But for a reason that is a code."""
    with serving(tmp_path, lambda _: (code, *details)) as (hook, hooks), pytest.raises(AlgorithmFailed) as failed:
        hooks.ask(asked(DISCOUNT, hooks))
    assert failed.value.message == f"loyalty-discount: {said}"
    assert failed.value.details == {"algorithm": "loyalty-discount", "service_agreement": ""}
    assert len(hook.requests) == 1


@pytest.mark.rule("BIL-23")
@pytest.mark.parametrize("code", [CODE.UNAVAILABLE, CODE.INTERNAL, CODE.UNKNOWN, CODE.ABORTED])
def test_what_may_pass_is_asked_again_with_the_same_key(tmp_path: Path, code: grpc.StatusCode) -> None:
    """And then it has its answer."""
    with serving(tmp_path, lambda n: (code,) if n < 3 else actions(message())) as (hook, hooks):
        assert list(hooks.ask(asked(NOTE, hooks))) == [AddMessage("Hi")]
    assert len(hook.requests) == 3
    assert len({each.idempotency_key for each in hook.requests}) == 1


@pytest.mark.rule("BIL-23")
def test_an_algorithm_without_an_answer_is_unavailable_and_says_nothing_of_its_place(tmp_path: Path) -> None:
    """The algorithm and the hook's code, no address and no words of its own."""
    with serving(tmp_path, lambda _: (CODE.INTERNAL, INFO)) as (hook, hooks), pytest.raises(AlgorithmUnavailable) as no:
        hooks.ask(asked(NOTE, hooks))
    assert no.value.reason == "ALGORITHM_UNAVAILABLE"
    assert no.value.message == "supply-note for S-1: its hook answered INTERNAL: CUSTOMER_BLOCKED"
    assert len(hook.requests) == 5


@pytest.mark.rule("BIL-23")
def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    """Within its time."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        target = f"127.0.0.1:{probe.getsockname()[1]}"
    hooks = Hooks(read_hooks(hooks_file(tmp_path, target, timeout_s="3"), NEAR), NEAR)
    with pytest.raises(AlgorithmUnavailable) as no:
        hooks.ask(asked(NOTE, hooks))
    assert no.value.message == "supply-note for S-1: no connection to its hook"
    hooks.close()


@pytest.mark.rule("BIL-23")
def test_an_answer_that_takes_too_long_is_none(tmp_path: Path) -> None:
    """All attempts together have the hook's time, pauses that it asks for too."""
    go_on = threading.Event()

    def late(_: int) -> pb.DecideBillResponse:
        go_on.wait(20)
        return actions()

    started_s = time.monotonic()
    with serving(tmp_path, late, timeout_s=0.5) as (hook, hooks):
        with pytest.raises(AlgorithmUnavailable, match="supply-note for S-1: no answer of its hook in time"):
            hooks.ask(asked(NOTE, hooks))
        go_on.set()
    assert len(hook.requests) == 1
    patience = RetryInfo(retry_delay=Duration(seconds=30))
    with (
        serving(tmp_path, lambda _: (CODE.UNAVAILABLE, patience)) as (hook, hooks),
        pytest.raises(AlgorithmUnavailable, match="answered UNAVAILABLE"),
    ):
        hooks.ask(asked(NOTE, hooks))
    assert len(hook.requests) == 1
    assert time.monotonic() - started_s < 20


@pytest.mark.rule("BIL-23", "PLT-43")
def test_a_server_that_stops_does_not_wait_for_hooks(tmp_path: Path) -> None:
    """Who still waits has no answer, as if the hook were away."""
    go_on = threading.Event()

    def late(_: int) -> pb.DecideBillResponse:
        go_on.wait(20)
        return actions()

    with serving(tmp_path, late, timeout_s=30) as (hook, hooks), ThreadPoolExecutor(1) as pool:
        missing = asked(NOTE, hooks)
        answering = pool.submit(hooks.ask, missing)
        wait_for(lambda: bool(hook.requests))
        hooks.close()
        with pytest.raises(AlgorithmUnavailable):
            answering.result(10)
        with pytest.raises(AlgorithmUnavailable, match="this server is stopping"):
            hooks.ask(missing)
        go_on.set()


@pytest.mark.rule("BIL-23", "PLT-44")
def test_a_hook_is_asked_only_where_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is judged by what it leads to now."""
    path = hooks_file(tmp_path, "hooks.example:443", tls="true", timeout_s="0.3")
    hooks = Hooks(read_hooks(path, Reach()), Reach())
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 0))])
    with pytest.raises(AlgorithmUnavailable, match="in a range that may not be reached"):
        hooks.ask(asked(NOTE, hooks))
    hooks.close()


@pytest.mark.rule("BIL-23")
def test_an_algorithm_that_no_hook_of_this_server_serves_fails(tmp_path: Path) -> None:
    """As one that another server's settings have."""
    with serving(tmp_path, lambda _: actions()) as (_, hooks):
        missing = asked(NOTE, hooks)
        missing.algorithm = "elsewhere"
        with pytest.raises(AlgorithmFailed, match="elsewhere for S-1: this server does not have it"):
            hooks.ask(missing)


@pytest.mark.rule("BIL-23")
def test_an_answer_to_a_bill_that_has_changed_since_is_asked_for_again(tmp_path: Path) -> None:
    """The key stands for all that was asked."""
    with serving(tmp_path, lambda n: actions(message(str(n)))) as (_, hooks):
        known = Algorithms(hooks.algorithms()).by_code
        missing = asked(NOTE, hooks)
        answers = {missing.key: hooks.ask(missing)}
        assert run(BILL, [NOTE], known, answers).bill.messages == ("hello", "1")
        with pytest.raises(AnswerMissing):
            run(replace(BILL, messages=()), [NOTE], known, answers)
