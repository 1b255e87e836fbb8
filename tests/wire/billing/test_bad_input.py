"""What cannot be is refused by the field that holds it and the rule that it breaks, whatever is handed in."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.billing.v1 import bills_pb2
from countinghouse.billing.v1 import usage_pb2 as pb
from tests.support.server import refusal
from tests.wire.billing.office import Office
from tests.wire.billing.registry import Registry, day
from tests.wire.billing.tariffs import Tariffs, component, number
from tests.wire.billing.till import Till

LONG, TRICK = "x" * 5_000, "a\u200bb"

ACCOUNTS: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("B", {"currency_code": "XXX"}, "account.currency_code", "CURRENCY_UNKNOWN"),
    ("B", {"currency_code": "eur"}, "account.currency_code", "STRING_PATTERN"),
    ("B", {"time_zone": "Mars/Phobos"}, "account.time_zone", "TIME_ZONE_UNKNOWN"),
    ("B", {"time_zone": LONG}, "account.time_zone", "STRING_MAX_LEN"),
    ("B", {"customer_class_code": "NONE"}, "account.customer_class_code", "CUSTOMER_CLASS_UNKNOWN"),
    ("B", {"bill_cycle_code": "NONE"}, "account.bill_cycle_code", "BILL_CYCLE_UNKNOWN"),
    ("B", {"description": LONG}, "account.description", "STRING_MAX_LEN"),
    ("B", {"description": "a\0b"}, "account.description", "CHARACTER_REFUSED"),
    ("B", {"attributes": {"k": LONG}}, 'account.attributes["k"]', "STRING_MAX_LEN"),
    ("B", {"attributes": {TRICK: "v"}}, f'account.attributes["{TRICK}"]', "STRING_PATTERN"),
    ("B", {"attributes": {f"k{at}": "v" for at in range(99)}}, "account.attributes", "MAP_MAX_PAIRS"),
    ("../B", {}, "account_id", "STRING_PATTERN"),
    (TRICK, {}, "account_id", "STRING_PATTERN"),
    ("-", {}, "account_id", "ID_RESERVED"),
)
AGREEMENTS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"type_code": "NONE"}, "service_agreement.type_code", "SERVICE_AGREEMENT_TYPE_UNKNOWN"),
    ({"premise": "premises/NONE"}, "service_agreement.premise", "PREMISE_UNKNOWN"),
    ({"premise": "accounts/A-1"}, "service_agreement.premise", "STRING_PATTERN"),
    ({"rate_code": "DOLLARS"}, "service_agreement.rate_code", "RATE_OF_ANOTHER_CURRENCY"),
    ({"start_date": day(2026, 2, 30)}, "service_agreement.start_date", "DATE_INVALID"),
    ({"start_date": day(1, 1, 1)}, "service_agreement.start_date", "DATE_OUT_OF_RANGE"),
    ({"start_date": day(9999, 12, 31)}, "service_agreement.start_date", "DATE_OUT_OF_RANGE"),
    ({"end_date": day(9000, 1, 1)}, "service_agreement.end_date", "DATE_OUT_OF_RANGE"),
    ({"end_date": day(2025, 12, 31)}, "service_agreement.end_date", "END_BEFORE_START"),
)
BILLS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"through_date": day(2026, 2, 30)}, "through_date", "DATE_INVALID"),
    ({"through_date": day(2027, 11, 20)}, "through_date", "THROUGH_DATE_TOO_LATE"),
    ({"bill_date": day(9999, 12, 31)}, "bill_date", "DATE_OUT_OF_RANGE"),
    ({"accounting_date": day(1, 1, 1)}, "accounting_date", "DATE_OUT_OF_RANGE"),
    ({"request_id": LONG}, "request_id", "STRING_PATTERN"),
    ({"account": "accounts/"}, "account", "STRING_PATTERN"),
)
WINDOWS: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("W", {"through_date": day(9999, 1, 1)}, "through_date", "DATE_OUT_OF_RANGE"),
    ("W", {"through_date": day(2027, 11, 4)}, "through_date", "THROUGH_DATE_TOO_LATE"),
    ("W", {"bill_date": day(10_000, 1, 1)}, "bill_date", "DATE_INVALID"),
    ("W", {"end_date": day(2026, 10, 1)}, "end_date", "WINDOW_ENDS_BEFORE_START"),
    ("-", {}, "code", "ID_RESERVED"),
)
PRICES = (
    ("NaN", "RATE_NUMBER_MALFORMED"),
    ("1e99999", "RATE_NUMBER_MALFORMED"),
    ("1e16", "RATE_NUMBER_TOO_LARGE"),
    ("1e-19", "RATE_NUMBER_TOO_FINE"),
    ("\u0661\u0662", "RATE_NUMBER_MALFORMED"),  # twelve, in digits of another script
    ("1_000", "RATE_NUMBER_MALFORMED"),
)
ROWS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"local_start_time": "2026-13-01", "quantity": {"value": "1"}}, "start_time", "TIME_MALFORMED"),
    ({"local_start_time": "\uff12026-01-01", "quantity": {"value": "1"}}, "start_time", "TIME_MALFORMED"),
    ({"local_start_time": LONG, "quantity": {"value": "1"}}, "start_time", "TIME_MALFORMED"),
    ({"start_time": "0001-01-01T00:00:00Z", "quantity": {"value": "1"}}, "start_time", "INSTANT_OUT_OF_RANGE"),
    ({"local_start_time": "2026-01-01", "quantity": {"value": "1e16"}}, "quantity", "QUANTITY_TOO_LARGE"),
    ({"local_start_time": "2026-01-01", "quantity": {"value": "1" * 200}}, "quantity", "QUANTITY_MALFORMED"),
    ({"local_start_time": "2026-01-01"}, "quantity", "QUANTITY_MALFORMED"),
)


def found(call: Any) -> list[tuple[str, str]]:
    """Field and reason of each violation of what must be refused as an invalid argument."""
    refused = refusal(call)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT, refused
    return refused.violations


@pytest.mark.rule("PLT-07", "PLT-09")
def test_accounts_and_agreements(office: Office) -> None:
    """Unknown codes, dates that there are not or that would be billed for centuries, overlong and tricky texts."""
    for own_id, given, field, reason in ACCOUNTS:
        assert found(lambda own=own_id, given=given: office.account(own, **given)) == [(field, reason)]
    office.account()
    for given, field, reason in AGREEMENTS:
        assert found(lambda given=given: office.agreement(**given)) == [(field, reason)]


@pytest.mark.rule("PLT-07", "PLT-09", "BIL-30")
def test_bills_and_windows(office: Office, registry: Registry) -> None:
    """Days beyond all that is billed, and ids that stand for any."""
    office.account()
    office.agreement()
    till = Till(office.billing)
    for given, field, reason in BILLS:
        request = ParseDict({"account": "accounts/A-1", **given}, bills_pb2.GenerateBillRequest())
        assert found(lambda request=request: till.billing.GenerateBill(request)) == [(field, reason)]
    november = {"start_date": day(2026, 11, 1), "end_date": day(2026, 11, 2), "through_date": day(2026, 11, 1)}
    for code, given, field, reason in WINDOWS:
        asked = {"parent": "billCycles/NORTH"}
        violations = found(
            lambda code=code, given=given, asked=asked: registry.create(
                "BillCycleWindow", code, request=asked, **{**november, **given}
            )
        )
        assert (f"bill_cycle_window.{field}", reason) in violations


@pytest.mark.rule("PLT-01", "PLT-07", "BIL-20", "BIL-24")
def test_numbers_and_rows(office: Office, tariffs: Tariffs) -> None:
    """What is no number, is too large, too fine, or written in another script."""
    for text, reason in PRICES:
        field = "rate.newest_version.components[0].fixed.price"
        assert found(lambda text=text: tariffs.rate("R", component("fixed", price=number(text)))) == [(field, reason)]
    office.account()
    profile = office.profile().name
    rows = [row for row, _, _ in ROWS]
    first = {"usage_import": {"time_zone": "UTC"}, "usage": [{"profile": profile, "interval_data": rows}]}
    answer = office.billing.IngestUsage(iter([ParseDict(first, pb.IngestUsageRequest())]))
    assert answer.received_count == answer.refused_count == len(rows)
    told = [[(each.field, each.reason) for each in row.violations] for row in answer.refused_rows]
    assert told == [[(field, reason)] for _, field, reason in ROWS]
