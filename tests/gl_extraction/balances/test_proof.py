"""The proof: whatever is done in whatever order, what was recorded is what the details come to; what was told stays.

Debits and credits are held apart for each currency; every step of an extraction may be the last before something else.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.gl_extraction import tables
from domain.gl_extraction.balances.compacting import DAY_US
from domain.gl_extraction.balances.model import TrialBalance
from domain.gl_extraction.details.errors import DetailNotFound, ReverseNotAllowed, UndoNotAllowed
from domain.gl_extraction.extraction.errors import BatchNotCompleted, BatchNotFound, RestampRunning
from domain.gl_extraction.extraction.jobs import ChunkSizes
from domain.gl_extraction.extraction.model import Request
from domain.kernel.errors import DomainError
from server.database.transaction import Database
from tests.gl_extraction.balances.accounts import compacted, differences, told
from tests.gl_extraction.extraction.desk import EVERYTHING, Desk
from tests.gl_extraction.samples import CALL, NOW_US, reversed_, row, taken_in, undone

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["4000", "5000", ""]),
        st.sampled_from(["USD", "EUR", "JPY"]),
        st.integers(1, 10**9),
        st.booleans(),
        st.sampled_from([(2026, 4, 30), (2026, 5, 1), (2026, 6, 30)]),
        st.sampled_from(["S1", "S2", "S3"]),
    ),
    min_size=1,
    max_size=6,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), ROWS),
        st.tuples(st.just("undo"), st.sampled_from(["S1", "S2", "S3"])),
        st.tuples(st.just("reverse"), st.integers(0, 20)),
        st.tuples(st.just("start"), st.sampled_from([None, False])),
        st.tuples(st.just("resend"), st.integers(1, 4)),
        st.tuples(st.just("step"), st.integers(1, 3)),
        st.tuples(st.just("finish"), st.none()),
        st.tuples(st.just("cancel"), st.none()),
        st.tuples(st.just("tell"), st.none()),
        st.tuples(st.just("compact"), st.integers(1, 30)),
    ),
    min_size=3,
    max_size=14,
)
_sources = itertools.count()


class Story:
    """Steps on one database, each later than the one before; examples differ by their source."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.books = desk, desk.database
        self.source, self.now_us = f"erp-{next(_sources)}", NOW_US
        self.rows, self.started = itertools.count(), [""]
        self.told: list[TrialBalance] = []

    def take(self, what: str, given: Any) -> None:
        self.now_us += 7_000_000
        getattr(self, what)(given)
        assert differences(self.books) == [], what

    def ingest(self, rows: Any) -> None:
        made = [
            row(
                next(self.rows),
                source=self.source,
                distribution_account=account,
                accounting_date=day,
                subject=subject,
                debit=(currency, minor, 0) if is_debit else None,
                credit=None if is_debit else (currency, minor, 0),
            )
            for account, currency, minor, is_debit, day, subject in rows
        ]
        result = taken_in(self.books, made, self.call)
        assert result.created == len(made)

    def undo(self, subject: str) -> None:
        self.tried(lambda: undone(self.books, self.call, subject=subject), DetailNotFound, UndoNotAllowed)

    def reverse(self, place: int) -> None:
        d = tables.accounting_detail.c
        ids = self.books.read(lambda tx: tx.execute(select(d.detail_id).order_by(d.detail_id.desc())).scalars().all())
        if ids:
            wanted = ids[place % len(ids)]
            self.tried(lambda: reversed_(self.books, [wanted], call=self.call), ReverseNotAllowed)

    def start(self, incremental: Any) -> None:
        asked = replace(EVERYTHING, incremental=incremental)
        self.tried(lambda: self.started.append(self.desk.start(asked)), RestampRunning)

    def resend(self, batch_no: int) -> None:
        asked = Request(gl_extraction_batch_id=str(batch_no))
        self.tried(
            lambda: self.started.append(self.desk.start(asked)), RestampRunning, BatchNotFound, BatchNotCompleted
        )

    def step(self, chunks: int) -> None:
        for _ in range(chunks):
            self.desk.step()

    def finish(self, _: None) -> None:
        self.desk.finish()

    def cancel(self, _: None) -> None:
        if self.started[-1]:
            self.tried(lambda: self.desk.cancel(self.started[-1]), DomainError)

    def tell(self, _: None) -> None:
        self.told.append(told(self.books, now_us=self.now_us))

    def compact(self, rows_max: int) -> None:
        compacted(self.books, self.now_us + DAY_US, rows_max=rows_max)

    @property
    def call(self) -> Any:
        return replace(CALL, now_us=self.now_us)

    def tried(self, work: Any, *refusals: type[Exception]) -> None:
        with suppress(*refusals):
            work()

    def end(self) -> None:
        """Run to the end what was begun; every balance told is still what it was."""
        self.take("finish", None)
        self.take("compact", 10)
        for balance in self.told:
            assert told(self.books, balance.as_of_us, now_us=self.now_us) == balance


@pytest.mark.rule("GLX-24", "PLT-03")
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_balances_are_what_the_details_come_to(books: Database, tmp_path: Path, steps: list[tuple[str, Any]]) -> None:
    """After every step of any story: ingest, undo, reversal, extraction to any point, cancel, resend, compaction."""
    story = Story(Desk(books, tmp_path / "files", ChunkSizes(3, 3)))
    for what, given_ in steps:
        story.take(what, given_)
    story.end()
