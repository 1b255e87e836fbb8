"""Hooks over the network are asked: within a bound of time, and again where that does no harm (BIL-22, 23, INV-10).

A hook has no effects of its own, so that any call may be made again; what it has answered is the caller's to carry out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, cast

import grpc
import structlog
import tenacity
from google.protobuf.message import Message

from countinghouse.connector.v1.hook_pb2_grpc import HookServiceStub
from domain.billing.algorithms.errors import AlgorithmFailed, AlgorithmUnavailable
from domain.billing.algorithms.model import Action, Algorithm
from domain.billing.algorithms.running import AnswerMissing
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.billing.creation.deciding import Missing
from domain.invoicing.batches.hooks import Asked as BatchAsked
from domain.invoicing.batches.hooks import Decision, HookFailed, Hookpoint
from server.outbound.addresses import Reach
from server.outbound.grpc_line import REJECTED, UNFIT, Line, is_unsent, shown_reason, told
from server.outbound.hooks.batches import batch_request_of, decision_of
from server.outbound.hooks.entries import Hook
from server.outbound.hooks.interval_data import data_request_of, values_of
from server.outbound.hooks.telling import BadAnswer, actions_of, request_of

A = TypeVar("A", bound=Message)
T = TypeVar("T")

_ATTEMPTS = 5
_PAUSES = tenacity.wait_random_exponential(multiplier=0.1, max=2.0)
_LITTLE_S = 0.001
_STOPPING = "this server is stopping"

log = structlog.get_logger("hooks")


class Hooks:
    """The hooks of one process; safe to share between threads."""

    def __init__(self, hooks: Sequence[Hook], reach: Reach) -> None:
        self._stopping = threading.Event()
        self._peers = tuple(_Peer(each, reach, self._stopping) for each in hooks)
        self._by_code = {algorithm.code: peer for peer in self._peers for algorithm in peer.hook.algorithms}

    def algorithms(self) -> tuple[Algorithm | CreationAlgorithm, ...]:
        """The algorithms that they serve, as the registry takes them."""
        return tuple(algorithm for peer in self._peers for algorithm in peer.hook.algorithms)

    def ask(self, missing: AnswerMissing) -> tuple[Action, ...]:
        """The answer to what `running.run` asks for; never within a transaction, as it waits.

        Raises: AlgorithmFailed where the hook refuses it, or answers what cannot be; AlgorithmUnavailable without an
        answer in time.
        """
        agreement = missing.asked.agreement.agreement_id if missing.asked.agreement else ""
        return self._answer(missing.algorithm, agreement, lambda peer: peer.ask(missing))

    def create(self, missing: Missing) -> Sequence[int]:
        """The data of a profile that `creation.deciding` asks for, in attos; never within a transaction, as it waits.

        Raises: as `ask`.
        """
        return self._answer(missing.algorithm, "", lambda peer: peer.create(missing))

    def _answer(self, algorithm: str, agreement: str, ask: Callable[[_Peer], T]) -> T:
        peer = self._by_code.get(algorithm)
        if peer is None:
            raise AlgorithmFailed(algorithm, agreement, "this server does not have it")
        try:
            return ask(peer)
        except _Refuses as error:
            raise AlgorithmFailed(algorithm, agreement, str(error)) from None
        except BadAnswer as error:
            raise AlgorithmFailed(algorithm, agreement, f"its hook answered what cannot be: {error}") from None
        except _NoAnswer as error:
            log.warning("a hook does not answer", hook=peer.hook.connection.name, why=str(error))
            raise AlgorithmUnavailable(algorithm, agreement, str(error)) from None

    def hookpoints(self) -> tuple[Hookpoint, ...]:
        """The keys to which they answer."""
        return tuple(
            Hookpoint(key, "", partial(_decided, peer), f"hook {peer.hook.connection.name}")
            for peer in self._peers
            for key in peer.hook.hookpoints
        )

    def close(self) -> None:
        """Close all channels: those who still wait for an answer have none."""
        self._stopping.set()
        for peer in self._peers:
            peer.line.close()


def _decided(peer: _Peer, asked: BatchAsked) -> Decision:
    """Whether a batch of invoices goes on. Raises: HookFailed."""
    try:
        return peer.decide(asked)
    except BadAnswer as error:
        raise HookFailed(f"it answered what cannot be: {error}") from None
    except (_Refuses, _NoAnswer) as error:
        log.warning("a hook does not answer", hook=peer.hook.connection.name, why=str(error))
        raise HookFailed(str(error)) from None


class _Refuses(Exception):
    """The hook will not answer that, however often it is asked."""


class _NoAnswer(Exception):
    """The hook may answer later; `pause_s` is how long it asks to be left alone."""

    def __init__(self, message: str, pause_s: float = 0) -> None:
        super().__init__(message)
        self.pause_s = pause_s


class _Peer:
    """Asks one hook."""

    def __init__(self, hook: Hook, reach: Reach, stopping: threading.Event) -> None:
        self.hook = hook
        self.line = Line(hook.connection, reach, HookServiceStub)
        self._stopping = stopping
        self._proven = False  # the last call had an answer; else its name is judged anew

    def ask(self, missing: AnswerMissing) -> tuple[Action, ...]:
        """What an algorithm does with a bill, within the hook's time. Raises: _Refuses; BadAnswer; _NoAnswer."""
        return actions_of(self._asked(lambda hook: hook.DecideBill, request_of(missing)))

    def create(self, missing: Missing) -> Sequence[int]:
        """The data of a profile, likewise. Raises: _Refuses; BadAnswer; _NoAnswer."""
        return values_of(missing, self._asked(lambda hook: hook.CreateIntervalData, data_request_of(missing)))

    def decide(self, asked: BatchAsked) -> Decision:
        """Whether a batch of invoices goes on, likewise. Raises: _Refuses; BadAnswer; _NoAnswer."""
        return decision_of(self._asked(lambda hook: hook.DecideInvoiceBatch, batch_request_of(asked)))

    def _asked(self, method: Callable[[HookServiceStub], Callable[..., A]], request: Message) -> A:
        timeout_s = self.hook.timeout_s
        asking = tenacity.Retrying(
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(_ATTEMPTS),
                tenacity.stop_before_delay(timeout_s),
                tenacity.stop_when_event_set(self._stopping),
            ),
            wait=_pause,
            sleep=tenacity.sleep_using_event(self._stopping),
            retry=tenacity.retry_if_exception_type(_NoAnswer),
            reraise=True,
        )
        answer: A = asking(self._ask_once, method, request, time.monotonic() + timeout_s)
        return answer

    def _ask_once(self, method: Callable[[HookServiceStub], Callable[..., A]], request: Message, until_s: float) -> A:
        if self._stopping.is_set():
            raise _NoAnswer(_STOPPING)
        if not self._proven and (fault := self.line.renew()):
            raise _NoAnswer(f"no connection to its hook: {fault}")
        left_s = max(_LITTLE_S, until_s - time.monotonic())
        try:
            answer: A = method(self.line.service)(request, timeout=left_s, metadata=self.line.metadata)
        except grpc.RpcError as error:
            failure = _failure_of(cast("grpc.Call", error))  # each error of a call is both
            self._proven = isinstance(failure, _Refuses)
            raise failure from None
        except ValueError:  # the library's word for a channel that was closed just now
            if self._stopping.is_set():
                raise _NoAnswer(_STOPPING) from None
            raise
        self._proven = True
        return answer


def _failure_of(error: grpc.Call) -> _Refuses | _NoAnswer:
    """What a status means, as the contract says; its own text is not shown, as it may name persons."""
    code, details = error.code(), told(error)
    if code in REJECTED:
        return _Refuses(f"its hook refuses it{shown_reason(details.reason)}")
    if code in UNFIT:
        return _Refuses(f"its hook does not accept the call ({code.name})")
    if is_unsent(error):
        return _NoAnswer("no connection to its hook")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return _NoAnswer("no answer of its hook in time")
    return _NoAnswer(f"its hook answered {code.name}{shown_reason(details.reason)}", details.pause_s)


def _pause(state: tenacity.RetryCallState) -> float:
    """Growing random pauses, and never shorter than the hook asks for."""
    failure = state.outcome.exception() if state.outcome else None
    asked_s = failure.pause_s if isinstance(failure, _NoAnswer) else 0
    return max(asked_s, _PAUSES(state))
