"""The SQL of workflow steps that were run once and for all (ACC-05)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from domain.accounting.tables import executed_step
from domain.kernel.keys import among
from domain.kernel.script import Script

Step = tuple[str, str, str, str]
"""Claim, dispute, workflow point, step key."""

_s = executed_step.c


def executed(tx: Connection, steps: Iterable[Step]) -> frozenset[Step]:
    """Those of the steps that were run. Cost: one statement, none where no key was given."""
    wanted = sorted(set(steps))
    if not wanted:
        return frozenset()
    key = (_s.claim_id, _s.dispute_id, _s.workflow_point, _s.step_key)
    rows = tx.execute(select(*key).where(among(key, wanted)))
    return frozenset((row[0], row[1], row[2], row[3]) for row in rows)


def record(script: Script, steps: Sequence[Step], *, at_us: int) -> None:
    """Note that the steps were run. Cost: one statement of the script."""
    columns = ("claim_id", "dispute_id", "workflow_point", "step_key", "at_us")
    script.insert("executed_step", columns, [(*step, at_us) for step in steps])
