"""Taking in accounts of another system: row by row an account with all that belongs to it, whole or not at all.

A row that is there already, with the same content, is unchanged: whatever was handed in can be handed in again. A row
sees what the rows before it have made, so that it does not matter how many come together.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from sqlalchemy import Connection

from domain.billing.accounts import agreements, facts, premises, profiles, rules, service, store, trail
from domain.billing.accounts.facts import Known
from domain.billing.accounts.model import Account, Premise, Profile, ServiceAgreement
from domain.billing.accounts.requests import Key, NewAccount, NewAgreement, NewPremise, NewProfile
from domain.billing.configuration.snapshot import Configurations
from domain.billing.creation.derivations import Series
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class NewTree:
    """An account as it is asked for, with all that belongs to it, and premises that need not be there yet."""

    account: NewAccount
    premises: tuple[NewPremise, ...]
    agreements: tuple[NewAgreement, ...]
    profiles: tuple[NewProfile, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that was read; `violations` say why nothing can be made of it, and then there is no `tree`."""

    account_id: str
    tree: NewTree | None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was left out: its place among those handed in, and everything that is wrong with it."""

    position: int
    account_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of rows; the counts add up: received is the sum of the others."""

    received: int
    created: int
    unchanged: int
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """An account with all that belongs to it."""

    account: Account
    agreements: tuple[ServiceAgreement, ...]
    profiles: tuple[Profile, ...]


@dataclass(slots=True)
class _Found:
    """What there is, and what the rows so far have made of it."""

    known: Known
    trees: dict[str, Tree]
    premises: dict[str, Premise]
    agreements: set[Key]
    profiles: dict[Key, Series]
    new_trees: list[Tree] = field(default_factory=list)
    new_premises: list[Premise] = field(default_factory=list)

    @property
    def now(self) -> Known:
        """What the next row is held against."""
        return replace(self.known, premises=self.premises, agreements=self.agreements, profiles=self.profiles)

    def add(self, tree: Tree | None, made: Mapping[str, Premise]) -> None:
        """A row was sound; what was there already is none."""
        self.new_premises += made.values()
        self.premises |= made
        if tree:
            self.trees[tree.account.account_id] = tree
            self.new_trees.append(tree)
            self.agreements |= {(each.account_id, each.agreement_id) for each in tree.agreements}
            self.profiles |= {
                (each.account_id, each.profile_id): Series(each.type_code, each.time_zone) for each in tree.profiles
            }


def import_rows(tx: Connection, call: Call, configurations: Configurations, rows: Sequence[Row]) -> Imported:
    """Store the sound rows together; tell of each refused one why.

    The audit trail has one entry for all. Cost: about twelve statements, however many rows.
    """
    found = _gather(tx, call, configurations, [row.tree for row in rows if row.tree])
    refusals, unchanged = [], 0
    for position, row in enumerate(rows):
        faults = row.violations
        if row.tree:
            there = found.trees.get(row.tree.account.account_id)
            faults = tuple(_place(row.tree, there, found, call))
            unchanged += there is not None and not faults
        if faults:
            refusals.append(Refusal(position, row.account_id, faults))
    store.create_many(
        tx,
        premises=sorted(found.new_premises, key=lambda each: each.premise_id),
        accounts=sorted((each.account for each in found.new_trees), key=lambda each: each.account_id),
        agreements=[each for tree in found.new_trees for each in tree.agreements],
        profiles=[each for tree in found.new_trees for each in tree.profiles],
    )
    done = Imported(len(rows), len(found.new_trees), unchanged, tuple(refusals))
    if found.new_trees:
        _audit(tx, call, done, [each.account for each in found.new_trees])
    return done


def _gather(tx: Connection, call: Call, configurations: Configurations, trees: Sequence[NewTree]) -> _Found:
    ids = {tree.account.account_id for tree in trees}
    placed = {each.premise_id for tree in trees for each in tree.agreements if each.premise_id}
    given = {each.premise_id for tree in trees for each in tree.premises}
    masters = {each.master for tree in trees for each in tree.agreements if each.master}
    sources = chain.from_iterable(each.derivation.sources for tree in trees for each in tree.profiles)
    known = facts.gather(
        tx,
        call,
        configurations,
        billing_cycles={tree.account.invoice_cycle_code for tree in trees},
        premises=placed | given,
        agreements={key for key in masters if key[0] not in ids},
        profiles=set(sources),
        rates=any(each.rate_code for tree in trees for each in tree.agreements),
    )
    accounts = store.accounts(tx, ids)
    own, series = store.agreements_of(tx, accounts), store.profiles_of(tx, accounts)
    there = {each: Tree(account, own[each], series[each]) for each, account in accounts.items()}
    return _Found(known, there, dict(known.premises or {}), set(known.agreements), dict(known.profiles))


def _place(new: NewTree, there: Tree | None, found: _Found, call: Call) -> Iterator[Violation]:
    """What is wrong with a row; one that is sound, and not there yet, is made."""
    made = [each for each in new.premises if each.premise_id not in found.premises]
    faults = [*_premise_faults(new.premises, found, call)]
    inline = {each.premise_id: premises.made(each, call.now_us) for each in made}
    known = replace(found.now, premises=ChainMap(inline, found.premises))
    if there is not None:
        if not found.known.scope.has("cycles", there.account.cycle_code) or not _same(there, _made(new, known, call)):
            text = f"there is an account {new.account.account_id} already, with other content"
            faults.append(Violation("account_id", "ACCOUNT_ID_TAKEN", text))
    else:
        faults += _faults(new, known)
    if not faults:
        found.add(None if there else _made(new, known, call), inline)
    yield from faults


def _faults(new: NewTree, known: Known) -> Iterator[Violation]:
    """What is wrong with a row, its premises left aside."""
    account, account_id = new.account, new.account.account_id
    ids = [each.agreement_id for each in new.agreements]
    series = [each.profile_id for each in new.profiles]
    yield from rules.account_violations("account", account, known)
    yield from _repeated("service_agreements", "service_agreement_id", ids)
    yield from _repeated("profiles", "profile_id", series)
    paths = {own: f"service_agreements[{at}].service_agreement" for at, own in enumerate(ids)}
    for each in new.agreements:
        yield from rules.agreement_violations(paths[each.agreement_id], each, known)
        yield from rules.rate_violations(paths[each.agreement_id], each, account.currency, known)
    if any(each.master for each in new.agreements):
        masters = {each.agreement_id: each.master for each in new.agreements}
        yield from rules.master_violations(account_id, masters, known, paths)
    named = {source for each in new.profiles for source in each.derivation.sources}
    own = {(account_id, each.profile_id): Series(each.type_code) for each in new.profiles}
    known = replace(
        known, profiles={key: each for key, each in ChainMap(own, dict(known.profiles)).items() if key in named}
    )
    derived = {each.profile_id: each.derivation for each in new.profiles}
    for at, profile in enumerate(new.profiles):
        path = f"profiles[{at}].profile"
        yield from rules.profile_violations(path, profile, account_id, ids, known)
        yield from rules.derivation_violations(path, profile, "", account_id, known, derived=derived)


def _premise_faults(given: Sequence[NewPremise], found: _Found, call: Call) -> Iterator[Violation]:
    yield from _repeated("premises", "premise_id", [each.premise_id for each in given])
    for at, new in enumerate(given):
        path = f"premises[{at}]"
        there = found.premises.get(new.premise_id)
        if there is None:
            if found.known.scope.cycles is not None:
                text = "premises are made by callers who see every bill cycle"
                yield Violation(f"{path}.premise_id", "SCOPE_TOO_NARROW", text)
            yield from rules.premise_violations(f"{path}.premise", new)
        elif not _alike(there, premises.made(new, call.now_us)):
            text = f"there is a premise {new.premise_id} already, with other content"
            yield Violation(f"{path}.premise_id", "PREMISE_ID_TAKEN", text)


def _repeated(path: str, word: str, ids: Sequence[str]) -> Iterator[Violation]:
    counts = Counter(ids)
    for at, own_id in enumerate(ids):
        if counts[own_id] > 1:
            yield Violation(f"{path}[{at}].{word}", "ID_REPEATED", "another item of the row has this id")


def _made(new: NewTree, known: Known, call: Call) -> Tree:
    account = service.made(new.account, call.now_us)
    made = tuple(agreements.made(account, each, known, call.now_us) for each in new.agreements)
    owners = {each.agreement_id: each for each in made}
    series = (
        profiles.made(account, each, owners.get(each.owner[1]) if each.owner else None, call.now_us)
        for each in new.profiles
    )
    return Tree(account, made, tuple(series))


def _same(there: Tree, asked: Tree) -> bool:
    """Whether what is there is what was asked for, by whom and when aside."""
    if not _alike(there.account, asked.account):
        return False
    own, theirs = ({each.agreement_id: each for each in tree.agreements} for tree in (there, asked))
    series, their_series = ({each.profile_id: each for each in tree.profiles} for tree in (there, asked))
    if own.keys() != theirs.keys() or series.keys() != their_series.keys():
        return False
    return all(_alike(own[each], theirs[each]) for each in own) and all(
        _alike(series[each], their_series[each]) for each in series
    )


def _alike(one: trail.T, other: trail.T) -> bool:
    return one == replace(other, version=one.version, created_us=one.created_us, updated_us=one.updated_us)


def _audit(tx: Connection, call: Call, done: Imported, accounts: Sequence[Account]) -> None:
    """One entry for all rows, under a name of its own: imports that commit at the same time do not meet."""
    changes = {
        "received_count": done.received,
        "created_count": done.created,
        "unchanged_count": done.unchanged,
        "refused_count": len(done.refusals),
        "first_account": min(each.name for each in accounts),
        "last_account": max(each.name for each in accounts),
    }
    scope_id = scopes.intern(tx, trail.scope_of({each.cycle_code for each in accounts}))
    events.append(tx, call, f"accountImports/{new_id(call.now_us)}", "accounts.imported", changes, scope_id=scope_id)
