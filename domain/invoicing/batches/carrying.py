"""Moving running invoices on to the next schedule, where they take over what has begun there (INV-11).

An invoice that is carried keeps its id: the newer one of the account, if there is one, hands its lines over and is
dropped. All statements are bounded by a span of accounts; what they lock of the next schedule, they lock for as long
as that takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from domain.invoicing.batches import closing
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.errors import InvoiceCurrenciesDiffer
from domain.invoicing.batches.model import Batch
from domain.invoicing.configuration.model import Schedule
from domain.operations.errors import StepOvertaken

_OLDER = (
    "{o}.cycle_code = :cycle AND {o}.schedule_code = :schedule AND {o}.account_id BETWEEN :first AND :last"
    " AND {o}.slot = '' AND {o}.state = 'RUNNING'"
)
_NEWER = (
    "{n}.cycle_code = :cycle AND {n}.schedule_code = :target AND {n}.account_id = {o}.account_id"
    " AND {n}.slot = '' AND {n}.state = 'RUNNING'"
)
_PAIR = f"{_OLDER} AND {_NEWER}"
_PAIRS = _PAIR.format(o="o", n="n")
_HANDED = f"""(
    SELECT o.account_id, o.invoice_id AS older_id, n.invoice_id AS newer_id, o.last_line_no AS shift
    FROM invoice o JOIN invoice n ON {_PAIRS}
) AS handed
WHERE {{t}}.account_id = handed.account_id AND {{t}}.invoice_id = handed.newer_id"""  # noqa: S608 - words of ours

_LOCK = text(f"SELECT n.invoice_id FROM invoice n JOIN invoice o ON {_PAIRS} ORDER BY n.account_id FOR UPDATE OF n")  # noqa: S608 - words of ours
_HAND_OVER = (
    text(
        "UPDATE invoice_line SET invoice_id = handed.older_id, line_no = line_no + handed.shift FROM "  # noqa: S608 - words of ours
        + _HANDED.format(t="invoice_line")
    ),
    text(
        "UPDATE invoice_reckoned_tax SET invoice_id = handed.older_id FROM "  # noqa: S608 - words of ours
        + _HANDED.format(t="invoice_reckoned_tax")
    ),
    text(
        "UPDATE invoice SET line_count = invoice.line_count + n.line_count,"  # noqa: S608 - words of ours
        " net_minor = invoice.net_minor + n.net_minor, last_line_no = invoice.last_line_no + n.last_line_no,"
        " currency = CASE WHEN invoice.line_count = 0 THEN n.currency ELSE invoice.currency END,"
        " final = CASE WHEN invoice.final + n.final > 0 THEN 1 ELSE 0 END FROM invoice n WHERE "
        + _PAIR.format(o="invoice", n="n")
    ),
)
_DIFFERENT = text(
    f"SELECT o.account_id FROM invoice o JOIN invoice n ON {_PAIRS}"  # noqa: S608 - words of ours
    " WHERE n.currency <> o.currency AND n.line_count > 0 AND o.line_count > 0 ORDER BY o.account_id LIMIT 1"
)
_DROP = text(
    "UPDATE invoice SET state = 'MERGED', slot = invoice.invoice_id, merged_into = o.invoice_id, line_count = 0,"  # noqa: S608 - words of ours
    " net_minor = 0, aggregated = 0, version = invoice.version + 1, updated_us = :now_us FROM invoice o WHERE "
    + _PAIR.format(o="o", n="invoice")
)
_MOVE = text(
    "UPDATE invoice SET schedule_code = :target, carried_count = carried_count + 1, aggregated = 0,"  # noqa: S608 - words of ours
    " version = version + 1, updated_us = :now_us WHERE " + _OLDER.format(o="invoice")
)


@dataclass(frozen=True, slots=True)
class Carried:
    """How many invoices were moved, and how many of the next schedule they have taken over."""

    moved: int
    merged: int


def carry(tx: Connection, batch: Batch, span: Span, target: Schedule, now_us: int) -> Carried:
    """Move the running invoices of a span to a schedule that is open and stays so until the transaction ends.

    Cost: eight statements along invoice_once and primary keys, which lock these invoices and those that they take over.

    Raises: InvoiceCurrenciesDiffer; StepOvertaken when one has begun in the next schedule meanwhile: it is not locked,
    and looked at anew.
    """
    of = {"cycle": batch.cycle_code, "schedule": span.schedule, "first": span.first, "last": span.last}
    values = {**of, "target": target.code, "now_us": now_us}
    closing.lock_running(tx, batch, span)
    if tx.dialect.name == "postgresql":
        tx.execute(_LOCK, values)
    different = tx.execute(_DIFFERENT, values).scalar_one_or_none()
    if different is not None:
        raise InvoiceCurrenciesDiffer(different)
    try:
        for statement in _HAND_OVER:
            tx.execute(statement, values)
        merged = tx.execute(_DROP, values).rowcount
        moved = tx.execute(_MOVE, values).rowcount
    except IntegrityError as error:
        if _has_begun(error):
            raise StepOvertaken from error
        raise
    return Carried(moved, merged)


def _has_begun(error: IntegrityError) -> bool:
    """Whether an account has got an invoice in the next schedule since; on SQLite nobody else writes."""
    diagnosis = getattr(error.orig, "diag", None)
    return diagnosis is not None and diagnosis.constraint_name == "invoice_once"
