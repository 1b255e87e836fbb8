"""Calls that complete bills ask algorithms over the network: between one try and the next, never in a transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message

from domain.billing.algorithms.model import Action
from domain.billing.algorithms.running import AnswerMissing
from domain.billing.bills.completion import Answered
from domain.kernel.call import Call
from domain.kernel.errors import Unavailable
from server.call import Calls, Context, Tx

A = TypeVar("A", bound=Message)
Ask = Callable[[AnswerMissing], tuple[Action, ...]]

ASKED_MAX = 100
"""How many algorithms may be asked over the network for one call, those included that are asked again."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Tries a call again with one answer more, until none is missing; `ask` asks an algorithm over the network."""

    calls: Calls
    ask: Ask

    async def write(
        self, context: Context, request: Message, answer: type[A], complete: Callable[[Tx, Call, Answered], A]
    ) -> A:
        """The answer to a call that completes bills.

        Raises: Unavailable when a bill is changed all the time, or asks too many; what `ask` raises.
        """
        said: list[Answered] = []

        def write(tx: Tx, call: Call) -> A:
            if not said:
                said.append(Answered.none(call.now_us))
            return complete(tx, call, said[-1])

        for _ in range(ASKED_MAX):
            try:
                return await self.calls.write(context, request, answer, write)
            except AnswerMissing as missing:
                asked = missing
            found = await self.calls.work(context, partial(self.ask, asked))
            said.append(replace(said[-1], answers={**said[-1].answers, asked.key: found}))
        raise Unavailable("the bill asks too many algorithms over the network, or is being changed all the time")
