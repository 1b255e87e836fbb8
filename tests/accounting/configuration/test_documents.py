"""Configuration as it is kept: what one version of the program writes, an older one does not misread."""

from __future__ import annotations

from dataclasses import replace
from datetime import time as time_of_day

import pytest

from domain.accounting.channels.model import Channel
from domain.accounting.configuration import documents
from domain.accounting.configuration.model import (
    BatchSettings,
    ClientSettings,
    DayKind,
    Delay,
    DeterminationRow,
    FileFormat,
    PreCondition,
    ServiceLevel,
    ServiceSettings,
    Settlement,
)
from domain.kernel.calendars import Calendar
from domain.kernel.documents import WrittenByNewer, from_text, to_text
from domain.kernel.time import BusinessZone
from tests.accounting.configuration.test_snapshot import SAYS

CLIENT = ClientSettings(
    calendar=Calendar(BusinessZone("Asia/Tokyo"), (6, 7), "JP", "", (20261224,), (20261226,)),
    service=ServiceSettings("core-bank", 3, 1, 2, 3, 4),
    batch=BatchSettings(time_of_day(17, 30), FileFormat.JSON_LINES, "set"),
    pre_conditions=(PreCondition("true", Channel.BATCH),),
    service_levels={Channel.MANUAL: ServiceLevel(1, 2)},
    manual_restricted=True,
    approval_limits={"USD": 10**15},
)
RULE = replace(SAYS, delay=Delay(3, DayKind.BUSINESS, "filed"), settlement=Settlement("A", "B", "C"))
ROW = DeterminationRow("true", "", "claim.account", "D")


@pytest.mark.rule("ACC-01", "ACC-02", "ACC-10")
def test_what_is_kept_is_read_as_it_was() -> None:
    """With and without what is optional."""
    for client in (CLIENT, replace(CLIENT, service=None, batch=None)):
        assert documents.client_settings(from_text(to_text(documents.client_document(client)))) == client
    for rule in (RULE, SAYS):
        assert documents.rule_settings(from_text(to_text(documents.rule_document(rule)))) == rule
    assert documents.determination_rows(from_text(to_text(documents.rows_document((ROW,))))) == (ROW,)


@pytest.mark.rule("ACC-01", "ACC-10")
def test_what_a_newer_version_wrote_is_not_passed_over() -> None:
    """To leave out what is not known could mean to do something else than was configured."""
    client, rule = documents.client_document(CLIENT), documents.rule_document(RULE)
    rows = documents.rows_document((ROW,))
    for document in (client, client["service"], client["batch"], client["calendar"], client["pre_conditions"][0]):
        document["new"] = 1
        with pytest.raises(WrittenByNewer):
            documents.client_settings(client)
        del document["new"]
    for document in (rule, rule["delay"], rule["settlement"], rule["entry_amount"]):
        document["new"] = 1
        with pytest.raises(WrittenByNewer):
            documents.rule_settings(rule)
        del document["new"]
    rows["rows"][0]["new"] = 1
    with pytest.raises(WrittenByNewer):
        documents.determination_rows(rows)
