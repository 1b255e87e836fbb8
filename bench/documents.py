"""Documents rendered in one process, against the least that their libraries can do."""

import gc
from collections.abc import Callable, Iterator
from functools import partial

import orjson

from bench.figures import Table, interleave, spread, verdict
from bench.meter import Meter, Spent
from bench.options import Options
from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.documents import json_text, pdf, soundness, ubl
from domain.invoicing.documents.model import DocumentLine, DocumentTax, InvoiceDocument, PaymentDetails
from domain.invoicing.documents.printing.paper import Paper
from domain.invoicing.invoices.states import InvoiceKind, TaxCategory

HEAD = ("format", "product, µs CPU", "floor, µs CPU", "documents a second and core", "product, bytes", "aim")
LINES = 5


def documents(options: Options) -> Iterator[Table]:
    """Invoices of five lines and two rates with a payment code, each with its own number."""
    rows = []
    for name, aim, product, floor in (
        ("UBL", 200, _sound_ubl, _template()),
        ("PDF", 50, pdf.rendered, _empty_page),
        ("JSON", 2_000, json_text.rendered, _dictionary()),
    ):
        count = max(1, options.documents // (1 if name != "PDF" else 5))
        given = [_document(number) for number in range(count)]
        size = len(product(given[0]))
        floor(given[0])
        print(f"documents as {name}", flush=True)
        pairs = interleave(options.pairs, partial(_timed, product, given), partial(_timed, floor, given))
        rates = spread(1e6 / above.cpu_us for above, _ in pairs)
        rows.append(
            (
                name,
                str(spread(above.cpu_us for above, _ in pairs)),
                str(spread(below.cpu_us for _, below in pairs)),
                f"{rates.median:,.0f} ({rates.low:,.0f} to {rates.high:,.0f})",
                f"{size:,}",
                f"≥ {aim:,}: {verdict(met=rates.median >= aim, reached=rates.high >= aim)}",
            )
        )
    notes = (
        "UBL includes the check for soundness; its floor is a template that a number and a total are put into.",
        "The floor of PDF is a page with a word in each font; that of JSON is orjson on a finished dictionary.",
    )
    yield Table(f"Documents of {LINES} lines in one process", HEAD, rows, notes)


def _timed(rendered: Callable[[InvoiceDocument], bytes], given: list[InvoiceDocument]) -> Spent:
    gc.collect()
    taken = Meter((), own=True)
    for document in given:
        rendered(document)
    return taken.spent(len(given))


def _sound_ubl(document: InvoiceDocument) -> bytes:
    assert not soundness.breaches(document)
    return ubl.rendered(document)


def _template() -> Callable[[InvoiceDocument], bytes]:
    sample = _document(0)
    text = ubl.rendered(sample).decode().replace("{", "{{").replace("}", "}}").replace(sample.number, "{number}")

    def filled(document: InvoiceDocument) -> bytes:
        return text.format(number=document.number).encode()

    return filled


def _empty_page(document: InvoiceDocument) -> bytes:
    paper = Paper(title=document.number, author="", language="en", day=document.issue_day)
    paper.text(50, 50, "Invoice")
    paper.text(50, 70, "Invoice", bold=True)
    paper.next_page()
    return paper.finished()


def _dictionary() -> Callable[[InvoiceDocument], bytes]:
    finished = orjson.loads(json_text.rendered(_document(0)))

    def dumped(document: InvoiceDocument) -> bytes:
        finished["number"] = document.number
        return orjson.dumps(finished)

    return dumped


def _document(number: int) -> InvoiceDocument:
    lines = tuple(
        DocumentLine(
            number=place,
            description=f"Electricity of meter {number % 1000}-{place}",
            net_minor=1_200 * place,
            tax_category=TaxCategory.STANDARD,
            tax_ppm=190_000 if place % 2 else 70_000,
            quantity=str(40 * place),
            unit_code="KWH",
            price="0.30",
            start_day=20260301,
            end_day=20260401,
        )
        for place in range(1, LINES + 1)
    )
    taxes = (
        DocumentTax(TaxCategory.STANDARD, 70_000, 7_200, 504),
        DocumentTax(TaxCategory.STANDARD, 190_000, 10_800, 2_052),
    )
    return InvoiceDocument(
        kind=InvoiceKind.INVOICE,
        number=f"INV2026-{number:08d}",
        account_id=f"A-{number}",
        issue_day=20260401,
        due_day=20260415,
        currency="EUR",
        seller=_party("Stadtwerke Musterstadt GmbH"),
        buyer=_party(f"Customer {number}"),
        payment=PaymentDetails("DE89370400440532013000", "COBADEFFXXX", "Stadtwerke Musterstadt GmbH"),
        lines=lines,
        taxes=taxes,
        net_minor=18_000,
        tax_minor=2_556,
        start_day=20260301,
        end_day=20260331,
        note="Thank you for your business.",
    )


def _party(name: str) -> Party:
    address = Address(country="DE", street="Werkstraße 1", city="Musterstadt", postal_code="12345")
    return Party(name=name, address=address, vat_id="DE123456789", registration_id="HRB 4711")
