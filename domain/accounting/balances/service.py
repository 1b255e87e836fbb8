"""Use cases of balances: the overview by collection, now or as of an instant, and by step (ACC-50, ACC-51)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from sqlalchemy import Connection

from domain.accounting.balances import folding, store
from domain.accounting.balances.model import (
    NOTHING,
    Balance,
    CollectionBalances,
    Figures,
    Flag,
    Overview,
    Place,
    Step,
    StepSide,
    Sums,
)
from domain.accounting.claims import service as claims
from domain.accounting.configuration.model import Collection
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing.store import pages
from domain.kernel.as_of import AsOfInFuture
from domain.kernel.call import Call
from domain.kernel.paging import Key, Page
from domain.kernel.scopes import Scope


def overview(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    claim_id: str,
    dispute_id: str = "",
    *,
    as_of_us: int | None = None,
) -> Overview:
    """Every collection of a claim, or of one of its disputes: what it has come to, or had come to as of an instant.

    As of an instant, operations count by when they were performed, executed and canceled.

    Raises: ClaimNotFound; DisputeNotFound; AsOfInFuture. Cost: four statements; as of an instant one of them reads the
    operations, else what is kept by dispute and collection.
    """
    if as_of_us is not None and as_of_us > call.now_us:
        raise AsOfInFuture(as_of_us, call.now_us)
    require(tx, claim_id, dispute_id, call.scope)
    if as_of_us is None:
        found = store.kept(tx, claim_id, dispute_id)
    else:
        found = folding.over_disputes(folding.fold(store.moved_at(tx, claim_id, dispute_id, as_of_us)).items())
    _assert_zero((currency, figures) for (_, currency), (figures, _) in found.items())
    currencies = store.currencies(tx, claim_id, dispute_id)
    collections = configurations.current(tx).collections
    return Overview(
        claim_id,
        dispute_id,
        call.now_us if as_of_us is None else as_of_us,
        tuple(_balances(collections[code], currencies, found, whole=not dispute_id) for code in sorted(collections)),
    )


def steps(tx: Connection, claim_id: str, dispute_id: str, page: Page, scope: Scope) -> list[Step]:
    """One step of a claim, or of one of its disputes, more than the page holds, if there is one.

    They stand by accounting date, ties by creation, debits first; `key_of` gives a step's key. Operations that were
    canceled are among them, and move nothing.

    Raises: ClaimNotFound; DisputeNotFound. Cost: five statements, of which one reads the operations before the page to
    add them up, or in the later half those from it on, to take them off what is kept.
    """
    require(tx, claim_id, dispute_id, scope)
    first, side = _place(page.after)
    operations = pages.by_day(tx, claim_id, dispute_id, first=first, limit=page.size // 2 + 2)
    before = _before(tx, claim_id, dispute_id, first) if first.day else {}
    shown = [step for step in folding.running(before, operations) if not _is_before(step, first, side)]
    return shown[: page.size + 1]


def key_of(step: Step) -> Key:
    """Where a step stands."""
    return [step.operation.accounting_day, step.operation.operation_id, step.side.value]


def require(tx: Connection, claim_id: str, dispute_id: str, scope: Scope) -> None:
    """Refuse a claim or (unless empty) a dispute that is not there. Raises: ClaimNotFound; DisputeNotFound."""
    if dispute_id:
        claims.get_dispute(tx, claim_id, dispute_id, scope)
    else:
        claims.get(tx, claim_id, scope)


def _before(tx: Connection, claim_id: str, dispute_id: str, first: pages.Place) -> Sums:
    """What collections came to before a place in the order of dates."""
    kept = {place: figures for place, (figures, _) in store.kept(tx, claim_id, dispute_id).items()}
    counted = sum(each.executed_count + each.pending_count for each in kept.values()) // 2  # once on each side
    middle = pages.place_at(tx, claim_id, dispute_id, counted // 2)
    if (first.day, first.operation_id) < (middle.day, middle.operation_id):
        return _sums(store.moved_before(tx, claim_id, dispute_id, first))
    after = _sums(store.moved_from(tx, claim_id, dispute_id, first))
    return {place: figures - after.get(place, NOTHING) for place, figures in kept.items()}


def _sums(moved: Iterable[folding.Moved]) -> Sums:
    return {place: sums for place, (sums, _) in folding.over_disputes(folding.fold(moved).items()).items()}


def _balances(
    collection: Collection, currencies: Iterable[str], found: Mapping[Place, tuple[Figures, int]], *, whole: bool
) -> CollectionBalances:
    balances = []
    for currency in currencies:
        figures, off = found.get((collection.code, currency), (NOTHING, 0))
        flags = _flags(figures, off, whole=whole) if collection.suspense else ()
        balances.append(Balance(currency, figures, off, flags))
    return CollectionBalances(collection, tuple(balances))


def _flags(figures: Figures, off: int, *, whole: bool) -> tuple[Flag, ...]:
    flags = [Flag.OUT_OF_BALANCE] if figures.executed_minor else []
    return (*flags, Flag.DISPUTES_OUT_OF_BALANCE) if whole and off else tuple(flags)


def _assert_zero(found: Iterable[tuple[str, Figures]]) -> None:
    sums: dict[str, Figures] = defaultdict(Figures)
    for currency, figures in found:
        sums[currency] += figures
    for figures in sums.values():
        assert not figures.executed_minor, "over all collections, balances come to zero"
        assert not figures.pending_minor, "over all collections, what is pending comes to zero"


def _place(after: Key | None) -> tuple[pages.Place, Literal["", "DEBIT", "CREDIT"]]:
    if after is None:
        return pages.Place(), ""
    return pages.Place(int(after[0]), str(after[1])), "DEBIT" if after[2] == StepSide.DEBIT else "CREDIT"


def _is_before(step: Step, place: pages.Place, side: str) -> bool:
    """Whether the page before has shown it."""
    if step.operation.operation_id != place.operation_id:
        return False
    return step.side is StepSide.DEBIT or side == StepSide.CREDIT
