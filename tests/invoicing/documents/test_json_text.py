"""JSON of documents, held against its schema and the guide."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents import json_text, ubl
from domain.invoicing.documents.model import InvoiceDocument, PaymentDetails
from domain.invoicing.documents.soundness import breaches
from domain.invoicing.invoices.states import TaxCategory
from tests.house.tree import ROOT
from tests.invoicing.documents.samples import MIXED, credit_note, document, line

SCHEMA = json.loads((ROOT / "docs/reference/schemas/invoice-document.schema.json").read_text(encoding="utf-8"))
GUIDE = (ROOT / "docs/guide/invoice-documents.md").read_text(encoding="utf-8")
GOLDEN = ROOT / "tests/golden"
NOBODY = Party(name="", address=Address(country=""))
DOCUMENTS = {
    "usual": document(*MIXED),
    "credit note": credit_note(*MIXED),
    "yen": document(line(1, -1234), currency="JPY"),
    "dinars": document(line(1, 1234), currency="KWD"),
    "next to nothing": document(
        lines=(), taxes=(), net_minor=0, tax_minor=0, seller=NOBODY, buyer=NOBODY, payment=PaymentDetails(), note=""
    ),
    **{category.name: document(line(1, 1, tax_category=category, tax_ppm=0)) for category in TaxCategory},
}


def _validator() -> Draft202012Validator:
    return Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def _read(given: InvoiceDocument) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json_text.rendered(given))
    return read


@pytest.mark.rule("INV-15")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_any_document_fits_the_schema(name: str) -> None:
    """The schema is for those who read the files: every field is in it, none is of another shape."""
    Draft202012Validator.check_schema(SCHEMA)
    assert list(_validator().iter_errors(_read(DOCUMENTS[name]))) == []


@pytest.mark.parametrize(
    "wrong", [{"netAmount": 1.5}, {"netAmount": "1,50"}, {"kind": "BILL"}, {"issueDate": "20260401"}, {"extra": "x"}]
)
def test_the_schema_refuses_what_is_of_another_shape(wrong: dict[str, Any]) -> None:
    """A schema that takes everything would hold nothing."""
    assert list(_validator().iter_errors({**_read(document()), **wrong})) != []


@pytest.mark.rule("INV-15", "INV-16")
def test_amounts_are_decimal_text_with_the_digits_of_the_currency() -> None:
    """No reader turns them into numbers that are nearly right."""
    read = _read(document(*MIXED))
    assert [each["netAmount"] for each in read["lines"]] == ["120.00", "10.00", "20.00", "-3.45", "5.00"]
    assert [(each["netAmount"], each["taxAmount"]) for each in read["taxes"]] == [
        ("5.00", "0.00"),
        ("20.00", "1.40"),
        ("126.55", "24.04"),
    ]
    assert (read["netAmount"], read["taxAmount"], read["totalAmount"]) == ("151.55", "25.44", "176.99")
    assert _read(DOCUMENTS["yen"])["netAmount"] == "-1234"
    assert _read(DOCUMENTS["dinars"])["netAmount"] == "1.234"


@pytest.mark.rule("INV-15")
def test_keys_stand_in_the_order_of_the_schema() -> None:
    """And so the same document gives the same bytes."""
    given = document(*MIXED)
    assert json_text.rendered(given) == json_text.rendered(given)
    for read, place in (
        (_read(given), SCHEMA),
        (_read(given)["lines"][0], SCHEMA["$defs"]["line"]),
        (_read(given)["taxes"][0], SCHEMA["$defs"]["tax"]),
        (_read(given)["seller"], SCHEMA["$defs"]["party"]),
    ):
        assert list(read) == [key for key in place["properties"] if key in read]


@pytest.mark.rule("INV-15")
@pytest.mark.parametrize("name", ["invoice", "credit_note"])
def test_files_are_as_they_have_always_been(name: str) -> None:
    """What leaves the system changes on purpose only."""
    given = document(*MIXED) if name == "invoice" else credit_note(*MIXED)
    assert breaches(given) == ()
    assert ubl.rendered(given) == (GOLDEN / f"{name}_document.xml").read_bytes()
    assert json_text.rendered(given) == (GOLDEN / f"{name}_document.json").read_bytes()


def test_what_has_no_place_in_a_file_is_replaced() -> None:
    """Half a surrogate pair would make no UTF-8."""
    assert _read(replace(document(), note="a\ud800b"))["note"] == "a\ufffdb"


@pytest.mark.rule("INV-15")
def test_the_guide_shows_what_is_written() -> None:
    """Its examples are pieces of the golden files."""
    for kind, file in (("json", "invoice_document.json"), ("xml", "invoice_document.xml")):
        (shown,) = re.findall(rf"```{kind}\n(.*?)```", GUIDE, flags=re.DOTALL)
        written = _bare((GOLDEN / file).read_text(encoding="utf-8"))
        pieces = [_bare(piece) for piece in shown.split("…")]
        assert len(pieces) > 1
        assert [piece for piece in pieces if piece not in written] == []


def _bare(text: str) -> str:
    """Without the spaces that make it nice to read."""
    return re.sub(r"\s", "", text)
