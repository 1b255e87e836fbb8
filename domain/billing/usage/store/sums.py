"""The SQL of what was used: many stretches of many profiles in one statement, each a range of a primary key (BIL-21).

Both databases get the same questions in words of their own: PostgreSQL as arrays, SQLite as a document. Quantities are
added up column by column, which is exact (`kernel.quantities`): PostgreSQL's sums have no bound, SQLite has 64 bits, so
that units are added up there in two parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from domain.billing.usage.registers import Read
from domain.kernel.documents import from_text, to_text
from domain.kernel.quantities import joined
from domain.kernel.script import Script


class Series(NamedTuple):
    """The data of one profile: `number` is the asker's; `spans` says which of the stretches that are asked for."""

    number: int
    account: str
    profile: str
    spans: int


class Span(NamedTuple):
    """A stretch [from, until) of time, in microseconds UTC; what lies in those of one `place` is added up."""

    spans: int
    place: int
    from_us: int
    until_us: int


class Sum(NamedTuple):
    """Of one place of a series: how many intervals it has, and their sum or maximum in attos."""

    found: int
    attos: int
    estimated: int
    revision: int


class Interval(NamedTuple):
    """An interval as it is kept."""

    start_us: int
    attos: int
    revision: int
    estimated: bool


class Window(NamedTuple):
    """The stretch [from, until) of one profile, in microseconds UTC."""

    number: int
    account: str
    profile: str
    from_us: int
    until_us: int


_SERIES = ("number", "account_id", "profile_id", "spans")
_SPANS = ("spans", "place", "from_us", "until_us")
_WINDOWS = ("number", "account_id", "profile_id", "from_us", "until_us")
_TYPES = {"account_id": "text", "profile_id": "text", "from_us": "bigint", "until_us": "bigint"}
_OF_PROFILE = "d.account_id = w.account_id AND d.profile_id = w.profile_id"
_WITHIN = f"{_OF_PROFILE} AND d.start_us >= r.from_us AND d.start_us < r.until_us"
_ADDED = "sum(d.units) AS units, sum(d.nanos) AS nanos, sum(d.attos) AS attos"
_BILLION = 10**9
_ADDED_SQLITE = ", ".join(
    f"coalesce(sum(d.{each}), 0)" for each in (f"units / {_BILLION}", f"units % {_BILLION}", "nanos", "attos")
)
_MARKS = "sum(d.estimated) AS estimated, max(d.revision) AS revision"


def _arrays(names: Sequence[str], alias: str) -> str:
    """PostgreSQL: rows from one array for each column."""
    arrays = ", ".join(f"CAST(? AS {_TYPES.get(name, 'int')}[])" for name in names)
    return f"unnest({arrays}) {alias} ({', '.join(names)})"


def _document(names: Sequence[str]) -> str:
    """SQLite: rows from a document, a list for each."""
    cells = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(names))
    return f"SELECT {cells} FROM json_each(?)"  # noqa: S608 - names of ours


# An aggregate within LATERAL is worked out for each range by itself: PostgreSQL knows nothing of how few the series
# and spans are, and has no other way here than the index.
_SUMS_POSTGRESQL = f"""
    SELECT w.number, r.place, CAST(sum(s.found) AS bigint), 0, sum(s.units), CAST(sum(s.nanos) AS bigint),
      CAST(sum(s.attos) AS bigint), CAST(sum(s.estimated) AS bigint), max(s.revision)
    FROM {_arrays(_SERIES, "w")} JOIN {_arrays(_SPANS, "r")} USING (spans)
    CROSS JOIN LATERAL (SELECT count(*) AS found, {_ADDED}, {_MARKS} FROM interval_data d WHERE {_WITHIN}) s
    WHERE s.found > 0 GROUP BY 1, 2"""  # noqa: S608 - names of ours
_SUMS_SQLITE = f"""
    WITH w AS MATERIALIZED ({_document(_SERIES)}), r AS MATERIALIZED ({_document(_SPANS)})
    SELECT w.number, r.place, (
      SELECT json_array(count(*), {_ADDED_SQLITE}, coalesce(sum(d.estimated), 0), coalesce(max(d.revision), 0))
      FROM interval_data d WHERE {_WITHIN})
    FROM w CROSS JOIN r ON r.spans = w.spans"""  # noqa: S608 - names of ours; grouped, it would sort all rows
_HIGHEST_POSTGRESQL = f"""
    SELECT number, place, sum(found), 0, (max(top))[1], (max(top))[2], (max(top))[3], sum(estimated), max(revision)
    FROM {_arrays(_SERIES, "w")} JOIN {_arrays(_SPANS, "r")} USING (spans)
    CROSS JOIN LATERAL (
      SELECT count(*) AS found, max(ARRAY[d.units, CAST(d.nanos AS bigint), CAST(d.attos AS bigint)]) AS top, {_MARKS}
      FROM interval_data d WHERE {_WITHIN}) s
    WHERE s.found > 0 GROUP BY 1, 2"""  # noqa: S608
_HIGHEST_SQLITE = f"""
    WITH w AS MATERIALIZED ({_document(_SERIES)}), r AS MATERIALIZED ({_document(_SPANS)}),
    d AS (
      SELECT w.number, r.place, d.units, d.nanos, d.attos, d.estimated, d.revision, row_number() OVER (
        PARTITION BY w.number, r.place ORDER BY d.units DESC, d.nanos DESC, d.attos DESC) AS rank
      FROM w CROSS JOIN r ON r.spans = w.spans CROSS JOIN interval_data d ON {_WITHIN})
    SELECT number, place, count(*), 0, sum(units) FILTER (WHERE rank = 1), sum(nanos) FILTER (WHERE rank = 1),
      sum(attos) FILTER (WHERE rank = 1), {_MARKS}
    FROM d GROUP BY 1, 2"""  # noqa: S608
_KEPT = "d.units, d.nanos, d.attos, d.revision, d.estimated"
_INTERVALS_POSTGRESQL = f"""
    SELECT w.number, d.* FROM {_arrays(_WINDOWS, "w")} CROSS JOIN LATERAL (
      SELECT d.start_us, {_KEPT} FROM interval_data d
      WHERE {_OF_PROFILE} AND d.start_us >= w.from_us AND d.start_us < w.until_us OFFSET 0) d
    ORDER BY 1, 2"""  # noqa: S608
_INTERVALS_SQLITE = f"""
    WITH w AS MATERIALIZED ({_document(_WINDOWS)})
    SELECT w.number, d.start_us, {_KEPT} FROM w CROSS JOIN interval_data d
    ON {_OF_PROFILE} AND d.start_us >= w.from_us AND d.start_us < w.until_us ORDER BY 1, 2"""  # noqa: S608
_TWO_BEFORE = f"""
    (SELECT min(at_us) FROM (SELECT d.at_us FROM register_read d
      WHERE {_OF_PROFILE} AND d.at_us < w.from_us ORDER BY d.at_us DESC LIMIT 2) t)"""  # noqa: S608
_ONE_AFTER = f"""
    (SELECT d.at_us FROM register_read d
      WHERE {_OF_PROFILE} AND d.at_us >= w.until_us ORDER BY d.at_us LIMIT 1)"""  # noqa: S608
_AROUND = (
    f"SELECT w.number, w.account_id, w.profile_id, coalesce({_TWO_BEFORE}, w.from_us) AS low,"
    f" coalesce({_ONE_AFTER}, w.until_us) AS high FROM"
)
_READS_POSTGRESQL = f"""
    SELECT w.number, d.* FROM ({_AROUND} {_arrays(_WINDOWS, "w")} OFFSET 0) w CROSS JOIN LATERAL (
      SELECT d.at_us, {_KEPT} FROM register_read d
      WHERE {_OF_PROFILE} AND d.at_us BETWEEN w.low AND w.high OFFSET 0) d
    ORDER BY 1, 2"""  # noqa: S608
_READS_SQLITE = f"""
    WITH asked AS MATERIALIZED ({_document(_WINDOWS)}), w AS MATERIALIZED ({_AROUND} asked w)
    SELECT w.number, d.at_us, {_KEPT} FROM w CROSS JOIN register_read d
    ON {_OF_PROFILE} AND d.at_us BETWEEN w.low AND w.high ORDER BY 1, 2"""  # noqa: S608


def sums(tx: Connection, series: Sequence[Series], spans: Sequence[Span]) -> dict[tuple[int, int], Sum]:
    """By number and place what the intervals come to; places without any are left out. Cost: one statement."""
    if not series:
        return {}
    rows = _ask(tx, (_SUMS_POSTGRESQL, _SUMS_SQLITE), series, spans)
    return _by_place(rows) if tx.dialect.name == "postgresql" else _by_span(rows)


def highest(tx: Connection, series: Sequence[Series], spans: Sequence[Span]) -> dict[tuple[int, int], Sum]:
    """As `sums`, but the highest interval in place of their sum. Cost: one statement."""
    return _by_place(_ask(tx, (_HIGHEST_POSTGRESQL, _HIGHEST_SQLITE), series, spans)) if series else {}


def intervals(tx: Connection, windows: Sequence[Window]) -> dict[int, list[Interval]]:
    """By number the intervals as they are kept, by time. Cost: one statement."""
    rows = _ask(tx, (_INTERVALS_POSTGRESQL, _INTERVALS_SQLITE), windows) if windows else []
    return {
        number: [Interval(at, joined(*columns), revision, bool(flag)) for _, at, *columns, revision, flag in found]
        for number, found in groupby(rows, itemgetter(0))
    }


def reads(tx: Connection, windows: Sequence[Window]) -> dict[int, list[Read]]:
    """By number the reads, by time, with the two before and the one after, if there are any. Cost: one statement."""
    rows = _ask(tx, (_READS_POSTGRESQL, _READS_SQLITE), windows) if windows else []
    return {
        number: [Read(at, joined(*columns), revision, bool(flag)) for _, at, *columns, revision, flag in found]
        for number, found in groupby(rows, itemgetter(0))
    }


def _ask(tx: Connection, statements: tuple[str, str], *relations: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Ask in the database's words; each of `relations` has a row at least."""
    postgresql, sqlite = statements
    if tx.dialect.name != "postgresql":
        return Script(tx).ask(sqlite, *(to_text([list(row) for row in rows]) for rows in relations))
    return Script(tx).ask(postgresql, *(list(column) for rows in relations for column in zip(*rows, strict=True)))


def _by_place(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[int, int], Sum]:
    return {
        (number, place): Sum(
            int(found), joined(billions * _BILLION + int(units), int(nanos), int(attos)), int(estimated), revision
        )
        for number, place, found, billions, units, nanos, attos, estimated, revision in rows
    }


def _by_span(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[int, int], Sum]:
    """SQLite: a document for each span, one or more of them a place."""
    found: dict[tuple[int, int], Sum] = {}
    documents = from_text(f"[{','.join(row[2] for row in rows)}]")
    for (number, place, _), (count, billions, units, nanos, attos, estimated, revision) in zip(
        rows, documents, strict=True
    ):
        if not count:
            continue
        of = Sum(count, joined(billions * _BILLION + units, nanos, attos), estimated, revision)
        before = found.get((number, place))
        if before is not None:
            of = Sum(
                before.found + of.found,
                before.attos + of.attos,
                before.estimated + of.estimated,
                max(before.revision, of.revision),
            )
        found[number, place] = of
    return found
