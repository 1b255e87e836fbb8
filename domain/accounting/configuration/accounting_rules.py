"""Use cases of accounting rules: they are final, a change is a new version (ACC-01), and none is ever deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.configuration import documents, rule_rules, store
from domain.accounting.configuration.errors import RuleState, RuleUnsound
from domain.accounting.configuration.model import Rule, RuleSettings, RuleVersion
from domain.accounting.configuration.registers import CLAIM_TYPES, COLLECTIONS, SHELF
from domain.accounting.names import RULE_TYPE, RULE_VERSION_TYPE, rule_name, rule_version_name
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import CodeTaken, EtagMissing, EtagStale, Invalid, NotFound, Violation
from domain.kernel.paging import Page
from domain.kernel.registers import store as registers
from domain.kernel.registers.service import after_of
from domain.kernel.time import iso_of

WORD = "accounting_rule"
CREATED_IN = f"{WORD}.newest_version"
VERSION_WORD = "accounting_rule_version"
"""The fields that a version stands in: when a rule is created, and when it is changed."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a version is to say, and from when on; 0: from now."""

    settings: RuleSettings
    valid_from_us: int = 0


def create(tx: Connection, call: Call, code: str, new: NewVersion) -> Rule:
    """Add a rule with its first version. Raises: SharedBeyondScope; Invalid with every violation; CodeTaken."""
    scopes.refuse_shared(call.scope, SHELF.scope_kind)
    first = _version(tx, call, code, 1, new, path=CREATED_IN)
    rule = Rule(first, retired=False, version=1, created_us=call.now_us, updated_us=call.now_us)
    if not store.create_rule(tx, rule):
        raise CodeTaken(RULE_TYPE, rule_name(code))
    store.create_rule_version(tx, first)
    _record(tx, call, code, "created", {"from": None, "to": _told(first)})
    return rule


def create_version(tx: Connection, call: Call, code: str, etag: str, new: NewVersion) -> RuleVersion:
    """Change the rule that still has the etag: a version more.

    Raises: EtagMissing; SharedBeyondScope; NotFound; EtagStale; Invalid with every violation.
    """
    if not etag:
        raise EtagMissing("etag")
    scopes.refuse_shared(call.scope, SHELF.scope_kind)
    old = _locked(tx, code, etag)
    version = _version(tx, call, code, old.newest.rule_version + 1, new, path=VERSION_WORD)
    store.create_rule_version(tx, version)
    store.change_rule(tx, replace(old, newest=version, version=old.version + 1, updated_us=call.now_us))
    _record(tx, call, code, "version_created", {"from": _told(old.newest), "to": _told(version)})
    return version


def retire(tx: Connection, call: Call, code: str, etag: str, *, retired: bool) -> Rule:
    """Retire the rule, or bring it back; the etag may be empty.

    Raises: SharedBeyondScope; NotFound; EtagStale; RuleState when it is so already; RuleUnsound for one that is
    not sound any more, as collections have changed meanwhile.
    """
    scopes.refuse_shared(call.scope, SHELF.scope_kind)
    old = _locked(tx, code, etag)
    if old.retired is retired:
        raise RuleState(rule_name(code), state=_state(old.retired), wanted=_state(retired))
    if not retired:
        _refuse_unsound(tx, code, call.now_us)
    new = replace(old, retired=retired, version=old.version + 1, updated_us=call.now_us)
    store.change_rule(tx, new)
    changes = {"from": {"state": _state(old.retired)}, "to": {"state": _state(retired)}}
    _record(tx, call, code, "retired" if retired else "unretired", changes)
    return new


def get(tx: Connection, code: str) -> Rule:
    """The rule. Raises: NotFound."""
    return _found(store.find_rule(tx, code), code)


def list_page(tx: Connection, page: Page) -> list[Rule]:
    """One rule more than the page holds, if there is one, by code; the key is the code."""
    return store.rules_page(tx, after=after_of(page), limit=page.size + 1)


def get_version(tx: Connection, code: str, number: int) -> RuleVersion:
    """A version of a rule. Raises: NotFound."""
    found = store.find_rule_version(tx, code, number)
    if found is None:
        raise NotFound(RULE_VERSION_TYPE, rule_version_name(code, number))
    return found


def list_versions(tx: Connection, code: str, page: Page) -> list[RuleVersion]:
    """One version more than the page holds, if there is one, the newest first; the key is the number.

    Raises: NotFound for the rule.
    """
    get(tx, code)
    before = int(page.after[0]) if page.after else 0
    return store.rule_versions_page(tx, code, before=before, limit=page.size + 1)


def _locked(tx: Connection, code: str, etag: str) -> Rule:
    rule = _found(store.lock_rule(tx, code), code)
    if etag not in {"", rule.etag}:
        raise EtagStale(RULE_TYPE, rule_name(code), etag=etag)
    return rule


def _found(rule: Rule | None, code: str) -> Rule:
    if rule is None:
        raise NotFound(RULE_TYPE, rule_name(code))
    return rule


def _version(tx: Connection, call: Call, code: str, number: int, new: NewVersion, *, path: str) -> RuleVersion:
    """The version, once it is sound. Raises: Invalid with every violation."""
    found = [*_violations(tx, new.settings, path), *_past(new, call.now_us, path)]
    if found:
        raise Invalid(*found)
    return RuleVersion(code, number, new.settings, new.valid_from_us or call.now_us, call.now_us, call.caller)


def _violations(tx: Connection, settings: RuleSettings, path: str) -> Iterator[Violation]:
    claim_types = registers.hold(tx, CLAIM_TYPES, settings.claim_types)
    collections = registers.hold(tx, COLLECTIONS, rule_rules.named_collections(settings))
    return rule_rules.violations(settings, claim_types, collections, path)


def _refuse_unsound(tx: Connection, code: str, now_us: int) -> None:
    for version in rule_rules.still_to_run(store.versions_of(tx, code), now_us):
        name = rule_version_name(code, version.rule_version)
        if faults := tuple(_violations(tx, version.settings, VERSION_WORD)):
            raise RuleUnsound(name, faults)


def _past(new: NewVersion, now_us: int, path: str) -> Iterator[Violation]:
    if 0 < new.valid_from_us < now_us:
        text = f"must not be in the past: it is {iso_of(now_us)}, and what ran by another version stays so"
        yield Violation(f"{path}.valid_from_time", "VALID_FROM_PAST", text)


def _state(retired: bool) -> str:  # noqa: FBT001 - what it is about
    return "RETIRED" if retired else "ACTIVE"


def _told(version: RuleVersion) -> Document:
    settings = documents.rule_document(version.settings)
    return {"version": version.rule_version, "valid_from": iso_of(version.valid_from_us), **settings}


def _record(tx: Connection, call: Call, code: str, what: str, changes: Document) -> None:
    """Note what happened to the rule; the configuration is another one now."""
    events.append(tx, call, rule_name(code), f"{WORD}.{what}", changes, scope_id=0)
    registers.grow_version(tx, SHELF)
