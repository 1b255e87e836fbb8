"""A billing run as an ORM would have it, row by row: `python -m bench billing-orm`; the product is to be 50 times that.

An account is a unit of work: its agreements and reads are loaded as entities, reads are added up as decimals, and each
bill, segment and accounting detail is an entity that is added; then it is committed.
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import partial
from itertools import count
from typing import Any

from sqlalchemy import Table, create_engine, select
from sqlalchemy.orm import Session, registry

from bench.billing_runs import bill_all
from bench.billing_world import AGREEMENTS, open_world
from bench.databases import open_databases, query
from bench.figures import Table as Figures
from bench.figures import verdict
from bench.meter import Meter, Spent
from bench.options import Options
from bench.product import serve
from domain.billing import tables
from domain.gl_extraction.tables import BUCKETS, accounting_detail, accounting_detail_pending
from domain.kernel.tables import event

AIM = 50
PART = 10
"""Of so many accounts one is billed row by row: it would take too long otherwise."""

HEAD = ("database", "product, µs CPU", "row by row, µs CPU", "CPU", "product, a second", "row by row", "rate", "aim")
_FROM_US, _UNTIL_US = 1767222000000000, 1769900400000000
_entities = registry()
Entity = Any  # its attributes are the columns of its table
_details = count(1)


class _Row:
    """An entity: a row with its columns as attributes."""

    def __init__(self, **fields: object) -> None:
        for name, value in fields.items():
            setattr(self, name, value)


def _mapped(table: Table[Any]) -> Entity:
    kind = type(table.name, (_Row,), {})
    _entities.map_imperatively(kind, table)
    return kind


Account, Agreement, Interval = map(_mapped, (tables.billing_account, tables.service_agreement, tables.interval_data))
Bill, Segment = map(_mapped, (tables.bill, tables.bill_segment))
Detail, Pending, Event = map(_mapped, (accounting_detail, accounting_detail_pending, event))


def billing_orm(options: Options) -> Iterator[Figures]:
    """The operation by a real worker, and a part of the same accounts row by row."""
    rows, number = [], options.accounts // PART
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("cycle", partial(open_world, accounts=options.accounts))
            with databases.copy("cycle") as url, serve(url, folder) as product:
                ours = bill_all(product, databases, options.accounts)
                billed = query(url, _SUM.format(number=number))
            with databases.copy("cycle") as url:
                taken = Meter(databases.roots, own=True)
                _run(url, number)
                theirs = taken.spent(AGREEMENTS * number)
                assert query(url, _SUM.format(number=number)) == billed, "the first accounts are billed the same"
            rows.append(_row(dialect, ours, theirs))
            print(f"  {rows[-1]}", flush=True)
    yield Figures("A billing run against one row by row, by an ORM; items: segments", HEAD, rows)


_SUM = "SELECT account_id, amount_minor, tax_minor FROM bill ORDER BY account_id LIMIT {number}"


def _row(dialect: str, ours: Spent, theirs: Spent) -> list[str]:
    cpu, rate = theirs.cpu_us / ours.cpu_us, ours.rate / theirs.rate
    return [
        dialect,
        f"{ours.cpu_us:.1f}",
        f"{theirs.cpu_us:,.0f}",
        f"{cpu:.0f} times",
        f"{ours.rate:,.0f}",
        f"{theirs.rate:,.0f}",
        f"{rate:.0f} times",
        f"≥ {AIM} times: {verdict(met=cpu >= AIM, reached=rate >= AIM)}",
    ]


def _run(url: str, accounts: int) -> None:
    engine = create_engine(url)
    for number in range(accounts):
        with Session(engine) as session:
            _bill(session, session.get(Account, f"A{number:07}"))
            session.commit()
    engine.dispose()


def _bill(session: Session, account: Entity) -> None:
    agreements = session.scalars(select(Agreement).where(Agreement.account_id == account.account_id)).all()
    sites = [each for each in agreements if each.type_code == "POWER"]
    now_us, total, amount, taxes = time.time_ns() // 1_000, Decimal(0), 0, 0
    bill_id = f"{account.account_id}{'0' * 18}"
    for at, agreement in enumerate([*sites, *(each for each in agreements if each not in sites)], start=1):
        is_site = agreement in sites
        used = _used(session, agreement) if is_site else total
        total += used
        energy = (used * Decimal("0.30" if is_site else "0.02") * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        net = int(energy) + (1200 if is_site else 0)
        tax = int((net * Decimal("0.19")).quantize(Decimal(1), rounding=ROUND_HALF_UP)) if is_site else 0
        segment_id = f"{account.account_id}{'0' * 16}{agreement.agreement_id}"
        session.add(_segment(agreement, (segment_id, bill_id), at, (net, tax, used), now_us))
        for code, debit, credit in (("RECEIVABLE", net + tax, 0), ("REVENUE", 0, net), ("TAXES", 0, tax)):
            if debit or credit:
                _post(session, agreement, segment_id, (code, debit, credit), now_us)
        amount, taxes = amount + net + tax, taxes + tax
    days = {"bill_day": 20260203, "accounting_day": 20260203, "through_day": 20260201, "due_day": 20260217}
    stamps = {"version": 2, "created_us": now_us, "updated_us": now_us, "completed_us": now_us}
    order = json.dumps([[each.agreement_id, 1, ["SEQUENCE"], "sequence"] for each in agreements])
    session.add(
        Bill(
            account_id=account.account_id,
            bill_id=bill_id,
            cycle_code=account.cycle_code,
            window_code="JAN",
            kind="REGULAR",
            state="COMPLETE",
            currency="EUR",
            amount_minor=amount,
            tax_minor=taxes,
            processing_order=order,
            messages="[]",
            routed_by="",
            **days,
            **stamps,
        )
    )
    owner = f"accounts/{account.account_id}/bills/{bill_id}"
    told = {"caller": "bench", "method": "bench", "request_id": "", "operation_id": "", "audit": 1, "scope_id": 0}
    session.add(
        Event(owner=owner, sequence=1, event_id=bill_id, type="bill.completed", at_us=now_us, payload="{}", **told)
    )


def _used(session: Session, agreement: Entity) -> Decimal:
    of = (Interval.account_id == agreement.account_id, Interval.profile_id == agreement.agreement_id)
    within = (Interval.start_us >= _FROM_US, Interval.start_us < _UNTIL_US)
    reads = session.scalars(select(Interval).where(*of, *within)).all()
    return sum((Decimal(read.units) + Decimal(read.nanos).scaleb(-9) for read in reads), Decimal(0))


def _segment(
    agreement: Entity, names: tuple[str, str], at: int, came_to: tuple[int, int, Decimal], now_us: int
) -> Entity:
    (segment_id, bill_id), (net, tax, used) = names, came_to
    line = {"component": "ENERGY", "quantity": str(used), "rate": "0.30", "amount": net, "unit": "kWh", "kind": "STEP"}
    return Segment(
        account_id=agreement.account_id,
        segment_id=segment_id,
        bill_id=bill_id,
        agreement_id=agreement.agreement_id,
        type_code=agreement.type_code,
        kind="USAGE",
        position=at,
        state="FROZEN",
        receivable_code="RECEIVABLE",
        start_day=20260101,
        end_day=20260201,
        full_days=31,
        accounting_day=20260203,
        rate_code=agreement.type_code,
        currency="EUR",
        amount_minor=net + tax,
        tax_minor=tax,
        calculation=json.dumps({"lines": [line, line, line], "totals": {"EUR": str(net), "kWh": str(used)}}),
        version=2,
        created_us=now_us,
        frozen_us=now_us,
    )


def _post(session: Session, agreement: Entity, segment_id: str, side: tuple[str, int, int], now_us: int) -> None:
    code, debit, credit = side
    external_id = f"{segment_id}/{code}"
    bucket = zlib.crc32(external_id.encode()) % BUCKETS
    detail_id = next(_details) * BUCKETS + bucket
    session.add(
        Detail(
            bucket=bucket,
            detail_id=detail_id,
            source="billing",
            external_id=external_id,
            content_hash=hashlib.blake2b(external_id.encode(), digest_size=16).digest(),
            description=agreement.agreement_id,
            subject_type="ACCOUNT",
            subject=f"accounts/{agreement.account_id}",
            origin="F",
            grouping=segment_id,
            distribution_account=code,
            ledger_code="GL",
            accounting_date=20260203,
            transaction_date=20260203,
            accounting_period_code="ALL",
            currency="EUR",
            debit_minor=debit,
            credit_minor=credit,
            maker="BILLING",
            created_us=now_us,
        )
    )
    session.add(Pending(bucket=bucket, detail_id=detail_id))
