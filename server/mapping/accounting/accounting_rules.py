"""Accounting rules as the contract tells them."""

from __future__ import annotations

from countinghouse.accounting.v1 import accounting_rules_pb2 as pb
from domain.accounting.configuration.accounting_rules import NewVersion
from domain.accounting.configuration.model import (
    AmountSource,
    DayKind,
    Delay,
    EntryAmount,
    Processing,
    Rule,
    RuleSettings,
    RuleVersion,
    Settlement,
)
from domain.accounting.names import rule_name, rule_version_name
from server.mapping.instants import instant_from_proto
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_SOURCES = {each: pb.EntryAmountSource.Value(f"ENTRY_AMOUNT_SOURCE_{each}") for each in AmountSource}
_SOURCES_BY_NUMBER = {number: each for each, number in _SOURCES.items()}
_PROCESSING = {each: pb.ProcessingType.Value(f"PROCESSING_TYPE_{each}") for each in Processing}
_PROCESSING_BY_NUMBER = {number: each for each, number in _PROCESSING.items()}
_DAY_KINDS = {each: pb.DelayKind.Value(f"DELAY_KIND_{each}_DAYS") for each in DayKind}
_DAY_KINDS_BY_NUMBER = {number: each for each, number in _DAY_KINDS.items()}


def rule_to_proto(rule: Rule) -> pb.AccountingRule:
    """A rule with its newest version."""
    return pb.AccountingRule(
        name=rule_name(rule.code),
        code=rule.code,
        newest_version=rule_version_to_proto(rule.newest),
        state=pb.ACCOUNTING_RULE_STATE_RETIRED if rule.retired else pb.ACCOUNTING_RULE_STATE_ACTIVE,
        create_time=instant_to_proto(rule.created_us),
        update_time=instant_to_proto(rule.updated_us),
        etag=rule.etag,
    )


def rule_version_to_proto(version: RuleVersion) -> pb.AccountingRuleVersion:
    """A version of a rule."""
    settings = version.settings
    return pb.AccountingRuleVersion(
        name=rule_version_name(version.code, version.rule_version),
        version=version.rule_version,
        description=settings.description,
        claim_type_codes=sorted(settings.claim_types),
        workflow_point=settings.workflow_point,
        position=settings.position,
        debit_collection_code=settings.debit_collection,
        credit_collection_code=settings.credit_collection,
        entry_reason=settings.entry_reason,
        entry_amount=pb.EntryAmount(source=_SOURCES[settings.entry_amount.source], name=settings.entry_amount.name),
        processing_type=_PROCESSING[settings.processing],
        manual=settings.manual,
        delay=_delay_to_proto(settings.delay) if settings.delay else None,
        settlement=_settlement_to_proto(settings.settlement) if settings.settlement else None,
        valid_from_time=instant_to_proto(version.valid_from_us),
        create_time=instant_to_proto(version.created_us),
        creator=version.created_by,
    )


def new_version_from_proto(given: pb.AccountingRuleVersion, *, path: str) -> NewVersion:
    """What a version is to say; `path` is the field it stands in. Raises: Invalid for an instant that is none."""
    settings = RuleSettings(
        description=given.description,
        claim_types=frozenset(given.claim_type_codes),
        workflow_point=given.workflow_point,
        position=given.position,
        debit_collection=given.debit_collection_code,
        credit_collection=given.credit_collection_code,
        entry_reason=given.entry_reason,
        entry_amount=EntryAmount(_SOURCES_BY_NUMBER[given.entry_amount.source], given.entry_amount.name),
        processing=_PROCESSING_BY_NUMBER[given.processing_type],
        manual=given.manual,
        delay=_delay(given.delay) if given.HasField("delay") else None,
        settlement=_settlement(given.settlement) if given.HasField("settlement") else None,
    )
    return NewVersion(settings, instant_from_proto(given, "valid_from_time", path=path) or 0)


def version_key_from_name(name: str) -> tuple[str, int]:
    """Code and number in `accountingRules/{code}/versions/{number}`."""
    _, code, _, number = name.split("/")
    return code, int(number)


def _delay(given: pb.Delay) -> Delay:
    return Delay(given.days, _DAY_KINDS_BY_NUMBER[given.kind], given.claim_date)


def _settlement(given: pb.Settlement) -> Settlement:
    return Settlement(given.debit_collection_code, given.credit_collection_code, given.entry_reason)


def _delay_to_proto(delay: Delay) -> pb.Delay:
    return pb.Delay(days=delay.days, kind=_DAY_KINDS[delay.kind], claim_date=delay.claim_date)


def _settlement_to_proto(settlement: Settlement) -> pb.Settlement:
    return pb.Settlement(
        debit_collection_code=settlement.debit_collection,
        credit_collection_code=settlement.credit_collection,
        entry_reason=settlement.entry_reason,
    )
