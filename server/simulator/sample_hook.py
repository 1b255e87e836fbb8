"""A hook as others may write one: three algorithms, each a function of what it is shown and of nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from decimal import Context as Arithmetic
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import grpc
import grpc.aio
from google.rpc.error_details_pb2 import ErrorInfo
from google.type.decimal_pb2 import Decimal as DecimalProto
from google.type.money_pb2 import Money

from countinghouse.connector.v1 import hook_pb2 as pb
from countinghouse.connector.v1.hook_pb2_grpc import HookServiceServicer, add_HookServiceServicer_to_server
from domain.kernel.amounts import amount_of, minor_of
from server.simulator.listening import GRACE_S, Certificate, Context, bound, refuse, stopped

DOMAIN = "hook-sample.countinghouse"
_COUNTED = (pb.BILL_SEGMENT_STATE_FREEZABLE, pb.BILL_SEGMENT_STATE_FROZEN)
_PERCENT_MAX = 100
_DECIMALS = Decimal(1).scaleb(-18)
_EXACT = Arithmetic(prec=60)
_SATURDAY = 5


class CannotDecide(Exception):
    """The algorithm has no answer to this bill; the text is the reason, UPPER_SNAKE_CASE."""


class SampleHook(HookServiceServicer):
    """The contract."""

    async def DecideBill(self, request: pb.DecideBillRequest, context: Context) -> pb.DecideBillResponse:
        """What the algorithm of that code does."""
        decide = ALGORITHMS.get(request.algorithm_code)
        if decide is None:
            await _refuse(context, "ALGORITHM_NOT_SERVED")
        try:
            return pb.DecideBillResponse(actions=decide(request))
        except CannotDecide as error:
            await _refuse(context, str(error))

    async def CreateIntervalData(
        self, request: pb.CreateIntervalDataRequest, context: Context
    ) -> pb.CreateIntervalDataResponse:
        """What the algorithm of that code makes of the sources."""
        create = CREATIONS.get(request.algorithm_code)
        if create is None:
            await _refuse(context, "ALGORITHM_NOT_SERVED")
        try:
            quantities = [DecimalProto(value=f"{each:f}") for each in create(request)]
        except CannotDecide as error:
            await _refuse(context, str(error))
        return pb.CreateIntervalDataResponse(quantities=quantities)

    async def DecideInvoiceBatch(
        self, request: pb.DecideInvoiceBatchRequest, context: Context
    ) -> pb.DecideInvoiceBatchResponse:
        """Whether the hookpoint of that key lets a batch go on."""
        refuses = HOOKPOINTS.get(request.hookpoint_key)
        if refuses is None:
            await _refuse(context, "HOOKPOINT_NOT_SERVED")
        why = refuses(request)
        decision = pb.INVOICE_BATCH_DECISION_FAILURE if why else pb.INVOICE_BATCH_DECISION_GO_ON
        return pb.DecideInvoiceBatchResponse(decision=decision, message=why)


def plausible_totals(request: pb.DecideInvoiceBatchRequest) -> str:
    """Holds a batch that closes nothing, and one that gives money back altogether."""
    if request.point == pb.INVOICE_BATCH_POINT_CLOSED:
        return "" if request.counts["closed"] else "not one invoice has closed"
    negative = [each.net_amount.currency_code for each in request.totals if _is_negative(each.net_amount)]
    return f"the invoices give money back in {', '.join(negative)}" if negative else ""


def _is_negative(amount: Money) -> bool:
    return amount.units < 0 or amount.nanos < 0


def loyalty_discount(request: pb.DecideBillRequest) -> Iterable[pb.BillAction]:
    """Takes `percent` off the bill, on its first service agreement with a sound segment, to the nearest minor unit."""
    percent = _percent(request.parameters["percent"])
    counted = [each for each in request.bill.segments if each.state in _COUNTED]
    minor = sum(minor_of((each.amount.currency_code, each.amount.units, each.amount.nanos)) for each in counted)
    off = int((minor * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))
    if off <= 0:
        return ()
    currency, units, nanos = amount_of(-off, request.bill.currency_code)
    adjustment = pb.AddAdjustment(
        service_agreement_id=counted[0].service_agreement_id,
        description=f"Loyalty discount of {percent.normalize():f} %",
        distribution_code=request.parameters["distribution_code"],
        amount=Money(currency_code=currency, units=units, nanos=nanos),
    )
    return (pb.BillAction(add_adjustment=adjustment),)


def supply_note(request: pb.DecideBillRequest) -> Iterable[pb.BillAction]:
    """Prints what a service agreement has used, with `text` before it; nothing where it has used nothing."""
    totals: dict[str, Decimal] = {}
    for segment in request.bill.segments:
        if segment.service_agreement_id == request.service_agreement_id and segment.state in _COUNTED:
            for unit, quantity in segment.totals.items():
                totals[unit] = totals.get(unit, Decimal(0)) + Decimal(quantity.value)
    if not totals:
        return ()
    used = ", ".join(f"{total:f} {unit}" for unit, total in sorted(totals.items()))
    text = f"{request.parameters['text']} {request.service_agreement_id}: {used}"
    return (pb.BillAction(add_message=pb.AddMessage(text=text)),)


def weekend_factor(request: pb.CreateIntervalDataRequest) -> Iterator[Decimal]:
    """The source as it is, but times `factor` on the Saturdays and Sundays of the profile's time zone."""
    factor = _number(request.parameters["factor"], "FACTOR_INVALID")
    zone = ZoneInfo(request.profile.time_zone)
    for at, quantity in zip(request.start_times, request.sources[0].quantities, strict=True):
        value = Decimal(quantity.value)
        if at.ToDatetime(zone).weekday() >= _SATURDAY:
            value = _EXACT.quantize(_EXACT.multiply(value, factor), _DECIMALS)
        yield value


HOOKPOINTS = {"plausible-totals": plausible_totals}
"""What decides whether batches of invoices go on, by key; each gives why one does not."""

ALGORITHMS = {"loyalty-discount": loyalty_discount, "supply-note": supply_note}
"""What is served as bills are completed, by code."""

CREATIONS = {"weekend-factor": weekend_factor}
"""What creates interval data, by code."""


def _percent(text: str) -> Decimal:
    percent = _number(text, "PERCENT_INVALID")
    if not 0 <= percent <= _PERCENT_MAX:
        raise CannotDecide("PERCENT_INVALID")
    return percent


def _number(text: str, reason: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise CannotDecide(reason) from None
    if not number.is_finite():
        raise CannotDecide(reason)
    return number


async def _refuse(context: Context, reason: str) -> NoReturn:
    """Refuse it for good, with the reason where callers look for it."""
    await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, reason, ErrorInfo(reason=reason, domain=DOMAIN))


@asynccontextmanager
async def serving(
    listen: str, certificate: Certificate | None = None, client_ca: Path | None = None
) -> AsyncIterator[int]:
    """Serve for a while; gives the port. Raises: CannotListen."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    add_HookServiceServicer_to_server(SampleHook(), server)
    port = bound(server, listen, certificate, client_ca)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(GRACE_S)


async def run(
    listen: str, certificate: Certificate | None, client_ca: Path | None, told: Callable[[int], None]
) -> None:
    """Serve until SIGTERM or SIGINT. Raises: CannotListen."""
    stop = stopped()
    async with serving(listen, certificate, client_ca) as port:
        told(port)
        await stop.wait()
