"""Expand, migrate, contract: the release before runs on the schema of this one, while both do (PLT-40)."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

from domain.gl_extraction.extraction.model import (
    Limits,
    Order,
    Request,
    Selection,
    order_from_document,
    order_to_document,
    request_from_document,
    request_to_document,
)
from domain.kernel.documents import WrittenByNewer
from server.database.engine import WRITES, open_engine
from server.database.migrate import FOLDER, migrate

FIRST = "0001"
"""The revision of the release before."""

Column = tuple[str, bool]


def _brought_to(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    engine = open_engine(url, create=True)
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def _described(url: str) -> dict[str, Any]:
    """Every table: its columns with type and whether one may leave them out, its key, what it refuses."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = {name: _table(connection, name) for name in inspect(connection).get_table_names()}
    engine.dispose()
    return found


def _table(connection: Connection, name: str) -> dict[str, Any]:
    look = inspect(connection)
    columns = look.get_columns(name)
    return {
        "types": {column["name"]: str(column["type"]) for column in columns},
        "optional": {column["name"] for column in columns if column["nullable"] or column["default"] is not None},
        "key": tuple(look.get_pk_constraint(name)["constrained_columns"]),
        "unique": {tuple(index["column_names"]) for index in look.get_indexes(name) if index["unique"]},
        "checks": {check["name"] for check in look.get_check_constraints(name)},
    }


@pytest.mark.rule("PLT-40")
def test_what_the_release_before_reads_and_writes_is_there_and_enough(database_url: str) -> None:
    """Every table and column of it is there as it was; what is new may be left out; nothing more is refused."""
    _brought_to(database_url, FIRST)
    before = _described(database_url)
    migrate(database_url)
    after = _described(database_url)
    assert before.keys() <= after.keys()
    for name, old in before.items():
        new = after[name]
        assert old["types"].items() <= new["types"].items(), name
        assert old["optional"] <= new["optional"], name
        assert new["types"].keys() - old["types"].keys() <= new["optional"], name
        assert new["key"] == old["key"], name
        assert new["unique"] <= old["unique"], name
        assert new["checks"] <= old["checks"], name


@pytest.mark.rule("PLT-40", "PLT-23")
def test_documents_that_use_nothing_new_are_those_of_the_release_before() -> None:
    """So its servers and workers read them; what does use something new, they refuse rather than to pass over it."""
    of_the_request = {
        *("description", "created_date_from", "created_time_from", "created_date_to", "created_time_to", "origin"),
        *("incremental", "grouping", "group_account_code", "gl_extraction_batch_id", "data_file_set_code"),
    }
    of_the_selection = {
        *(
            "created_from_us",
            "created_until_us",
            "origin",
            "grouping",
            "group_account_code",
            "incremental",
            "resend_of",
        ),
    }
    request = request_to_document(Request())
    order = order_to_document(Order(1, "", Selection(), Limits()))
    assert request.keys() == of_the_request
    assert order.keys() == {"batch_no", "data_file_set_code", "selection", "limits"}
    assert order["selection"].keys() == of_the_selection
    assert order["limits"].keys() == {"elements_per_message", "messages_per_file", "bytes_per_file"}
    with pytest.raises(WrittenByNewer):
        request_from_document({**request, "only_new": 1})
    with pytest.raises(WrittenByNewer):
        order_from_document({**order, "selection": {**order["selection"], "only_new": 1}})
