"""Executing a workflow point: all its rules for the disputes named, all or none (ACC-05)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.accounting.claims.errors import ClaimResolved
from domain.accounting.configuration.model import RuleVersion
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing import telling
from domain.accounting.performing.amounts import amounts_of, reads_balances
from domain.accounting.performing.booking import Books
from domain.accounting.performing.errors import StepExecuted
from domain.accounting.performing.gathering import Gathered, gather, with_balances
from domain.accounting.performing.model import Kind, Operation
from domain.accounting.performing.planning import Draft, Facts, Planned, is_tracking_only, plan, second_of
from domain.accounting.performing.recording import record
from domain.accounting.performing.requests import Entry, Execution, Skipped
from domain.accounting.performing.store import steps
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import DomainError, Invalid, Violation
from domain.kernel.script import Script


@dataclass(frozen=True, slots=True)
class Executed:
    """What a workflow point came to: the operations, in their order, and the rules that had nothing to move."""

    operations: tuple[Operation, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    planned: list[Planned]
    skipped: list[Skipped]


def execute(tx: Connection, call: Call, configurations: Configurations, books: Books, wanted: Execution) -> Executed:
    """Run all rules of a workflow point, in their order, for the disputes named.

    Raises: ClaimNotFound; ClaimResolved; StepExecuted; Invalid for an unknown workflow point, disputes that are not
    the claim's, amounts that are missing; and what `planning.plan` refuses.
    """
    (found,) = execute_many(tx, call, configurations, books, [wanted])
    if isinstance(found, DomainError):
        raise found
    return found


def execute_many(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    books: Books,
    wanted: Sequence[Execution | DomainError],
) -> list[Executed | DomainError]:
    """Run many workflow points in one transaction; a result or a refusal for each, in their order.

    Each is done all or not at all, whatever becomes of the others; what is refused already is one of the results.
    Of two that concern one claim, the later sees nothing of what the earlier moved but its step key: balances are those
    from before the call.

    Cost: two statements, however many; one more where a rule reads balances, and one for step keys.
    """
    sound = [each for each in wanted if not isinstance(each, DomainError)]
    entries = {(entry.claim_id, entry.dispute_id) for each in sound for entry in each.entries}
    gathered = gather(tx, configurations, entries, claim_ids=(each.claim_id for each in sound))
    gathered = with_balances(tx, gathered, _moved_by_balance(gathered, call, sound))
    run = set(steps.executed(tx, (step for each in sound for step in _steps(each))))
    results: list[Executed | DomainError] = []
    planned: list[Planned] = []
    fresh: list[steps.Step] = []
    for each in wanted:
        if isinstance(each, DomainError):
            results.append(each)
            continue
        try:
            found = _plan(gathered, call, each, run)
            books.require(tx, (one.operation for one in found.planned))
        except DomainError as refused:
            results.append(refused)
            continue
        planned += found.planned
        fresh += _steps(each)
        run.update(_steps(each))
        results.append(Executed(tuple(one.operation for one in found.planned), tuple(found.skipped)))
    script = Script(tx)
    steps.record(script, fresh, at_us=call.now_us)
    record(tx, script, planned, gathered, now_us=call.now_us)
    telling.performed(script, call, planned, workflow_points=sorted({each.workflow_point for each in sound}))
    script.run()
    return results


def _moved_by_balance(gathered: Gathered, call: Call, wanted: Sequence[Execution]) -> list[tuple[str, str]]:
    """The disputes (claim and dispute) of which a rule moves what a balance says."""
    return [
        (entry.claim_id, entry.dispute_id)
        for each in wanted
        if (claim := gathered.claims.get(each.claim_id))
        and any(
            map(reads_balances, gathered.snapshot.rules_at(claim.claim_type_code, each.workflow_point, call.now_us))
        )
        for entry in each.entries
    ]


def _plan(gathered: Gathered, call: Call, wanted: Execution, run: set[steps.Step]) -> _Plan:
    require_storable(note=wanted.note, step_key=wanted.step_key)
    facts = gathered.of(wanted.claim_id, call.scope)
    if not facts.claim.is_open:
        raise ClaimResolved(facts.claim)
    rules = facts.snapshot.rules_at(facts.claim.claim_type_code, wanted.workflow_point, call.now_us)
    if violations := [*_point_faults(facts, wanted, rules), *_entry_faults(facts, wanted)]:
        raise Invalid(*violations)
    for step in _steps(wanted):
        if step in run:
            raise StepExecuted(*step)
    found = _Plan([], [])
    for rule in rules:
        for at, entry in enumerate(wanted.entries):
            _apply(found, facts, call, wanted, rule=rule, entry=entry, field=f"entries[{at}]")
    return found


def _apply(
    found: _Plan, facts: Facts, call: Call, wanted: Execution, *, rule: RuleVersion, entry: Entry, field: str
) -> None:
    dispute, settings = facts.disputes[entry.dispute_id], rule.settings
    amounts = amounts_of(rule, entry, dispute, facts.balances, field=field)
    if not amounts:
        found.skipped.append(Skipped(wanted.claim_id, dispute.dispute_id, rule.code))
    for amount in amounts:
        draft = Draft(
            kind=Kind.RULE,
            dispute=dispute,
            debit=settings.debit_collection,
            credit=settings.credit_collection,
            amount=amount,
            entry_reason=settings.entry_reason,
            tracking_only=is_tracking_only(rule),
            rule=rule,
            workflow_point=wanted.workflow_point,
            step_key=wanted.step_key,
            note=wanted.note,
            delay=settings.delay,
        )
        first = plan(facts, call, draft)
        found.planned.append(first)
        if settings.settlement:
            found.planned.append(second_of(facts, call, first.operation, rule))


def _steps(wanted: Execution) -> list[steps.Step]:
    if not wanted.step_key:
        return []
    return [(wanted.claim_id, entry.dispute_id, wanted.workflow_point, wanted.step_key) for entry in wanted.entries]


def _point_faults(facts: Facts, wanted: Execution, rules: Sequence[RuleVersion]) -> list[Violation]:
    if rules:
        return []
    text = f"no rule of claim type {facts.claim.claim_type_code} belongs to workflow point {wanted.workflow_point!r}"
    return [Violation("workflow_point", "WORKFLOW_POINT_UNKNOWN", text)]


def _entry_faults(facts: Facts, wanted: Execution) -> list[Violation]:
    found: list[Violation] = []
    seen: set[str] = set()
    for at, entry in enumerate(wanted.entries):
        found += entry_faults(facts, entry, f"entries[{at}]")
        if entry.dispute_id in seen:
            found.append(Violation(f"entries[{at}].dispute", "DISPUTE_REPEATED", "is named before"))
        seen.add(entry.dispute_id)
    return found


def entry_faults(facts: Facts, entry: Entry, field: str) -> list[Violation]:
    """What is wrong with an entry: a dispute that is not the claim's, an amount below zero (ACC-07)."""
    found = []
    if entry.claim_id != facts.claim.claim_id:
        text = f"belongs to another claim than {facts.claim.name}"
        found.append(Violation(f"{field}.dispute", "DISPUTE_OF_ANOTHER_CLAIM", text))
    elif entry.dispute_id not in facts.disputes:
        found.append(Violation(f"{field}.dispute", "DISPUTE_UNKNOWN", f"{facts.claim.name} has no such dispute"))
    if entry.amount is not None and entry.amount.minor < 0:
        found.append(Violation(f"{field}.amount", "AMOUNT_NOT_POSITIVE", "must not be below zero"))
    return found
