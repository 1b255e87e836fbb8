"""What the receiver says of a batch's records: accepted ones are counted, rejected ones are taken back (ACC-37).

The batch stays as it is: written again, it has the same records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from domain.accounting.batches import service
from domain.accounting.batches.errors import BatchBeingWritten, BatchNotFound, ReturnContradicts
from domain.accounting.batches.layouts.returns import Decision, Return, ReturnFault
from domain.accounting.batches.model import Batch, Returned
from domain.accounting.batches.states import BatchState
from domain.accounting.batches.store import batches, returns
from domain.accounting.batches.store.taking import Key
from domain.accounting.claims import store as claims
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution.model import TaskKind
from domain.accounting.execution.opening import task_of
from domain.accounting.execution.store import assignments, tasks
from domain.accounting.names import operation_name
from domain.accounting.performing import correcting
from domain.accounting.performing.booking import Books
from domain.accounting.performing.model import Kind, Operation
from domain.accounting.performing.store import operations
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import DomainError, Invalid, Refused, Violation
from domain.kernel.script import Script


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of an operation of a batch; `claim_id` is empty where only the operation was named.

    `record_no` is the number of the one of its records that was named, 0 for none.
    """

    operation_id: str
    decision: Decision
    reason: str = ""
    message: str = ""
    external_reference: str = ""
    claim_id: str = ""
    record_no: int = 0


@dataclass(slots=True)
class Taken:
    """What became of what was said: counts of operations, and what was refused, by its place among what was said."""

    accepted: int = 0
    rejected: int = 0
    unchanged: int = 0
    reversals: list[Operation] = field(default_factory=list)
    refused: dict[int, DomainError] = field(default_factory=dict)


@dataclass(slots=True)
class Heard:
    """What became of rows of a return file; `received` and `refused` are rows, `faults` what is wrong with them."""

    received: int = 0
    accepted: int = 0
    rejected: int = 0
    unchanged: int = 0
    refused: int = 0
    faults: list[ReturnFault] = field(default_factory=list)

    def add(self, taken: Taken) -> None:
        """Add what became of the rows of one batch."""
        self.accepted += taken.accepted
        self.rejected += taken.rejected
        self.unchanged += taken.unchanged


@dataclass(frozen=True, slots=True)
class Returns:
    """Takes note of what receivers say, with what a reversal needs."""

    configurations: Configurations
    books: Books

    def receive_all(
        self, tx: Connection, call: Call, key: tuple[str, int], said: Sequence[Said]
    ) -> tuple[Taken, Batch]:
        """Take note of all that is said of a batch (its client and number), or of nothing; gives the batch as it is.

        Raises: BatchNotFound; as `receive` tells; Invalid for all operations that are not the batch's, by their place.
        """
        for at, each in enumerate(said):
            texts = {"reason": each.reason, "text": each.message, "external_reference": each.external_reference}
            require_storable(**{f"records[{at}].{name}": text for name, text in texts.items()})
        taken = self.receive(tx, call, service.get(tx, *key, call.scope), said)
        unknown = [
            replace(violation, field=f"records[{at}].operation")
            for at, error in taken.refused.items()
            if isinstance(error, Invalid)
            for violation in error.violations
        ]
        if unknown:
            raise Invalid(*unknown)
        for error in taken.refused.values():
            raise error
        return taken, service.get(tx, *key)

    def hear(self, tx: Connection, call: Call, client_code: str, rows: Sequence[Return | ReturnFault]) -> Heard:
        """Take note of what rows of a return file say; what cannot be taken is told by its line. Cost: as `receive`."""
        said: dict[int, list[Return]] = {}
        heard = Heard(received=len({row.line for row in rows}))
        for row in rows:
            if isinstance(row, ReturnFault):
                heard.faults.append(row)
            else:
                said.setdefault(row.batch_no, []).append(row)
        for batch_no, its in sorted(said.items()):
            try:
                batch = service.get(tx, client_code, batch_no, call.scope)
                taken = self.receive(tx, call, batch, [_said(row) for row in its])
            except (BatchNotFound, BatchBeingWritten) as error:
                heard.faults += [_fault(row.line, "batchNumber", error) for row in its]
                continue
            heard.add(taken)
            heard.faults += [_fault(its[at].line, "", error) for at, error in taken.refused.items()]
        heard.faults.sort(key=lambda fault: fault.line)
        heard.refused = len({fault.line for fault in heard.faults})
        return heard

    def receive(self, tx: Connection, call: Call, batch: Batch, said: Sequence[Said]) -> Taken:
        """Take note of what is said of a batch's operations; what cannot be taken is told, and stops nothing else.

        A rejected operation is reversed for tracking only, posted, and a person gets a task. One that had been reversed
        before is not reversed twice: the person sees to what was sent of its reversal. What was said before, in the
        same way, changes nothing.

        Raises: BatchBeingWritten before its first file is there. Refused are: Invalid for an operation that is not of
        the batch, and for a record number that is not of the operation; ReturnContradicts; what reversing refuses.
        Cost: about ten statements, fifteen for each rejected; with record numbers one that reads keys of the batch.
        """
        if batch.state is BatchState.WRITING:
            raise BatchBeingWritten(batch.name, batch.writer_id)
        known = returns.keys_of(tx, batch, [each.operation_id for each in said])
        numbered = {known[each.operation_id] for each in said if each.record_no and each.operation_id in known}
        places = returns.places_of(tx, batch, numbered)
        claims.lock_many(tx, {claim_id for claim_id, _ in known.values()})
        before = returns.find_many(tx, batch, known.values())
        taken, new = Taken(), dict[Key, Returned]()
        for at, each in enumerate(said):
            try:
                key = _key(batch, each, known)
                _refuse_other_record(each, places.get(key, 0))
                there = before.get(key) or new.get(key)
                if there is None:
                    new[key] = self._take(tx, call, _returned(call, batch, key, each), taken)
                else:
                    _refuse_contradiction(there, each.decision)
                    taken.unchanged += 1
            except (Invalid, Refused) as error:
                taken.refused[at] = error
        _record(tx, call, batch, list(new.values()), taken)
        return taken

    def _take(self, tx: Connection, call: Call, said: Returned, taken: Taken) -> Returned:
        """What is to be remembered of what is said; a rejected operation is reversed."""
        if said.accepted:
            taken.accepted += 1
            return said
        original = operations.find(tx, said.claim_id, said.operation_id)
        assert original is not None, "operations are never deleted"
        reversal_id = ""
        if not original.reversed_by_id:
            with tx.begin_nested():
                found = correcting.reverse(
                    tx,
                    call,
                    self.configurations,
                    self.books,
                    claim_id=said.claim_id,
                    operation_id=said.operation_id,
                    reason=said.reason,
                    kind=Kind.RETURN,
                )
            taken.reversals += found.reversals
            reversal_id = found.reversals[-1].operation_id
        taken.rejected += 1
        return replace(said, reversal_id=reversal_id)


def _said(row: Return) -> Said:
    return Said(
        operation_id=row.operation_id,
        decision=row.decision,
        reason=row.reason,
        message=row.text,
        external_reference=row.external_reference,
        record_no=row.record_no,
    )


def _fault(line: int, column: str, error: DomainError) -> ReturnFault:
    if isinstance(error, Invalid):
        return ReturnFault(line, error.violations[0])
    return ReturnFault(line, Violation(column, error.reason, error.message))


def _key(batch: Batch, said: Said, known: Mapping[str, Key]) -> Key:
    key = known.get(said.operation_id)
    if key is None or said.claim_id not in {"", key[0]}:
        text = f"is of no operation in {batch.name}"
        raise Invalid(Violation("operation", "ACCOUNTING_RECORD_NOT_IN_BATCH", text))
    return key


def _refuse_other_record(said: Said, place: int) -> None:
    """Refuse a record number that is none of the two of the operation, which stands at a place of the file."""
    if said.record_no and said.record_no not in {2 * place - 1, 2 * place}:
        text = f"is of another operation: the records of this one are {2 * place - 1} and {2 * place}"
        raise Invalid(Violation("recordNumber", "ACCOUNTING_RECORD_OF_ANOTHER_OPERATION", text))


def _returned(call: Call, batch: Batch, key: Key, said: Said) -> Returned:
    return Returned(
        client_code=batch.client_code,
        batch_no=batch.batch_no,
        claim_id=key[0],
        operation_id=key[1],
        accepted=said.decision is Decision.ACCEPTED,
        reason=said.reason,
        message=said.message,
        external_reference=said.external_reference,
        reversal_id="",
        at_us=call.now_us,
        caller=call.caller,
    )


def _record(tx: Connection, call: Call, batch: Batch, new: Sequence[Returned], taken: Taken) -> None:
    if not new:
        return
    rejected = [each for each in new if not each.accepted]
    assigned = assignments.find_many(tx, [(each.claim_id, each.operation_id) for each in rejected])
    script = Script(tx)
    returns.insert(script, new)
    opened = []
    for each in rejected:
        message = each.message if each.reversal_id else f"it was reversed before. {each.message}".strip()
        about = replace(assigned[each.claim_id, each.operation_id], reason=each.reason, message=message)
        opened.append(task_of(about, TaskKind.RECORD_REJECTED, call.now_us))
    tasks.insert(script, opened)
    script.run()
    batches.count_returns(tx, batch, accepted=taken.accepted, rejected=taken.rejected)
    told = {
        "accepted_count": taken.accepted,
        "rejected_count": taken.rejected,
        "unchanged_count": taken.unchanged,
        "refused_count": len(taken.refused),
        "reversals": [each.name for each in taken.reversals[:100]],
    }
    scope_id = scopes.intern(tx, scopes.of_clients((batch.client_code,)))
    events.append(tx, call, batch.name, "accounting_batch.returned", told, scope_id=scope_id)


def _refuse_contradiction(there: Returned, decision: Decision) -> None:
    if there.decision is not decision:
        raise ReturnContradicts(
            operation_name(there.claim_id, there.operation_id), said=there.decision, wanted=decision
        )
