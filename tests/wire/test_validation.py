"""The rules written in the protos."""

from __future__ import annotations

from contextlib import suppress

import pytest
from google.protobuf.message_factory import GetMessageClass

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from domain.kernel.errors import Invalid, Violation
from server.gate.validation import validate
from tests.support.methods import methods


@pytest.mark.rule("PLT-09")
def test_every_rule_of_every_request_can_be_checked() -> None:
    """A rule that cannot be compiled would show at the first call only."""
    for method in methods():
        with suppress(Invalid):
            validate(GetMessageClass(method.input_type)())


@pytest.mark.rule("PLT-09")
def test_violations_name_the_field_as_the_contract_does() -> None:
    """A path with its place in a list, the rule's id in capitals, a sentence."""
    wanted = details_pb2.AccountingDetailFilter(currency_code="usd")
    request = details_pb2.ListAccountingDetailsRequest(filter=wanted, page_size=-1)
    with pytest.raises(Invalid) as refused:
        validate(request)
    size, currency = refused.value.violations
    assert (size.field, size.reason) == ("page_size", "INT32_GTE_LTE")
    assert currency == Violation(
        "filter.currency_code", "STRING_PATTERN", "does not match regex pattern `^([A-Z]{3})?$`"
    )


@pytest.mark.rule("PLT-09")
def test_text_with_nul_is_refused_wherever_it_stands() -> None:
    """A filter that holds NUL is refused by its field: one database cannot look for it, and both are to agree."""
    wanted = details_pb2.AccountingDetailFilter(grouping="G\0")
    request = details_pb2.ListAccountingDetailsRequest(filter=wanted, page_size=-1)
    with pytest.raises(Invalid) as refused:
        validate(request, request.SerializeToString())
    size, nul = refused.value.violations
    assert size.field == "page_size"
    assert (nul.field, nul.reason) == ("filter.grouping", "CHARACTER_REFUSED")
    names = details_pb2.ReverseAccountingDetailsRequest(reason="a\0b", names=["accountingDetails/1"])
    with pytest.raises(Invalid, match="U\\+0000"):
        validate(names, names.SerializeToString())
    rows = [details_pb2.AccountingDetail(description="\0")]
    stream = details_pb2.IngestAccountingDetailsRequest(accounting_details=rows)
    validate(stream, stream.SerializeToString())  # one bad row is refused alone
