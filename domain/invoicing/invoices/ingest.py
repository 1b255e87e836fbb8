"""Lines that callers send for accounts: by stream in chunks, or one (INV-11, PLT-06)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection

from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices.adding import add
from domain.invoicing.invoices.mixing import MIXED, unfit
from domain.invoicing.invoices.model import Place
from domain.invoicing.invoices.rows import Prepared, Refusal, refusal
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.registers import service

KnownDistributionCodes: TypeAlias = Callable[[Connection, Collection[str]], Collection[str]]
"""Those of some distribution codes that there are; the general ledger's room knows them."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the rows of a chunk: received is the sum of created, unchanged and refused.

    `places` are those of the created and unchanged ones, by position.
    """

    received: int
    created: int
    unchanged: int
    refusals: tuple[Refusal, ...]
    places: dict[int, Place]


def ingest_chunk(
    tx: Connection, call: Call, cycle_code: str, prepared: Prepared, known_codes: KnownDistributionCodes
) -> Ingested:
    """Put the sound rows of a chunk on running invoices together; report each refused one with its reasons.

    A row that is there already with the same content is unchanged, so that a chunk can be handed in again at any time.
    Cost: three statements, and those of `adding.add`.

    Raises: NotFound for an unknown cycle, also outside the caller's scope; as `adding.add`.
    """
    cycle = service.get(tx, CYCLES, cycle_code, call.scope)
    refusals = list(prepared.refusals)
    positions, lines = [], []
    codes = {line.distribution_code for line in prepared.lines}
    unknown = codes.difference(known_codes(tx, codes)) if codes else set()
    for position, line in zip(prepared.positions, prepared.lines, strict=True):
        if line.distribution_code in unknown:
            refusals.append(refusal(prepared.rows, position, (unknown_code(line.distribution_code),)))
        else:
            positions.append(position)
            lines.append(line)
    if mixed := unfit(tx, cycle.code, lines):
        refusals += [refusal(prepared.rows, positions[at], (MIXED,)) for at in mixed]
        positions = [each for at, each in enumerate(positions) if at not in mixed]
        lines = [each for at, each in enumerate(lines) if at not in mixed]
    added = add(tx, call, cycle, lines)
    refusals += [refusal(prepared.rows, positions[at], (found,)) for at, found in added.refused.items()]
    refusals.sort()
    places = {positions[at]: place for at, place in (*added.made.items(), *added.unchanged.items())}
    return Ingested(len(prepared.rows), len(added.made), len(added.unchanged), tuple(refusals), places)


def unknown_code(code: str) -> Violation:
    """There is no such distribution code, or not for the caller."""
    return Violation("distribution_code", "DISTRIBUTION_CODE_UNKNOWN", f"there is no distribution code {code!r}")
