"""`countinghouse billing rate`: what a rate charges, version by version."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli.billing.words import stacked
from countinghouse.cli.names import full
from countinghouse.cli.output import (
    Column,
    Format,
    Output,
    jsonable,
    moment,
    show_fields,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.type.date_pb2 import Date

    from countinghouse.billing.v1.rates_pb2 import Rate, RateComponent, RateVersion

_COLUMNS = (
    Column("COMPONENT", str),
    Column("CHARGES", str),
    Column("PRICE", str, right=True),
    Column("FEEDS", str),
    Column("WHEN", str, prose=True),
)


def rate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RATE", help="The rate's code or full name.")],
    output: Output = Format.TABLE,
) -> None:
    """Show what a rate charges: its versions, the newest first, with their components in the order of calculation."""
    from countinghouse.billing.v1 import rates_pb2 as pb

    rate_name = full("rates", name)
    with session(context) as client:
        found = client.billing.get_rate(pb.GetRateRequest(name=rate_name))
        versions = list(client.billing.list_rate_versions(pb.ListRateVersionsRequest(parent=rate_name)))
    if output is not Format.TABLE:
        show_value({**jsonable(found), "versions": [jsonable(version) for version in versions]}, output)
        return
    _show_rate(found)
    for version in versions:
        print()
        _show_version(version, versions, found.currency_code)


def _show_rate(found: "Rate") -> None:
    show_fields([("rate", found.code), ("", found.description), ("currency", found.currency_code)])


def _show_version(version: "RateVersion", versions: "Sequence[RateVersion]", currency: str) -> None:
    show_fields(
        [
            ("version", str(version.version)),
            ("holds", _holds(version, versions)),
            ("made", f"{moment(version.create_time)} by {version.creator}"),
        ]
    )
    print()
    show_table(_COLUMNS, [_row(component, currency) for component in version.components])


def _holds(version: "RateVersion", versions: "Sequence[RateVersion]") -> str:
    """From when until when a version holds, of all versions, the newest first."""
    start = _day(version.effective_date)
    newest = next(each.version for each in versions if _day(each.effective_date) == start)
    if newest != version.version:
        return f"no more: version {newest} has its day, {start}"
    after = [day for each in versions if (day := _day(each.effective_date)) > start]
    return f"from {start} to {min(after) - timedelta(days=1)}" if after else f"from {start} on"


def _day(value: "Date") -> date:
    return date(value.year, value.month, value.day)


def _row(component: "RateComponent", currency: str) -> list[str]:
    from countinghouse.billing.v1.rates_pb2 import RoundingMode

    kind = component.WhichOneof("charge") or ""
    charge = getattr(component, kind)
    return [
        stacked(component.code, kind.replace("_", " "), component.description),
        _charged(kind, charge),
        stacked(*_prices(kind, charge, currency)),
        stacked(component.distribution_code, word(RoundingMode, component.rounding)),
        component.condition,
    ]


def _charged(kind: str, charge: Any) -> str:  # noqa: ANN401 - the message of the kind
    """What is charged: usage, other components, or the period."""
    if kind in {"stepped", "time_of_use", "demand"}:
        return stacked(charge.usage, f"in {charge.unit}")
    return "the period" if kind == "fixed" else stacked(*charge.component_codes)


def _prices(kind: str, charge: Any, currency: str) -> Iterator[str]:  # noqa: ANN401 - as above
    """Prices as they were configured, a line each."""
    match kind:
        case "stepped":
            for step in charge.steps:
                limit = f" up to {step.limit.value}" if step.HasField("limit") else ""
                yield f"{step.price.value} {currency}{limit}"
        case "time_of_use":
            for each in charge.prices:
                yield f"{each.bucket} {each.price.value} {currency}"
        case "minimum":
            yield f"{charge.amount.value} {currency}"
        case "demand":
            yield f"{charge.bucket} {charge.price.value} {currency}".lstrip()
        case "fixed":
            yield f"{charge.price.value} {currency}"
        case _:
            yield f"{charge.percent.value} %"
