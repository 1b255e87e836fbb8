"""The files of the domain's example, byte by byte: what leaves the system changes on purpose or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from domain.gl_extraction.extraction.model import Request
from domain.operations.model import Operation
from server.database.transaction import Database
from tests.gl_extraction import samples
from tests.gl_extraction.extraction import example
from tests.gl_extraction.extraction.desk import Desk

HERE = Path(__file__).parent
SCHEMAS = HERE.parent.parent / "docs" / "reference" / "schemas"


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    database.write(samples.open_books)
    return Desk(database, tmp_path / "files")


def contents(desk: Desk, done: Operation) -> dict[str, str]:
    """The run's files by what they are, ids and dates masked."""
    files = desk.files_of("EXAMPLE", done.operation_id)
    texts = {"manifest" if file.manifest else "messages": desk.content(file).decode() for file in files}
    return {kind: masked(text, done.operation_id) for kind, text in texts.items()}


def masked(text: str, operation_id: str) -> str:
    text = text.replace(operation_id, "0" * 26)
    text = re.sub(r'"messageDate":"[^"]{27}"', '"messageDate":"2026-05-28T20:26:40.000000Z"', text)
    return re.sub(r'"sha256":"[0-9a-f]{64}"', f'"sha256":"{"0" * 64}"', text)


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"gl-{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


@pytest.mark.rule("GLX-16", "GLX-17", "GLX-18")
def test_the_files_of_the_example_are_these(desk: Desk) -> None:
    """Messages and manifest, the same on both databases."""
    example.take_in(desk)
    done = desk.run(origin="F", data_file_set_code="EXAMPLE")
    written = contents(desk, done)
    for kind, text in written.items():
        assert text == (HERE / f"gl_example_{kind}.json").read_text(encoding="utf-8"), kind
    assert set(written) == {"messages", "manifest"}


@pytest.mark.rule("GLX-17", "GLX-18")
def test_what_is_written_is_what_the_published_schemas_say(desk: Desk) -> None:
    """Full and sparse elements, currencies without and with three digits, a resend: all validate."""
    example.take_in(desk)
    everything = {
        "gl_segments": tuple(f"s{n}" for n in range(30)),
        "attributes": tuple(f"a{n}" for n in range(30)),
        "bulking_group": "",
    }
    desk.take_in(
        [
            samples.row(50, debit=("JPY", 7, 0), **everything),
            samples.row(51, debit=("KWD", 0, 1_000_000), description="", category="", subject=""),
            samples.row(52, distribution_account="9", accounting_date=(2026, 4, 1)),
        ]
    )
    first = desk.run(origin="F", data_file_set_code="EXAMPLE")
    again = desk.run(Request(gl_extraction_batch_id="1", data_file_set_code="EXAMPLE"))
    for done in (first, again):
        *messages, manifest = desk.written(done)
        for document in messages:
            validator("messages").validate(document)
        validator("manifest").validate(manifest)


WRONG: list[dict[str, Any]] = [
    {"amountDebit": 150.25},
    {"amountDebit": "-1.00"},
    {"reversal": "N"},
    {"subject": ""},
    {"accountingDate": "2026-02-30"},
    {"glSegment31": "x"},
    {"currencyCode": "usd"},
]


@pytest.mark.rule("GLX-17")
@pytest.mark.parametrize("wrong", WRONG)
def test_the_schema_refuses_what_must_not_be_written(wrong: dict[str, Any]) -> None:
    """Numbers as amounts, empty fields, letters as indicators: the schema can tell."""
    document = json.loads((HERE / "gl_example_messages.json").read_text(encoding="utf-8"))
    validator("messages").validate(document)
    document["messages"][0]["accountingDetails"][0].update(wrong)
    with pytest.raises(ValidationError):
        validator("messages").validate(document)


@pytest.mark.rule("GLX-18")
def test_the_manifest_states_the_sums_of_the_messages() -> None:
    """By currency, by bulking group and by file, each adds up to what the elements hold."""
    document = json.loads((HERE / "gl_example_messages.json").read_text(encoding="utf-8"))
    manifest = json.loads((HERE / "gl_example_manifest.json").read_text(encoding="utf-8"))
    elements = [element for message in document["messages"] for element in message["accountingDetails"]]
    sums: dict[tuple[str, str, str], int] = {}
    for element in elements:
        for side in ("amountDebit", "amountCredit"):
            for group in ("", element["bulkingGroupGLFile"]):
                key = (element["currencyCode"], group, side)
                sums[key] = sums.get(key, 0) + cents(element[side])
    told = {
        (entry["currencyCode"], entry.get("bulkingGroupGLFile", ""), side): cents(entry[side])
        for entry in (*manifest["totals"], *manifest["bulkingGroups"])
        for side in ("amountDebit", "amountCredit")
    }
    assert told == sums
    assert manifest["totals"] == manifest["files"][0]["totals"]
    assert (
        manifest["elementCount"] == len(elements) == sum(group["elementCount"] for group in manifest["bulkingGroups"])
    )


def cents(amount: str) -> int:
    return int(amount.replace(".", ""))
