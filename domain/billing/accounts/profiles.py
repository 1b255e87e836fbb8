"""Use cases of profiles: create, get, list, change, each with its audit entry under the account."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.accounts import facts, rules, service, store, trail
from domain.billing.accounts.errors import ProfileIdTaken, ProfileNotFound
from domain.billing.accounts.model import Account, Profile, ServiceAgreement
from domain.billing.accounts.requests import Change, Key, NewProfile
from domain.billing.configuration.snapshot import Configurations
from domain.billing.names import PROFILE_TYPE
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope

_WORD = "profile"


def create(tx: Connection, call: Call, configurations: Configurations, account_id: str, new: NewProfile) -> Profile:
    """Add a profile to an account; what is on its pending bill is made again if an agreement is to own it.

    Raises: AccountNotFound; Invalid with every violation; ProfileIdTaken.
    """
    account = service.lock_account(tx, account_id, call.scope)
    named = replace(new, profile_id=new.profile_id or new_id(call.now_us))
    owner = _check(tx, call, configurations, account, named)
    profile = made(account, named, owner, call.now_us)
    if not store.create_profile(tx, profile):
        raise ProfileIdTaken(profile.name)
    if profile.agreement_id:
        store.unsettle_segments(tx, account_id)  # its agreement is billed for its data, too
    trail.record(tx, call, account, profile, kind="profile.created")
    return profile


def made(account: Account, new: NewProfile, owner: ServiceAgreement | None, now_us: int) -> Profile:
    """The profile that is made of what was asked for; `owner` is the agreement that it names."""
    return Profile(
        account_id=account.account_id,
        profile_id=new.profile_id or new_id(now_us),
        description=new.description,
        type_code=new.type_code,
        agreement_id=owner.agreement_id if owner else "",
        time_zone=owner.time_zone if owner else account.time_zone,
        derivation=new.derivation,
        version=1,
        created_us=now_us,
        updated_us=now_us,
    )


def get(tx: Connection, account_id: str, profile_id: str, scope: Scope = EVERYTHING) -> Profile:
    """The profile. Raises: ProfileNotFound, also for one outside the scope."""
    account = store.find_account(tx, account_id)
    seen = account is not None and scope.has("cycles", account.cycle_code)
    found = store.find_profile(tx, account_id, profile_id) if seen else None
    if found is None:
        raise ProfileNotFound(account_id, profile_id)
    return found


def list_page(tx: Connection, account_id: str, page: Page, scope: Scope = EVERYTHING) -> list[Profile]:
    """One profile of the account more than the page holds, if there is one; the key is the id.

    Raises: AccountNotFound.
    """
    service.get_account(tx, account_id, scope)
    after = str(page.after[0]) if page.after else ""
    return store.page_of_profiles(tx, account_id, after=after, limit=page.size + 1)


def update(tx: Connection, call: Call, configurations: Configurations, key: Key, change: Change) -> Profile:
    """Change the profile that still has the etag; `owner` among the changes is a key, or None.

    Its data are of its time zone: it goes to agreements of the same one alone.

    Raises: EtagMissing; AccountNotFound; ProfileNotFound; EtagStale, also for the loser of a race; Invalid with every
    violation.
    """
    trail.require_etag(_WORD, change)
    account_id, profile_id = key
    account = service.lock_account(tx, account_id, call.scope)
    old = store.find_profile(tx, account_id, profile_id)
    if old is None:
        raise ProfileNotFound(account_id, profile_id)
    owner: Key | None = (account_id, old.agreement_id) if old.agreement_id else None
    changes = dict(change.changes)
    owner = changes.pop("owner", owner)
    changes["agreement_id"] = owner[1] if owner else ""
    new = trail.changed(call, _WORD, PROFILE_TYPE, old, Change(change.etag, changes, change.fixed))
    asked = NewProfile(new.profile_id, new.description, new.type_code, owner, new.derivation)
    agreement = _check(tx, call, configurations, account, asked, zone=new.time_zone)
    if agreement is not None and agreement.time_zone != new.time_zone:
        text = f"is served in {agreement.time_zone}, the profile's data are of {new.time_zone}"
        trail.require([Violation(f"{_WORD}.service_agreement", "OWNER_IN_ANOTHER_TIME_ZONE", text)])
    store.change_profile(tx, new)
    if old.agreement_id != new.agreement_id:
        store.unsettle_segments(tx, account_id)  # agreements are billed for the data of what they own
    trail.record(tx, call, account, new, kind="profile.changed", old=old)
    return new


def _check(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    account: Account,
    new: NewProfile,
    *,
    zone: str = "",
) -> ServiceAgreement | None:
    """The agreement that is to own the profile, if one is named; `zone` is the profile's, if it has one already.

    Raises: Invalid with every violation.
    """
    owner = store.find_agreement(tx, account.account_id, new.owner[1]) if new.owner else None
    sources = new.derivation.sources
    known = facts.gather(tx, call, configurations, profiles=sources)
    agreements = (owner.agreement_id,) if owner else ()
    of_account = any(account_id == account.account_id for account_id, _ in sources)
    siblings = store.profiles_of(tx, (account.account_id,))[account.account_id] if of_account else ()
    derived = {each.profile_id: each.derivation for each in siblings}
    zone = zone or (owner.time_zone if owner else account.time_zone)
    trail.require(
        [
            *rules.profile_violations(_WORD, new, account.account_id, agreements, known),
            *rules.derivation_violations(_WORD, new, zone, account.account_id, known, derived=derived),
        ]
    )
    return owner
