"""The screen of `countinghouse top`: a part below the other, each with as many rows as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from countinghouse.cli.invoicing.standing import age, waits_for
from countinghouse.cli.invoicing.standing import state as batch_state
from countinghouse.cli.names import last
from countinghouse.cli.output import word

if TYPE_CHECKING:
    from rich.console import RenderableType

    from countinghouse.cli.top.gathering import Part, Seen
    from countinghouse.client import Snapshot
    from countinghouse.operations.v1.operations_pb2 import StageProgress

PARTS = {"o": "operations", "b": "invoice batches", "w": "work queues", "d": "outside"}
"""By key, the parts of the screen."""

_BAR = 12
_FRAME = 3  # lines of a part beside its rows: title, heading, a blank
_EDGE = 3  # lines above and below all parts
_ROWS_MIN = 3
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400

Row = tuple[Sequence[str | Text], str]


def picture(seen: Seen, target: str, chosen: str, *, height: int, note: str = "") -> RenderableType:
    """All parts, or the one that is chosen; in a window of so many lines, 0 for one without an end."""
    drawn = {
        "o": _operations(seen),
        "b": _batches(seen),
        "w": _queues(seen),
        "d": _outside(seen),
    }
    shown = {key: part for key, part in drawn.items() if key == chosen or not chosen}
    room = _room({key: len(rows) for key, (_, _, rows) in shown.items()}, height)
    head = Text.assemble(("countinghouse ", "bold"), target, f"  {seen.at:%H:%M:%S} UTC", ("  " + note, "bold red"))
    keys = Text("o operations  b batches  w work queues  d outside  a all  space hold  q end", style="dim")
    parts: list[RenderableType] = [head, Text()]
    for key, (title, headings, rows) in shown.items():
        parts += [_part(title, headings, rows, room[key]), Text()]
    return Group(*parts, keys) if height else Group(*parts[:-1])


def _room(rows: dict[str, int], height: int) -> dict[str, int]:
    """How many rows each part is given: what it needs, as long as there is room; the largest give way first."""
    given = dict(rows)
    free = height - _EDGE - _FRAME * len(rows)
    while height and sum(given.values()) > max(free, 0):
        largest = max(given, key=lambda key: given[key])
        if given[largest] <= _ROWS_MIN:
            break
        given[largest] -= 1
    return given


def _part(title: Text, headings: Sequence[str], rows: Sequence[Row], room: int) -> RenderableType:
    if not rows:
        return Group(title)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), expand=False)
    for at, heading in enumerate(headings):
        widest = max(cell_len(str(each)) for each in [heading, *(cells[at] for cells, _ in rows)])
        least = widest if at + 1 < len(headings) else None  # where it is narrow, the last column gives way
        justify: Literal["left", "right"] = "right" if heading.startswith(">") else "left"
        table.add_column(heading.lstrip(">"), justify=justify, no_wrap=True, min_width=least)
    for cells, style in rows[:room]:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), style=style)
    if len(rows) > room:
        title = Text.assemble(title, (f"  {len(rows) - room:,} more below", "dim"))
    return Group(title, table)


def _title(name: str, part: Part[Any], *more: str) -> Text:
    if part.refused:
        return Text.assemble((name.upper(), "bold"), (f"  {part.refused}", "yellow"))
    return Text.assemble((name.upper(), "bold"), f"  {part.count}", *(f"  {each}" for each in more if each))


def _operations(seen: Seen) -> tuple[Text, Sequence[str], list[Row]]:
    from countinghouse.operations.v1.operations_pb2 import OPERATION_STATE_PAUSED, OperationState

    rows: list[Row] = []
    for one in seen.operations.items:
        progress = one.progress
        at_work = next((stage for stage in progress.stages if not stage.done), None)
        style = "red" if one.error else "yellow" if progress.state == OPERATION_STATE_PAUSED else ""
        cells = (
            last(one.name),
            "failed" if one.error else word(OperationState, progress.state),
            last(progress.method),
            _since(progress.create_time.ToDatetime(UTC), seen.at),
            at_work.stage if at_work else "",
            _bar(at_work),
            _pace(one, at_work),
        )
        rows.append((cells, style))
    head = ("OPERATION", "STATE", "METHOD", ">FOR", "STAGE", "DONE", "PACE")
    return _title("operations", seen.operations), head, rows


def _batches(seen: Seen) -> tuple[Text, Sequence[str], list[Row]]:
    held = sum(one.HasField("hold") for one in seen.batches.items)
    rows: list[Row] = [
        (
            (
                last(one.name),
                batch_state(one.state),
                age(one.state_time),
                f"{one.counts.closed_count:,}",
                f"{one.counts.moved_count:,}",
                f"{one.counts.numbered_count:,}",
                waits_for(one),
            ),
            "yellow" if one.HasField("hold") else "",
        )
        for one in sorted(seen.batches.items, key=lambda one: (not one.HasField("hold"), one.name))
    ]
    head = ("BATCH", "STATE", ">FOR", ">CLOSED", ">MOVED", ">NUMBERED", "WAITS FOR")
    return _title("invoice batches", seen.batches, f"{held:,} held" if held else ""), head, rows


def _queues(seen: Seen) -> tuple[Text, Sequence[str], list[Row]]:
    from countinghouse.accounting.v1.tasks_pb2 import TaskKind

    rows: list[Row] = [
        (
            (
                queue.name,
                f"{queue.count:,}",
                f"{queue.in_hand:,}",
                f"{queue.late:,}",
                _since(queue.oldest, seen.at),
                ", ".join(
                    f"{count:,} {word(TaskKind, TaskKind.ValueType(kind))}" for kind, count in queue.kinds.most_common()
                ),
            ),
            "yellow" if queue.late else "",
        )
        for queue in seen.queues()
    ]
    overdue = "" if seen.overdue.refused else f"{seen.overdue.count} assignments past their deadline"
    head = ("QUEUE", ">ENTRIES", ">IN HAND", ">LATE", ">OLDEST", "WHY")
    return _title("work queues", seen.tasks, overdue if seen.overdue.items else ""), head, rows


def _outside(seen: Seen) -> tuple[Text, Sequence[str], list[Row]]:
    from countinghouse.operations.v1.notifications_pb2 import DELIVERY_STATE_GIVEN_UP, DeliveryKind, DeliveryState

    rows: list[Row] = [
        (
            (
                word(DeliveryKind, DeliveryKind.ValueType(one.kind)),
                word(DeliveryState, DeliveryState.ValueType(one.state)),
                f"{one.count:,}",
                f"{one.targets:,}",
                _since(one.oldest, seen.at),
                one.failure,
            ),
            "yellow" if one.state == DELIVERY_STATE_GIVEN_UP else "",
        )
        for one in seen.outbox()
    ]
    head = ("KIND", "STATE", ">HOW MANY", ">TARGETS", ">OLDEST", "LAST FAILURE")
    return _title("to go outside", seen.deliveries), head, rows


def _bar(stage: StageProgress | None) -> Text | str:
    """How much of a stage is done: a bar where it is known how much there is."""
    if stage is None:
        return ""
    if not stage.items_total:
        return f"{stage.items_done:,} {stage.unit}" if stage.items_done else ""
    share = min(stage.items_done / stage.items_total, 1)
    full = round(share * _BAR)
    return Text.assemble(
        ("━" * full, "green"), ("━" * (_BAR - full), "dim"), f" {share:>4.0%} of {stage.items_total:,} {stage.unit}"
    )


def _pace(one: Snapshot[Any, Any], stage: StageProgress | None) -> str:
    if one.error is not None:
        return one.error.reason
    if stage is None or stage.items_per_second <= 0:
        return ""
    rate = f"{stage.items_per_second:,.0f}/s" if stage.items_per_second >= 10 else f"{stage.items_per_second:.1f}/s"  # noqa: PLR2004
    left = stage.items_total - stage.items_done
    return f"{rate}, {_long(left / stage.items_per_second)} left" if left > 0 else rate


def _since(instant: datetime, at: datetime) -> str:
    return _long((at - instant).total_seconds())


def _long(seconds: float) -> str:
    """A time in its largest unit."""
    units: Sequence[tuple[str, int]] = (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S))
    whole = max(0, int(seconds))
    return next((f"{whole // length} {unit}" for unit, length in units if whole >= length), f"{whole} s")
