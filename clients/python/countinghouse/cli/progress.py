"""How far something is: bars in a terminal, now and then a line elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from countinghouse.cli.output import console_err, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress, TaskID

    from countinghouse.client import CountinghouseError
    from countinghouse.operations.v1.operations_pb2 import OperationProgress

_LINE_EVERY_S = 5.0
_SHOWN_EVERY = 500  # steps
_MEASURABLE_S = 0.5


class Display:
    """Shows stages with their counts, rate and time left on standard error."""

    def __init__(self) -> None:
        self._bars: Progress | None = _bars() if _can_draw() else None
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, str] = {}
        self._told_at: dict[str, float] = {}
        self._retry_told_at = -_LINE_EVERY_S

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, progress: "OperationProgress") -> None:
        """Show an operation's stages."""
        for stage in progress.stages:
            if stage.done or stage.items_done or stage.items_total:
                self.stage(
                    stage.stage,
                    done=stage.items_done,
                    total=stage.items_total,
                    unit=stage.unit,
                    per_second=stage.items_per_second,
                    over=stage.done,
                )

    def stage(self, name: str, *, done: int, total: int, unit: str, per_second: float, over: bool) -> None:
        """Show one stage; `total` 0 while not known, `per_second` 0 while not known."""
        counts = f"{done:,}/{total:,} {unit}" if total else f"{done:,} {unit}"
        pace = _pace(done, total, per_second, over=over)
        if self._bars is not None:
            task = self._tasks.get(name)
            if task is None:
                task = self._tasks[name] = self._bars.add_task(name, total=None, counts="", pace="")
            known = total or (done if over else None)
            self._bars.update(task, completed=done, total=known or (1 if over else None), counts=counts, pace=pace)
            return
        if done == total and not over:
            return  # the line that says so comes next
        self._tell(name, f"{name}: {counts}{', done' if over else f', {pace}' if pace else ''}", over=over)

    def fact(self, name: str, lines: "Sequence[str]", *, over: bool) -> None:
        """Show what something has come to, a line for each part of it."""
        if self._bars is None:
            self._tell(name, f"{name}: {', '.join(lines)}", over=over)
            return
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = self._bars.add_task(name, total=None, counts="", pace="", is_fact=True)
        self._bars.update(task, counts="\n".join(lines))

    def _tell(self, name: str, line: str, *, over: bool) -> None:
        due = over or name not in self._told or time.monotonic() - self._told_at.get(name, 0.0) >= _LINE_EVERY_S
        if due and self._told.get(name) != line:
            self._told[name], self._told_at[name] = line, time.monotonic()
            say(line)

    def retry(self, error: "CountinghouseError", delay_s: float) -> None:
        """Tell of a lost connection, now and then."""
        if time.monotonic() - self._retry_told_at >= _LINE_EVERY_S:
            self._retry_told_at = time.monotonic()
            from countinghouse.cli.failures import cause

            self.note(f"The server is away ({cause(error)}); trying again in {delay_s:.1f} s.")

    def note(self, line: str) -> None:
        """Tell something above the bars."""
        if self._bars is not None:
            self._bars.console.print(line, markup=False)
        else:
            say(line)


class Meter:
    """Shows how far something is that this program counts itself."""

    def __init__(self, display: Display, name: str, unit: str) -> None:
        self._display, self._name, self._unit = display, name, unit
        self._total = self._due = 0
        self._began = time.monotonic()

    def begin(self, total: int) -> None:
        """Begin to count towards `total`."""
        self._total = total
        self._began = time.monotonic()

    def reach(self, done: int) -> None:
        """Tell how far it is; cheap enough for every single step."""
        if done >= self._due:
            self._due = done + _SHOWN_EVERY
            if time.monotonic() - self._began > _MEASURABLE_S:
                self._show(done, over=False)

    def end(self) -> None:
        """Tell that it is done."""
        self._show(self._total, over=True)

    def _show(self, done: int, *, over: bool) -> None:
        seconds = time.monotonic() - self._began
        per_second = done / seconds if seconds > _MEASURABLE_S else 0.0
        self._display.stage(self._name, done=done, total=self._total, unit=self._unit, per_second=per_second, over=over)


def _pace(done: int, total: int, per_second: float, *, over: bool) -> str:
    if per_second <= 0:
        return ""
    rate = f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"  # noqa: PLR2004 - digits that tell
    if over or not total or done >= total:
        return rate
    seconds = round((total - done) / per_second)
    minutes, rest = divmod(seconds, 60)
    return f"{rate}, {f'{minutes} min {rest} s' if minutes else f'{rest} s'} left"


def _can_draw() -> bool:
    """Whether standard error is a terminal that can draw over what it has drawn."""
    return sys.stderr.isatty() and not console_err().is_dumb_terminal


def _bars() -> "Progress":
    from rich.progress import BarColumn, Progress, Task, TextColumn
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    class Bar(BarColumn):
        """A bar for what has a length; a fact has none."""

        def render(self, task: Task) -> ProgressBar:
            return Text() if task.fields.get("is_fact") else super().render(task)  # type: ignore[return-value]

    return Progress(
        TextColumn("{task.description:<10}"),
        Bar(),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[pace]}"),
        console=console_err(),
    )
