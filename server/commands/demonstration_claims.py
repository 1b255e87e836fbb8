"""The claims of `countinghouse demo`: made, accounted for, and left in every state there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import typer

from countinghouse import demo_claims as demo
from countinghouse.accounting.v1 import assignments_pb2, batches_pb2, claims_pb2, resolution_pb2, tasks_pb2
from countinghouse.accounting.v1 import operations_pb2 as pb
from countinghouse.accounting.v1.vocabulary_pb2 import Resolution
from countinghouse.cli.exits import OTHER
from countinghouse.cli.output import Column, say, show_table
from countinghouse.cli.progress import Display, Meter
from countinghouse.client.errors import AlreadyExists, InvalidArgument, NotFound
from countinghouse.configuring import apply, parse
from countinghouse.demo_claims import Act, Case, Step, Story
from countinghouse.importing.mapping import Ledger, Periods, Reference
from countinghouse.importing.reference import ensure

if TYPE_CHECKING:
    from countinghouse.client import Client

_CALLS = 8
_FILES_S = 120.0


def run(client: Client, *, seed: int, count: int) -> None:
    """Make `count` claims from `seed` and live their stories, unless they are there already."""
    if not count:
        return
    if _is_there(client, demo.claim_id(seed, count)):
        say(f"The {count:,} claims of seed {seed} were made before.")
        return
    today = datetime.now(UTC).date()
    last_day = date(today.year + 1, 12, 31)
    stories = _configure(client, Periods(date(today.year, 1, 1), last_day, "%Y-%m"))
    cases = demo.cases(seed, count, stories, goodwill=last_day)
    with Display() as display:
        meter = Meter(display, "claims", "claims")
        meter.begin(count)
        _tell(client, cases[:-1], files=f"demo-{seed}-files")
        _tell(client, cases[-1:], files="")  # made last of all: it is there when all are
        meter.end()
    _show(cases)


def _is_there(client: Client, claim_id: str) -> bool:
    try:
        client.accounting.get_claim(claims_pb2.GetClaimRequest(name=f"claims/{claim_id}"))
    except NotFound:
        return False
    return True


def _configure(client: Client, periods: Periods) -> tuple[Story, ...]:
    """Make the books and everything that accounting is configured with; gives the stories that can be told by it."""
    ensure(client.gl, Reference((Ledger(demo.LEDGER, "Disputed claims", periods),), ()))
    try:
        list(apply(client, parse(demo.configuration(service=True))))
    except InvalidArgument as error:
        if not any(violation.reason == "SYSTEM_OF_RECORD_UNKNOWN" for violation in error.violations):
            raise
        list(apply(client, parse(demo.configuration(service=False))))
        return demo.STORIES
    return (*demo.STORIES, *demo.BY_SERVICE)


def _tell(client: Client, cases: Sequence[Case], *, files: str) -> None:
    """Create the claims, then do a step of all of them after the other; `files`: the request id of the batch files."""
    telling = Telling(client, cases)
    telling.begin()
    for at in range(max((len(case.story.steps) for case in cases), default=0)):
        telling.step(at)
        if files and at + 1 == demo.FILES_AFTER:
            request = batches_pb2.GenerateAccountingFilesRequest(client=f"clients/{demo.CARDS}", request_id=files)
            client.accounting.generate_files(request).wait(_FILES_S)


class Telling:
    """Lives the stories of claims, a step of all of them after the other.

    Every call has a request id that the claim and its step give: telling a story again after it was cut short changes
    nothing that is done already.
    """

    def __init__(self, client: Client, cases: Sequence[Case]) -> None:
        self._accounting = client.accounting
        self._cases = cases
        self._last: dict[str, pb.AccountingOperation] = {}
        """The last operation of a claim, by the claim's id."""

    def begin(self) -> None:
        """Create the claims."""
        _at_once(self._create, self._cases)

    def step(self, at: int) -> None:
        """Do what comes next for each of them."""
        self._run([(case, case.step(at)) for case in self._cases if case.step(at).act is Act.RUN], at)
        _at_once(lambda case: self._act(case, at), self._cases)

    def _create(self, case: Case) -> None:
        with suppress(AlreadyExists):
            self._accounting.create_claim(case.request)

    def _act(self, case: Case, at: int) -> None:
        step = case.step(at)
        if step.act not in {Act.RUN, Act.WAIT}:
            getattr(self, f"_{step.act.name.lower()}")(case, step, f"{case.claim_id}.{at}")

    def _run(self, wanted: Sequence[tuple[Case, Step]], at: int) -> None:
        if not wanted:
            return
        items = [
            pb.BatchExecuteAccountingRequest.Item(
                parent=_claim(case), workflow_point=step.of, entries=[_entry(case, step)], step_key=f"demo-{at}"
            )
            for case, step in wanted
        ]
        request_id = f"{wanted[0][0].claim_id}.{wanted[-1][0].claim_id}.{at}"
        request = pb.BatchExecuteAccountingRequest(items=items, request_id=request_id)
        for (case, _), result in zip(wanted, self._accounting.batch_execute(request).results, strict=True):
            if result.HasField("error"):
                say(f"{case.claim_id}: {result.error.message}; another --seed makes other claims.")
                raise typer.Exit(OTHER)
            self._last[case.claim_id] = result.operations[0]

    def _by_hand(self, case: Case, step: Step, request_id: str) -> None:
        request = pb.PerformManualAccountingRequest(
            parent=_claim(case), entry=_entry(case, step), rule=f"accountingRules/{step.of}", request_id=request_id
        )
        self._last[case.claim_id] = self._accounting.perform_manual(request).operations[0]

    def _take(self, case: Case, _step: Step, request_id: str) -> None:
        request = tasks_pb2.ListTasksRequest(parent=f"clients/{case.story.client}")
        wanted = self._last[case.claim_id].name
        task = next(task.name for task in self._accounting.list_tasks(request) if task.operation.name == wanted)
        self._accounting.claim_task(tasks_pb2.ClaimTaskRequest(name=task, request_id=request_id))

    def _complete(self, case: Case, _step: Step, request_id: str) -> None:
        request = assignments_pb2.CompleteAssignmentRequest(
            name=self._last[case.claim_id].assignment, external_reference=f"TELLER-{request_id}", request_id=request_id
        )
        self._accounting.complete_assignment(request)

    def _cancel(self, case: Case, _step: Step, request_id: str) -> None:
        name, reason = self._last[case.claim_id].name, "entered for the wrong card"
        self._accounting.cancel_operation(
            pb.CancelAccountingOperationRequest(name=name, reason=reason, request_id=request_id)
        )

    def _reverse(self, case: Case, _step: Step, request_id: str) -> None:
        name, reason = self._last[case.claim_id].name, "the merchant has paid it back"
        answer = self._accounting.reverse_operation(
            pb.ReverseAccountingOperationRequest(name=name, reason=reason, request_id=request_id)
        )
        self._last[case.claim_id] = answer.reversals[-1]

    def _resolve(self, case: Case, step: Step, request_id: str) -> None:
        resolution = Resolution.Value(f"RESOLUTION_{step.of}")
        request = resolution_pb2.ResolveClaimRequest(name=_claim(case), resolution=resolution, request_id=request_id)
        self._accounting.resolve_claim(request)


def _at_once(do: Callable[[Case], None], cases: Sequence[Case]) -> None:
    """Do something for every claim, a few at once: no claim knows of another."""
    with ThreadPoolExecutor(_CALLS) as threads:
        list(threads.map(do, cases))


def _claim(case: Case) -> str:
    return f"claims/{case.claim_id}"


def _entry(case: Case, step: Step) -> pb.AccountingEntry:
    amount = case.amount(step.part) if step.of in demo.CALLER_GIVES else None
    return pb.AccountingEntry(dispute=f"{_claim(case)}/disputes/1", amount=amount)


def _show(cases: Sequence[Case]) -> None:
    """How many claims there are of each story, and the first of each."""
    first = {case.story: case.claim_id for case in reversed(cases)}
    counts = Counter(case.story for case in cases)
    columns = (Column("CLAIMS", str, right=True), Column("CLIENT", str), Column("THE FIRST", str), Column("", str))
    print()
    show_table(columns, [[str(counts[story]), story.client, first[story], story.told] for story in counts])
    print()
    print(f"Look at one: countinghouse accounting overview {cases[0].claim_id}")
