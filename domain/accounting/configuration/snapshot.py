"""The configuration as operations are performed by it: read once for each of its versions, and kept by the process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.channels.registry import WAYS, way_of
from domain.accounting.configuration import store, vocabulary
from domain.accounting.configuration.errors import (
    AccountUndetermined,
    ChannelNotConfigured,
    PreConditionMatchesNothing,
)
from domain.accounting.configuration.model import (
    ClaimType,
    Client,
    Collection,
    Determination,
    DeterminationRow,
    RuleVersion,
)
from domain.accounting.configuration.registers import SHELF
from domain.accounting.names import client_name, determination_name
from domain.kernel.conditions.decisions import DecisionTable
from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import Expression, compile_condition, compile_text
from domain.kernel.conditions.shapes import Values
from domain.kernel.registers import store as registers

_REMEMBERED_MAX = 100_000

_Outcome = tuple[DeterminationRow, Expression[str] | None]
_Decided = tuple[DecisionTable[Channel], Channel | None]
"""Rows that are still to be tried, and what holds when none of them does."""


class Snapshot:
    """All that is configured, as of one version; safe to share between threads.

    Conditions are compiled when they are first needed. What pre-conditions say of a client and a rule alone is worked
    out once.
    """

    def __init__(self, contents: store.Contents) -> None:
        self.version = contents.version
        self.clients: Mapping[str, Client] = _by_code(contents.clients)
        self.claim_types: Mapping[str, ClaimType] = _by_code(contents.claim_types)
        self.collections: Mapping[str, Collection] = _by_code(contents.collections)
        self._determinations = {each.collection_code: each for each in contents.determinations}
        self._versions = _versions(contents.rule_versions)
        self._retired = contents.retired
        self._accounts: dict[str, DecisionTable[_Outcome]] = {}
        self._channels: dict[str, DecisionTable[Channel]] = {}
        self._decided: dict[tuple[str, str, int], _Decided] = {}

    def rules_at(self, claim_type: str, workflow_point: str, now_us: int) -> tuple[RuleVersion, ...]:
        """The rules of a workflow point for claims of a type, in the order in which they run (ACC-01, ACC-05).

        Of each rule its newest version that is valid by now; retired rules are none.
        """
        named = (self.newest_at(code, now_us) for code in self._codes_at.get((claim_type, workflow_point), ()))
        return _in_order(
            rule
            for rule in named
            if rule and claim_type in rule.settings.claim_types and rule.settings.workflow_point == workflow_point
        )

    def manual_rules_at(self, claim_type: str, now_us: int) -> tuple[RuleVersion, ...]:
        """The rules that people may use for claims of a type (ACC-53)."""
        newest = (self.newest_at(code, now_us) for code in self._versions)
        return _in_order(
            rule for rule in newest if rule and rule.settings.manual and claim_type in rule.settings.claim_types
        )

    def rule_version(self, code: str, number: int) -> RuleVersion | None:
        """A version of a rule, valid or not, retired or not."""
        versions = self._versions.get(code, ())
        return versions[number - 1] if 0 < number <= len(versions) else None

    def newest_at(self, code: str, now_us: int) -> RuleVersion | None:
        """A rule's newest version that is valid by now; None for a rule that is retired or not valid yet."""
        if code in self._retired:
            return None
        return next((each for each in reversed(self._versions.get(code, ())) if each.valid_from_us <= now_us), None)

    def account_of(self, collection: str, values: Values) -> tuple[str, str]:
        """The account that a collection means, and its distribution code (ACC-02).

        `values` are those of `vocabulary.SIDES`. Raises: AccountUndetermined; ConditionFailed.
        """
        found = self._account_table(collection).first_match(values)
        if found is None:
            raise AccountUndetermined(collection, f"no row of {determination_name(collection)} holds")
        row, expression = found
        account = row.account if expression is None else expression.evaluate(values)
        if not account:
            raise AccountUndetermined(collection, f"{expression.path if expression else ''} gives an empty text")
        return account, row.distribution_code

    def channel_of(self, client: Client, rule: RuleVersion | None, values: Values) -> Channel:
        """The channel by which an operation is carried out (ACC-10); `rule` None for what is entered without one.

        `values` are those of `vocabulary.OPERATIONS`. Raises: PreConditionMatchesNothing; ChannelNotConfigured;
        ConditionFailed.
        """
        if not client.settings.pre_conditions:
            return _default_channel(client)
        table, otherwise = self._decided_by(client, rule)
        channel = table.first_match(values) or otherwise
        if channel is None:
            raise PreConditionMatchesNothing(client.code)
        if not way_of(channel).is_configured(client.settings):
            raise ChannelNotConfigured(client.code, channel)
        return channel

    @cached_property
    def _codes_at(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """The rules of which any version names a claim type and a workflow point."""
        found = defaultdict(set)
        for code, versions in self._versions.items():
            for each in versions:
                for claim_type in each.settings.claim_types:
                    found[claim_type, each.settings.workflow_point].add(code)
        return {key: frozenset(codes) for key, codes in found.items()}

    def _account_table(self, collection: str) -> DecisionTable[_Outcome]:
        if collection not in self._accounts:
            if collection not in self._determinations:
                raise AccountUndetermined(collection, f"there is no {determination_name(collection)}")
            self._accounts[collection] = account_table(self._determinations[collection])
        return self._accounts[collection]

    def _decided_by(self, client: Client, rule: RuleVersion | None) -> _Decided:
        if client.code not in self._channels:
            self._channels[client.code] = channel_table(client)
        table = self._channels[client.code]
        if rule is None:
            return table, None
        key = (client.code, rule.code, rule.rule_version)
        if key not in self._decided:
            if len(self._decided) >= _REMEMBERED_MAX:
                self._decided.clear()
            self._decided[key] = _decide(table, client, rule)
        return self._decided[key]


class Configurations:
    """Keeps the newest snapshot for the whole process; safe to share between threads.

    Never to be asked in a transaction that changes the configuration: what is not committed yet would be kept.
    """

    def __init__(self) -> None:
        self._newest: Snapshot | None = None

    def current(self, tx: Connection) -> Snapshot:
        """The configuration as it is. Cost: one small statement when nothing changed, else `store.read_all`."""
        return self.at(tx, registers.version(tx, SHELF))

    def at(self, tx: Connection, version: int) -> Snapshot:
        """The configuration of a version that the transaction has read; a newer one when it changed since.

        Cost: none when it is kept, else `store.read_all`.
        """
        kept = self._newest
        if kept is not None and kept.version == version:
            return kept
        found = Snapshot(store.read_all(tx))
        if kept is None or kept.version < found.version:
            self._newest = found
        return found


def channel_table(client: Client) -> DecisionTable[Channel]:
    """A client's own pre-conditions, compiled. Raises: Invalid."""
    path = f"{client_name(client.code)}.pre_conditions"
    return DecisionTable(
        tuple(
            (compile_condition(row.condition, vocabulary.OPERATIONS, path=f"{path}[{at}].condition"), row.channel)
            for at, row in enumerate(client.settings.pre_conditions)
        )
    )


def account_table(determination: Determination) -> DecisionTable[_Outcome]:
    """A collection's decision table, compiled. Raises: Invalid."""
    path, shape = f"{determination_name(determination.collection_code)}.rows", vocabulary.SIDES
    compiled = []
    for at, row in enumerate(determination.rows):
        condition = compile_condition(row.condition, shape, path=f"{path}[{at}].condition")
        text = row.account_expression
        expression = compile_text(text, shape, path=f"{path}[{at}].account_expression") if text else None
        compiled.append((condition, (row, expression)))
    return DecisionTable(tuple(compiled))


def _default_channel(client: Client) -> Channel:
    """What holds without pre-conditions of one's own (ACC-10)."""
    return next(way.channel for way in WAYS if way.is_configured(client.settings))


def _decide(table: DecisionTable[Channel], client: Client, rule: RuleVersion) -> _Decided:
    """What is left of a table once all is evaluated that reads nothing but the client and the rule."""
    steady: Values = {"client": vocabulary.client_values(client), "rule": vocabulary.rule_values(rule)}
    left = []
    for condition, channel in table.rows:
        holds = _holds(condition, steady)
        if holds is None:
            left.append((condition, channel))
        elif holds:
            return DecisionTable(tuple(left)), channel
    return DecisionTable(tuple(left)), None


def _holds(condition: Expression[bool], steady: Values) -> bool | None:
    """Whether it holds whatever the operation; None when that is not known, or it cannot be evaluated at all."""
    if not condition.reads_only(vocabulary.STEADY):
        return None
    try:
        return condition.evaluate(steady)
    except ConditionFailed:
        return None  # it fails when its turn comes: a row before it may win


def _versions(rule_versions: Iterable[RuleVersion]) -> dict[str, list[RuleVersion]]:
    """By code, in the order of their numbers, which begin at 1 and leave none out."""
    found = defaultdict(list)
    for each in rule_versions:
        found[each.code].append(each)
        assert each.rule_version == len(found[each.code]), "versions are counted from 1"
    return dict(found)


def _in_order(rules: Iterable[RuleVersion]) -> tuple[RuleVersion, ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.settings.position, rule.code)))


def _by_code(entries: Iterable[Client] | Iterable[ClaimType] | Iterable[Collection]) -> Mapping[str, Any]:
    return MappingProxyType({entry.code: entry for entry in entries})
