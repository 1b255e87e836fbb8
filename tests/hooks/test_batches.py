"""A hook over the network decides whether a batch goes on, and whatever else it does holds the batch (INV-10)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.connector.v1 import hook_pb2 as pb
from domain.invoicing.batches.hooks import GO_ON, Asked, Decision, HookFailed, Point
from server.outbound.hooks.asking import Hooks
from server.outbound.hooks.entries import read_hooks
from tests.hooks.test_asking import NEAR, answering
from tests.support.hook import hooking, hooks_file

ASKED = Asked("plausible-totals", Point.READY_FOR_SENDING, "b", "C", ("X",), {"closed": 2}, {"EUR": (-5, 1)})
LATER = threading.Event()
UNKNOWN = pb.DecideInvoiceBatchResponse(decision=7)  # type: ignore[arg-type]


def decided(folder: Path, target: str, asked: Asked = ASKED) -> Decision:
    """What the hook there decides."""
    path = hooks_file(folder, target, hookpoints='["plausible-totals"]', timeout_s="0.5")
    hooks = Hooks(read_hooks(path, NEAR), NEAR)
    try:
        (hookpoint,) = hooks.hookpoints()
        assert (hookpoint.key, hookpoint.origin) == ("plausible-totals", "hook sample")
        return hookpoint.decide(asked)
    finally:
        hooks.close()


@pytest.mark.rule("INV-10")
def test_the_sample_is_told_what_the_invoices_come_to(tmp_path: Path) -> None:
    """It holds a batch that gives money back, and lets another go."""
    with hooking() as target:
        found = decided(tmp_path, target)
        assert found == Decision(goes_on=False, message="the invoices give money back in EUR")
        sound = Asked(ASKED.key, ASKED.point, "b", "C", ("X",), {"closed": 2}, {"EUR": (5, 1)})
        assert decided(tmp_path, target, sound) == GO_ON


@pytest.mark.rule("INV-10")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (pb.DecideInvoiceBatchResponse(), "it answered what cannot be: decision"),
        (UNKNOWN, "it answered what cannot be: decision"),
        ((grpc.StatusCode.INTERNAL,), "its hook answered INTERNAL"),
        ((grpc.StatusCode.FAILED_PRECONDITION,), "its hook refuses it"),
        ((grpc.StatusCode.UNIMPLEMENTED,), "its hook does not accept the call"),
        (None, "no answer of its hook in time"),
    ],
)
def test_whatever_else_it_does_is_a_failure(tmp_path: Path, answer: Any, why: str) -> None:
    """Nonsense, a refusal, a break-off, and silence."""
    with answering(lambda _: answer or LATER.wait(1) or (grpc.StatusCode.INTERNAL,)) as (_, target):
        with pytest.raises(HookFailed) as failed:
            decided(tmp_path, target)
        assert str(failed.value).startswith(why)
