"""What the configuration decides for operations: which rules run, which account, which channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import time as time_of_day

import pytest

from domain.accounting.channels.model import Channel
from domain.accounting.configuration import snapshot as snapshots
from domain.accounting.configuration import vocabulary
from domain.accounting.configuration.errors import (
    AccountUndetermined,
    ChannelNotConfigured,
    PreConditionMatchesNothing,
)
from domain.accounting.configuration.model import (
    AmountSource,
    BatchSettings,
    Client,
    ClientSettings,
    Determination,
    DeterminationRow,
    EntryAmount,
    FileFormat,
    PreCondition,
    Processing,
    RuleSettings,
    RuleVersion,
    ServiceSettings,
)
from domain.accounting.configuration.snapshot import Snapshot
from domain.accounting.configuration.store import Contents
from domain.kernel.calendars import Calendar
from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import Expression
from domain.kernel.conditions.shapes import Values
from domain.kernel.money import Money
from domain.kernel.time import BusinessZone

SERVICE = ServiceSettings("core-bank", 0, 1, 1, 1, 1)
BATCH = BatchSettings(time_of_day(17), FileFormat.CSV, "")
SAYS = RuleSettings(
    description="",
    claim_types=frozenset({"CARD"}),
    workflow_point="CREDIT",
    position=1,
    debit_collection="SUSPENSE",
    credit_collection="ACCOUNT_HOLDER",
    entry_reason="DISPUTE",
    entry_amount=EntryAmount(AmountSource.CALLER),
    processing=Processing.EXECUTE,
    manual=False,
)


def rule(code: str, number: int = 1, valid_from_us: int = 0, **says: object) -> RuleVersion:
    return RuleVersion(code, number, replace(SAYS, **says), valid_from_us, 0, "ann")  # type: ignore[arg-type]


def client(*pre_conditions: PreCondition, **settings: object) -> Client:
    calendar = Calendar(BusinessZone("UTC"), ())
    chosen = ClientSettings(calendar, pre_conditions=pre_conditions, **settings)  # type: ignore[arg-type]
    return Client("ACME", "", chosen, 1, 0, 0)


def snapshot(*rules: RuleVersion, retired: tuple[str, ...] = (), tables: tuple[Determination, ...] = ()) -> Snapshot:
    return Snapshot(Contents(1, (), (), (), tables, rules, frozenset(retired)))


def table(collection: str, *rows: tuple[str, str, str]) -> Determination:
    """Rows of condition, account and expression; distribution codes are counted from D0."""
    made = (DeterminationRow(when, account, text, f"D{at}") for at, (when, account, text) in enumerate(rows))
    return Determination(collection, "", tuple(made), 1, 0, 0)


def values(minor: int = 100, currency: str = "USD", **claim: object) -> Values:
    roots: dict[str, object] = {
        "claim": {"account": "", **claim},
        "operation": vocabulary.operation_values(Money(minor, currency), vocabulary.DEBIT),
    }
    return roots  # type: ignore[return-value]


def codes(rules: tuple[RuleVersion, ...]) -> list[tuple[str, int]]:
    return [(each.code, each.rule_version) for each in rules]


@pytest.mark.rule("ACC-01", "ACC-05")
def test_rules_of_a_point_run_by_position_then_code() -> None:
    """Those that name the claim type and the point, and no other."""
    found = snapshot(
        rule("B"),
        rule("A"),
        rule("LAST", position=2),
        rule("FIRST", position=0),
        rule("LOAN", claim_types=frozenset({"LOAN"})),
        rule("FEE", workflow_point="FEE"),
        rule("GONE"),
        retired=("GONE",),
    )
    assert codes(found.rules_at("CARD", "CREDIT", 0)) == [("FIRST", 1), ("A", 1), ("B", 1), ("LAST", 1)]
    assert codes(found.rules_at("CARD", "NONE", 0)) == []


@pytest.mark.rule("ACC-01")
def test_of_a_rule_the_newest_version_runs_that_is_valid_by_now() -> None:
    """A later version may name another point: from then on the rule is no part of the first."""
    found = snapshot(
        rule("R", 1, 10), rule("R", 2, 20, entry_reason="OTHER"), rule("R", 3, 30, workflow_point="ELSEWHERE")
    )
    assert [codes(found.rules_at("CARD", "CREDIT", at)) for at in (9, 10, 19, 20, 29, 30)] == [
        [],
        [("R", 1)],
        [("R", 1)],
        [("R", 2)],
        [("R", 2)],
        [],
    ]
    assert codes(found.rules_at("CARD", "ELSEWHERE", 30)) == [("R", 3)]
    assert found.newest_at("R", 9) is None
    assert found.rule_version("R", 2) is not None
    assert [found.rule_version("R", number) for number in (0, 4)] == [None, None]
    assert found.rule_version("NONE", 1) is None
    brought = snapshot(rule("R", 1, 10), retired=("R",))
    assert brought.newest_at("R", 10) is None
    assert brought.rule_version("R", 1) is not None, "operations keep the version that they ran with"


@pytest.mark.rule("ACC-01", "ACC-53")
def test_people_may_use_the_rules_that_say_so() -> None:
    """By hand only what is meant for it, of the claim's type."""
    found = snapshot(
        rule("B", manual=True),
        rule("A", manual=True, workflow_point="FEE"),
        rule("NOT"),
        rule("LOAN", manual=True, claim_types=frozenset({"LOAN"})),
    )
    assert codes(found.manual_rules_at("CARD", 0)) == [("A", 1), ("B", 1)]


@pytest.mark.rule("ACC-02")
def test_the_first_row_that_holds_gives_the_account() -> None:
    """A literal or what its expression gives; the rows behind it are not looked at."""
    rows = (
        ("operation.currency == 'EUR'", "1991", ""),
        ("operation.side == 'DEBIT' && operation.amount_minor > 100", "", "'X-' + claim.account"),
        ("true", "1990", ""),
        ("claim.attributes['none'] == 'x'", "1", ""),
    )
    found = snapshot(tables=(table("SUSPENSE", *rows),))
    assert found.account_of("SUSPENSE", values(currency="EUR")) == ("1991", "D0")
    assert found.account_of("SUSPENSE", values(101, account="7")) == ("X-7", "D1")
    assert found.account_of("SUSPENSE", values(100)) == ("1990", "D2")


@pytest.mark.rule("ACC-02")
def test_an_account_that_nothing_decides_is_refused_with_its_collection() -> None:
    """No table, no row that holds, an expression that gives nothing."""
    tables = (table("FEES", ("false", "1", "")), table("LOSS", ("true", "", "claim.account")))
    found = snapshot(tables=tables)
    for collection in ("MERCHANT", "FEES", "LOSS"):
        with pytest.raises(AccountUndetermined) as refused:
            found.account_of(collection, values())
        assert refused.value.details == {"collection": collection}
        assert f"accountDeterminationTables/{collection}" in refused.value.message


@pytest.mark.rule("ACC-10")
def test_without_pre_conditions_the_default_table_decides() -> None:
    """A system of record before batch files, batch files before people."""
    found = snapshot()
    assert found.channel_of(client(service=SERVICE, batch=BATCH), rule("R"), values()) is Channel.SERVICE
    assert found.channel_of(client(batch=BATCH), None, values()) is Channel.BATCH
    assert found.channel_of(client(), rule("R"), values()) is Channel.MANUAL


@pytest.mark.rule("ACC-10")
def test_the_first_pre_condition_that_holds_decides() -> None:
    """Rows that read the client and the rule alone are as good as those that read the operation."""
    rows = (
        PreCondition("operation.amount_minor > 100", Channel.MANUAL),
        PreCondition("rule.code == 'FILE' && client.batch_enabled", Channel.BATCH),
        PreCondition("rule.version > 1", Channel.SERVICE),
        PreCondition("operation.currency == 'USD'", Channel.MANUAL),
    )
    found, chosen = snapshot(), client(*rows, service=SERVICE, batch=BATCH)

    def channel(minor: int, code: str, number: int = 1, currency: str = "USD") -> Channel:
        return found.channel_of(chosen, rule(code, number), values(minor, currency))

    for _ in range(2):
        assert channel(101, "FILE") is Channel.MANUAL
        assert channel(100, "FILE") is Channel.BATCH
        assert channel(100, "R", 2) is Channel.SERVICE
        assert channel(100, "R") is Channel.MANUAL
        with pytest.raises(PreConditionMatchesNothing):
            channel(100, "R", currency="EUR")
    ruleless = {
        **values(100),
        "client": vocabulary.client_values(chosen),
        "rule": vocabulary.ruleless_values(debit_collection="A", credit_collection="B", entry_reason="E"),
    }
    assert found.channel_of(chosen, None, ruleless) is Channel.MANUAL


@pytest.mark.rule("ACC-10")
def test_what_client_and_rule_decide_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same client and rule are asked again a thousand times a second."""
    evaluated = []
    evaluate = Expression.evaluate

    def counted(self: Expression[bool], of: Values) -> bool:
        evaluated.append(self.text)
        return evaluate(self, of)

    monkeypatch.setattr(Expression, "evaluate", counted)
    found, chosen = snapshot(), client(PreCondition("rule.code == 'R'", Channel.MANUAL))
    for _ in range(3):
        assert found.channel_of(chosen, rule("R"), values()) is Channel.MANUAL
    assert len(evaluated) == 1
    monkeypatch.setattr(snapshots, "_REMEMBERED_MAX", 1)
    with pytest.raises(PreConditionMatchesNothing):
        found.channel_of(chosen, rule("S"), values())
    assert found.channel_of(chosen, rule("R"), values()) is Channel.MANUAL
    assert len(evaluated) == 3, "what is remembered is bounded"


@pytest.mark.rule("ACC-10")
def test_a_row_that_cannot_be_evaluated_fails_only_when_its_turn_comes() -> None:
    """A row before it may win."""
    rows = (
        PreCondition("operation.amount_minor > 100", Channel.MANUAL),
        PreCondition("1 / (rule.version - rule.version) == 1", Channel.MANUAL),
    )
    found, chosen = snapshot(), client(*rows)
    steady = {"rule": vocabulary.rule_values(rule("R"))}
    assert found.channel_of(chosen, rule("R"), {**values(101), **steady}) is Channel.MANUAL
    with pytest.raises(ConditionFailed):
        found.channel_of(chosen, rule("R"), {**values(100), **steady})


@pytest.mark.rule("ACC-10")
def test_a_channel_that_the_client_does_not_have_is_refused() -> None:
    """It is named: nothing goes by another way than was decided."""
    chosen = client(PreCondition("true", Channel.SERVICE))
    with pytest.raises(ChannelNotConfigured) as refused:
        snapshot().channel_of(chosen, rule("R"), values())
    assert refused.value.details == {"client": "ACME", "channel": "SERVICE"}
