"""Algorithms over the network are asked before data are created, in a transaction that only reads (BIL-23)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from sqlalchemy import Connection

from domain.billing.accounts import store as accounts
from domain.billing.algorithms.errors import AlgorithmFailed, AlgorithmUnavailable
from domain.billing.creation.creating import passes
from domain.billing.creation.deciding import Answers, Missing
from domain.billing.creation.errors import IntervalDataNotCreated
from domain.billing.creation.gathering import Around
from domain.billing.creation.model import Wanted
from domain.kernel.call import Call
from domain.kernel.errors import DomainError

_ROUNDS_MAX = 100
"""So often what is asked may depend on an answer; what is not known then is an exception."""


class Hooks(Protocol):
    """Asks algorithms over the network."""

    def create(self, missing: Missing) -> Sequence[int]:
        """The values. Raises: AlgorithmFailed; AlgorithmUnavailable."""
        ...


def asked_of(tx: Connection, around: Around) -> frozenset[str]:
    """The codes of profile types whose data are created by algorithms over the network."""
    snapshot = around.configurations.current(tx)
    remote = {code for code, each in snapshot.creations.items() if each.create is None}
    return frozenset(code for code, each in snapshot.profile_types.items() if each.settings.creation in remote)


def answers(
    tx: Connection, call: Call, around: Around, account_ids: Collection[str], wanted: Wanted, *, hooks: Hooks
) -> Answers:
    """What algorithms answer to all that creating the data of accounts will ask; nothing is written.

    What is created is asked about, too, where something is created from it. Cost: a statement, and for accounts with
    such profiles those of gathering, once more than answers hang on answers.
    """
    kinds = asked_of(tx, around)
    found: dict[str, Sequence[int] | DomainError] = {}
    concerned = accounts.profiles_of(tx, account_ids) if kinds else {}
    for account_id, profiles in concerned.items():
        if not any(each.type_code in kinds for each in profiles):
            continue
        account = accounts.accounts(tx, (account_id,)).get(account_id)
        if account is None or not call.scope.has("cycles", account.cycle_code):
            continue
        for _ in range(_ROUNDS_MAX):
            told = replace(around, answers=found)
            made = [each for one in passes(tx, call, told, account, wanted, saved=False) for each in one]
            missing = [each.missing for each in made if each.missing]
            if not missing:
                break
            found |= {each.key: _answer(hooks, each) for each in missing}
    return found


def _answer(hooks: Hooks, missing: Missing) -> Sequence[int] | DomainError:
    try:
        return hooks.create(missing)
    except AlgorithmFailed as refused:
        return IntervalDataNotCreated(refused.message)
    except AlgorithmUnavailable as unavailable:
        return unavailable
