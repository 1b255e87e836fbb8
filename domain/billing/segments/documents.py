"""How a segment was calculated, as the document that its row keeps; what is empty is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.billing.rating.model import Kind
from domain.billing.rating.segments import Line
from domain.billing.rating.sheets import Lines, like
from domain.billing.segments.model import Charged, Source, Totals, Wait, Worked
from domain.kernel.amounts import scale_of
from domain.kernel.documents import Document, to_text
from domain.kernel.money import Money, Rounding
from domain.kernel.quantities import Quantity, attos_of, quantity_text, quantity_texts
from domain.kernel.templates import Filling, Template


def document_of(worked: Worked) -> Document:
    """The document: quantities and rates are text, money is minor units, of totals too."""
    found: Document = {
        "parts": worked.parts,
        "versions": worked.versions,
        "lines": [_line_document(line) for line in worked.lines],
        "totals": {measure: _total_text(measure, total) for measure, total in worked.totals.items()},
        "sources": [
            {
                "name": source.name,
                "unit": source.unit,
                "texts": source.texts,
                "estimated": source.estimated,
                "charged_on": source.charged_on,
            }
            for source in worked.sources
        ],
        "message": worked.message,
        "waits_on": worked.waits_on,
        "basis": worked.basis,
    }
    return {key: value for key, value in found.items() if value}


def line_texts(lines: Lines, rows: int) -> list[str]:
    """A line of each row of a sheet as `document_of` has it, in JSON; empty for rows without it."""
    line = like(lines, "XXX")  # the document has no currency
    columns: dict[str, Sequence[object]] = {"amount": lines.minor}
    if lines.base is not None:
        columns["base"] = lines.base
    if lines.attos is not None:
        columns["quantity"] = quoted(quantity_texts(lines.attos))
    document = {**_line_document(line), **{name: _hole(name) for name in columns}}
    template = Template(to_text(document), map(to_text, map(_hole, columns)))
    found = template.filled(rows, {to_text(_hole(name)): column for name, column in columns.items()})
    if lines.has is None:
        return found
    return [text if there else "" for text, there in zip(found, lines.has, strict=True)]


class Layout:
    """The document of segments that are alike, laid out once: `worked` is that of one of them, with its lines aside.

    `measures` are those of its totals, and of the sources `told` each row has texts of its own. `names` are texts that
    stand for names; what they stand for is said for each row.
    """

    def __init__(self, worked: Worked, measures: Collection[str], told: Collection[str], names: Iterable[str]) -> None:
        document = document_of(replace(worked, lines=(), totals={}))
        self._holes = ["lines"]
        document["lines"] = [_hole("lines")]
        if measures:
            document["totals"] = {measure: self._new_hole(measure) for measure in measures}
        for source in document.get("sources", ()):
            source["estimated"] = self._new_hole(f"estimated {source['name']}")
            if source["name"] in told:
                source["texts"] = [self._new_hole(f"texts {source['name']}")]
        self._template = Template(to_text(document), [*(to_text(_hole(each)) for each in self._holes), *names])

    def filled(self, rows: int, names: Mapping[str, Filling], values: Mapping[str, Filling]) -> list[str]:
        """The document of each row.

        `values` are JSON: `lines`; each measure of the totals; by the name of a source `estimated …` and `texts …`.
        """
        return self._template.filled(rows, {**names, **{to_text(_hole(each)): values[each] for each in self._holes}})

    def _new_hole(self, name: str) -> str:
        self._holes.append(name)
        return _hole(name)


def total_texts(measure: str, column: Sequence[int]) -> list[str]:
    """Totals in a measure as `document_of` has them, in JSON."""
    return quoted(map(str, column) if scale_of(measure) else quantity_texts(column))


def quoted(texts: Iterable[str]) -> list[str]:
    """Texts as JSON has them, which hold nothing that it would write otherwise."""
    return [f'"{text}"' for text in texts]


def _hole(name: str) -> str:
    """What stands in a document for something that is filled in."""
    return f"\uf8ff{name}"


def worked_of(document: Mapping[str, Any], currency: str) -> Worked:
    """What `document_of` wrote of a segment in this currency."""
    sources = {
        each["name"]: Source(
            each["name"],
            each["unit"],
            tuple(each["texts"]),
            each["estimated"],
            tuple(Charged(*one) for one in each["charged_on"]),
        )
        for each in document.get("sources", ())
    }
    return Worked(
        parts=tuple((start, end) for start, end in document.get("parts", ())),
        versions=tuple((day, number) for day, number in document.get("versions", ())),
        lines=tuple(_line(each, sources, currency) for each in document.get("lines", ())),
        totals=_totals(document.get("totals", {})),
        sources=tuple(sources.values()),
        message=document.get("message", ""),
        waits_on=tuple(Wait(*each) for each in document.get("waits_on", ())),
        basis=document.get("basis", ""),
    )


def _total_text(measure: str, total: int) -> str:
    return str(total) if scale_of(measure) else quantity_text(total)


def _totals(document: Mapping[str, str]) -> Totals:
    return {measure: int(text) if scale_of(measure) else _attos(text) for measure, text in document.items()}


def _line_document(line: Line) -> Document:
    found: Document = {
        "component": line.component,
        "kind": line.kind.value,
        "start": line.start,
        "end": line.end,
        "version": line.version,
        "rate": str(line.rate),
        "days": line.days,
        "full_days": line.full_days,
        "amount": line.amount.minor,
        "rounding": line.rounding.value,
        "distribution_code": line.distribution_code,
    }
    if line.step:
        found["step"] = line.step
    if line.bucket:
        found["bucket"] = line.bucket
    if line.quantity is not None:
        found |= {"usage": line.usage, "quantity": quantity_text(line.quantity.attos), "unit": line.quantity.unit}
    if line.base is not None:
        found["base"] = line.base.minor
    return found


def _line(document: Mapping[str, Any], sources: Mapping[str, Source], currency: str) -> Line:
    usage = document.get("usage", "")
    source = sources.get(usage)
    return Line(
        component=document["component"],
        kind=Kind(document["kind"]),
        start=document["start"],
        end=document["end"],
        version=document["version"],
        step=document.get("step", 0),
        bucket=document.get("bucket", ""),
        usage=usage,
        quantity=Quantity(_attos(document["quantity"]), document["unit"]) if usage else None,
        base=Money(document["base"], currency) if "base" in document else None,
        rate=Decimal(document["rate"]),
        days=document["days"],
        full_days=document["full_days"],
        amount=Money(document["amount"], currency),
        rounding=Rounding(document["rounding"]),
        distribution_code=document["distribution_code"],
        sources=source.texts if source else (),
        estimated=source is not None and source.estimated,
    )


def _attos(text: str) -> int:
    attos = attos_of(text)
    assert attos is not None, "it was written by us"
    return attos
