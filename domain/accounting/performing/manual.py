"""What people perform: by a rule, or free-form (ACC-53, ACC-54, ACC-55)."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.accounting.claims.errors import ClaimResolved
from domain.accounting.claims.model import Dispute
from domain.accounting.configuration.model import Client, RuleVersion
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing import telling
from domain.accounting.performing.amounts import amounts_of
from domain.accounting.performing.booking import Books
from domain.accounting.performing.errors import QualificationMissing
from domain.accounting.performing.executing import entry_faults
from domain.accounting.performing.gathering import gather, with_balances
from domain.accounting.performing.model import Kind, Operation
from domain.accounting.performing.planning import Draft, Facts, Planned, is_tracking_only, plan, second_of
from domain.accounting.performing.recording import record
from domain.accounting.performing.requests import FreeForm, ManualByRule
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money
from domain.kernel.script import Script


def perform(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    books: Books,
    wanted: ManualByRule | FreeForm,
    *,
    qualified: bool,
) -> list[Operation]:
    """Perform an adjustment of a person, who is `qualified` or not; then it is carried out as any other.

    Raises: ClaimNotFound; QualificationMissing; ClaimResolved; Invalid for what is wrong with the fields, all at
    once; and what `planning.plan` refuses.
    """
    require_storable(**_texts(wanted))
    key = (wanted.entry.claim_id, wanted.entry.dispute_id)
    gathered = with_balances(tx, gather(tx, configurations, [key], claim_ids=[wanted.claim_id]), [key])
    facts = gathered.of(wanted.claim_id, call.scope)
    if is_restricted(facts.client) and not qualified:
        raise QualificationMissing(client=facts.client.code)
    if not facts.claim.is_open:
        raise ClaimResolved(facts.claim)
    planned = _free_form(facts, call, wanted) if isinstance(wanted, FreeForm) else _by_rule(facts, call, wanted)
    books.require(tx, (each.operation for each in planned))
    script = Script(tx)
    record(tx, script, planned, gathered, now_us=call.now_us)
    telling.performed(script, call, planned, workflow_points=[])
    script.run()
    return [each.operation for each in planned]


def is_restricted(client: Client) -> bool:
    """Whether manual accounting of the client is for qualified users: by its setting, or as it is automated."""
    settings = client.settings
    return settings.manual_restricted or settings.service is not None or settings.batch is not None


def draft_of(rule: RuleVersion, dispute: Dispute, amount: Money, *, note: str = "") -> Draft:
    """What a rule moves that a person has chosen."""
    settings = rule.settings
    return Draft(
        kind=Kind.MANUAL_RULE,
        dispute=dispute,
        debit=settings.debit_collection,
        credit=settings.credit_collection,
        amount=amount,
        entry_reason=settings.entry_reason,
        tracking_only=is_tracking_only(rule),
        rule=rule,
        note=note,
        delay=settings.delay,
    )


def _by_rule(facts: Facts, call: Call, wanted: ManualByRule) -> list[Planned]:
    rule, settings_faults = _rule(facts, call, wanted)
    if violations := [*entry_faults(facts, wanted.entry, "entry"), *settings_faults]:
        raise Invalid(*violations)
    assert rule is not None
    dispute = facts.disputes[wanted.entry.dispute_id]
    amounts = amounts_of(rule, wanted.entry, dispute, facts.balances, field="entry")
    if not amounts:
        raise Invalid(Violation("entry.amount", "AMOUNT_NOT_POSITIVE", "there is nothing to move: the amount is zero"))
    planned = []
    for amount in amounts:
        first = plan(facts, call, draft_of(rule, dispute, amount, note=wanted.note))
        planned.append(first)
        if rule.settings.settlement:
            planned.append(second_of(facts, call, first.operation, rule))
    return planned


def _rule(facts: Facts, call: Call, wanted: ManualByRule) -> tuple[RuleVersion | None, list[Violation]]:
    rule = facts.snapshot.newest_at(wanted.rule_code, call.now_us)
    if rule is None:
        return None, [Violation("rule", "RULE_UNKNOWN", "there is no such rule, or it is retired")]
    if facts.claim.claim_type_code not in rule.settings.claim_types:
        text = f"does not apply to claims of type {facts.claim.claim_type_code}"
        return None, [Violation("rule", "RULE_OF_ANOTHER_CLAIM_TYPE", text)]
    if not rule.settings.manual:
        return None, [Violation("rule", "RULE_NOT_MANUAL", "may not be used by hand")]
    return rule, []


def _free_form(facts: Facts, call: Call, wanted: FreeForm) -> list[Planned]:
    if violations := [*entry_faults(facts, wanted.entry, "entry"), *_field_faults(facts, wanted)]:
        raise Invalid(*violations)
    assert wanted.entry.amount is not None
    draft = Draft(
        kind=Kind.FREE_FORM,
        dispute=facts.disputes[wanted.entry.dispute_id],
        debit=wanted.debit_collection,
        credit=wanted.credit_collection,
        amount=wanted.entry.amount,
        entry_reason=wanted.entry_reason,
        tracking_only=wanted.tracking_only,
        note=wanted.note,
        debit_account=wanted.debit_account,
        credit_account=wanted.credit_account,
    )
    return [plan(facts, call, draft)]


def _field_faults(facts: Facts, wanted: FreeForm) -> list[Violation]:
    found = []
    if wanted.entry.amount is None or wanted.entry.amount.minor == 0:
        found.append(Violation("entry.amount", "AMOUNT_REQUIRED", "must be given, and be more than zero"))
    for side, code in (("debit", wanted.debit_collection), ("credit", wanted.credit_collection)):
        if code not in facts.snapshot.collections:
            found.append(Violation(f"free_form.{side}_collection", "COLLECTION_UNKNOWN", "there is no such collection"))
    if wanted.debit_account and wanted.debit_account == wanted.credit_account:
        text = "is the debit account, too: an operation moves money from one account to another"
        found.append(Violation("free_form.credit_account", "ACCOUNTS_EQUAL", text))
    return found


def _texts(wanted: ManualByRule | FreeForm) -> dict[str, str]:
    if isinstance(wanted, ManualByRule):
        return {"note": wanted.note}
    return {
        "note": wanted.note,
        "free_form.debit_account": wanted.debit_account,
        "free_form.credit_account": wanted.credit_account,
        "free_form.entry_reason": wanted.entry_reason,
    }
