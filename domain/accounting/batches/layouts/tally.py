"""What the records of a file come to, and whether two by two they are the steps of operations (ACC-03, ACC-31)."""

from __future__ import annotations

from dataclasses import replace

from domain.accounting.batches.layouts.model import Header, Record, Side
from domain.data_files.model import Total, Totals

Mistake = tuple[str, str]
"""A field and what it must be."""


class Tally:
    """Counts and adds up records, one after another."""

    def __init__(self, accounting_day: int) -> None:
        self._accounting_day = accounting_day
        self._sums: dict[str, dict[Side, int]] = {}
        self._debit: Record | None = None
        self.record_count = 0

    @property
    def totals(self) -> Totals:
        """Debits and credits by currency, in the order of the codes."""
        return {currency: Total(sums[Side.DEBIT], sums[Side.CREDIT]) for currency, sums in sorted(self._sums.items())}

    def add(self, record: Record) -> Mistake | None:
        """Take a record in; what is wrong with it beside those before, if anything."""
        if record.currency not in self._sums:
            self._sums[record.currency] = dict.fromkeys(Side, 0)
        self._sums[record.currency][record.side] += record.amount_minor
        self.record_count += 1
        if record.accounting_day != self._accounting_day:
            return "accountingDate", "must be the accounting date of the header"
        debit, self._debit = self._debit, record if self._debit is None else None
        if debit is None:
            return (
                None if record.side is Side.DEBIT else ("side", "must be DEBIT: the debit of each operation is first")
            )
        return _pair_fault(debit, record)

    def fault_against(self, header: Header) -> str:
        """What of a header the records do not bear out; empty when nothing."""
        if self._debit is not None:
            return "the last operation has one step only"
        if self.record_count != header.record_count or self.record_count != 2 * header.operation_count:
            return "there are more or fewer records than the header says"
        return "" if self.totals == header.totals else "the records add up to other totals than the header's"


def _pair_fault(debit: Record, credit: Record) -> Mistake | None:
    """Whether two records are the steps of one operation: they differ in side, accounts and collection alone."""
    if credit.operation_id != debit.operation_id or credit.side is not Side.CREDIT:
        return "operation", "must be that of the debit before, and this its credit"
    mirrored = replace(
        credit,
        side=Side.DEBIT,
        account=credit.counter_account,
        counter_account=credit.account,
        collection=debit.collection,
    )
    return None if mirrored == debit else ("operation", "has a debit and a credit that are not the same")
