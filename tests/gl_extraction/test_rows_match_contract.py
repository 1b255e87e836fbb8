"""Rows of bulk messages are refused by the same rules that the contract writes at their fields.

The contract takes the rows of a bulk message out of its validation, so that one bad row is refused alone. This test
reads the rules from the descriptor, makes values on both sides of each, and compares the verdicts of protovalidate
and of the row rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import protovalidate
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money
from hypothesis import given, settings
from hypothesis import strategies as st

from buf.validate import validate_pb2
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from domain.gl_extraction.details.rules import LISTS, TEXTS, Books, violations
from domain.gl_extraction.periods.model import Period
from domain.gl_extraction.periods.states import PeriodState
from server.mapping.gl_extraction.details import new_details_from_proto
from tests.gl_extraction.samples import NOW_US

RULED = [
    field for field in pb.AccountingDetail.DESCRIPTOR.fields if field.GetOptions().HasExtension(validate_pb2.field)
]
SOUND = pb.AccountingDetail(
    source="erp",
    external_id="line-1",
    origin=pb.ORIGIN_FINANCIAL,
    ledger_code="MAIN",
    accounting_date=Date(year=2026, month=5, day=15),
    debit=Money(currency_code="USD", units=100),
)
VALIDATOR = protovalidate.Validator()


def rules_of(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[validate_pb2.field]


def with_value(field: FieldDescriptor, value: Any) -> pb.AccountingDetail:
    """The sound row with one field changed; None clears it."""
    row = pb.AccountingDetail()
    row.CopyFrom(SOUND)
    row.ClearField(field.name)  # type: ignore[arg-type]
    if value is None:
        return row
    if field.is_repeated:
        getattr(row, field.name).extend(value)
    elif field.message_type:
        getattr(row, field.name).CopyFrom(value)
    else:
        setattr(row, field.name, value)
    return row


def texts_around(rules: Any) -> Iterator[str]:
    """Texts on both sides of every bound that a rule on text states."""
    for length in {0, rules.min_len - 1, rules.min_len, rules.max_len, rules.max_len + 1}:
        yield "x" * max(length, 0)
        yield "é" * max(length, 0)
    if rules.pattern:
        yield from ("a", "A-1._", "x" * 64, "x" * 65, "", "a b", "a/b", "é", "a\n", "\n", " ", "a\tb")


def values_around(field: FieldDescriptor) -> Iterator[Any]:
    """Values on both sides of every rule at a field."""
    rules = rules_of(field)
    yield None
    if field.is_repeated:
        most = rules.repeated.max_items
        yield from (["x"] * count for count in (1, most - 1, most, most + 1))
        yield from ([text, "y"] for text in texts_around(rules.repeated.items.string))
        yield [""] * (most + 1)
    elif field.enum_type:
        yield from range(-1, len(field.enum_type.values) + 2)
    elif field.message_type:
        yield Date(year=2026, month=5, day=1)
    else:
        yield from texts_around(rules.string)


def verdicts(row: pb.AccountingDetail) -> tuple[set[str], set[str]]:
    """The fields that protovalidate refuses, and those that the row rules refuse with books that know every code."""
    known = Period("", row.accounting_period_code or "P", 101, 99991231, PeriodState.OPEN, 1, NOW_US, NOW_US)
    books = Books(frozenset({row.ledger_code}), frozenset({row.group_account_code}), {row.ledger_code: (known,)})
    (new,) = new_details_from_proto([row])
    found_paths = [found.proto.field for found in VALIDATOR.collect_violations(row)]
    contract = {path.elements[0].field_name for path in found_paths if path is not None}
    return contract, {found.field.partition("[")[0] for found in violations(new, books)}


@pytest.mark.rule("PLT-09", "GLX-02")
@pytest.mark.parametrize("field", RULED, ids=lambda field: field.name)
def test_rows_and_contract_refuse_the_same(field: FieldDescriptor) -> None:
    """Around every bound that the contract states, the row rules say what protovalidate says."""
    seen = set()
    for value in values_around(field):
        contract, rows = verdicts(with_value(field, value))
        assert contract == rows, (field.name, value)
        seen.add(bool(contract))
    assert seen == {False, True}, "the values lie on both sides of the rule"


@pytest.mark.rule("PLT-09")
def test_every_rule_of_the_rows_is_one_of_the_contract() -> None:
    """The row rules bound no text and no list that the contract leaves free."""
    texts = {field.name for field in RULED if not field.is_repeated and field.type == field.TYPE_STRING}
    assert texts == {rule.field for rule in TEXTS}
    assert {field.name for field in RULED if field.is_repeated} == {rule.field for rule in LISTS}
    for field in RULED:
        rules = rules_of(field)
        for text in (rule for rule in TEXTS if rule.field == field.name and not rule.code):
            assert (text.length_min, text.length_max) == (rules.string.min_len, rules.string.max_len)
        for items in (rule for rule in LISTS if rule.field == field.name):
            bounds = (rules.repeated.max_items, rules.repeated.items.string.max_len)
            assert (items.items_max, items.length_max) == bounds


@pytest.mark.rule("PLT-09", "GLX-02")
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_rows_and_contract_refuse_the_same_mixtures(data: st.DataObject) -> None:
    """Rows with several fields on either side of their bounds are refused for the same fields by both."""
    row = pb.AccountingDetail()
    row.CopyFrom(SOUND)
    for field in data.draw(st.lists(st.sampled_from(RULED), max_size=4)):
        changed = with_value(field, data.draw(st.sampled_from(list(values_around(field)))))
        row.ClearField(field.name)  # type: ignore[arg-type]
        only = pb.AccountingDetail()
        only.CopyFrom(changed)
        for other in pb.AccountingDetail.DESCRIPTOR.fields:
            if other.name != field.name:
                only.ClearField(other.name)  # type: ignore[arg-type]
        row.MergeFrom(only)
    contract, rows = verdicts(row)
    assert contract == rows


@pytest.mark.rule("GLX-02")
def test_what_only_the_server_sets_is_ignored() -> None:
    """Output-only fields in a row that is handed in change nothing."""
    row = pb.AccountingDetail()
    row.CopyFrom(SOUND)
    row.name = "accountingDetails/0000000000001"
    row.maker = pb.MAKER_BILLING
    row.create_time.seconds = 1
    row.invoiced = row.void = True
    row.void_time.seconds = 1
    row.extraction_batch, row.operation = "extractionBatches/1", "operations/x"
    row.extraction_time.seconds = 1
    row.reverses = row.reversed_by = "accountingDetails/0000000000002"
    assert new_details_from_proto([row])[0]._replace(name="") == new_details_from_proto([SOUND])[0]
