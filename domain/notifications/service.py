"""Use cases of notifications: endpoints, their test, and what is announced to them (PLT-25)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.deliveries import service as deliveries
from domain.deliveries.model import Delivery, Kind, NewDelivery
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.clock import now_us
from domain.kernel.documents import Document
from domain.kernel.errors import EtagMissing, EtagStale
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.scopes import Scope
from domain.kernel.time import iso_of
from domain.notifications import store
from domain.notifications.errors import EndpointDisabled, EndpointNotFound, EventTypeUnknown, TooManyEndpoints
from domain.notifications.model import (
    ANNOUNCED,
    ENDPOINTS_MAX,
    OLD_SECRET_US,
    RESOURCE_TYPE,
    TESTED,
    Change,
    Endpoint,
    Happening,
    name_of,
)

_FIELD = "notification_endpoint"


def create(
    tx: Connection, call: Call, *, url: str, event_types: Sequence[str], description: str, disabled: bool, key_id: str
) -> Endpoint:
    """Add an endpoint; its secrets are derived from the master key with this id.

    Raises: EventTypeUnknown; TooManyEndpoints; Invalid for characters that cannot be kept.
    """
    _check(url=url, event_types=event_types, description=description)
    if store.count(tx) >= ENDPOINTS_MAX:
        raise TooManyEndpoints(endpoints_max=ENDPOINTS_MAX)
    at_us = now_us(tx)
    endpoint = Endpoint(
        endpoint_id=new_id(at_us),
        url=url,
        event_types=tuple(sorted(set(event_types))),
        description=description,
        disabled=disabled,
        key_id=key_id,
        secret_no=1,
        old_secret_until_us=0,
        version=1,
        created_us=at_us,
        updated_us=at_us,
        scope_id=scopes.intern(tx, call.scope),
    )
    store.insert_endpoint(tx, endpoint)
    events.append(tx, call, endpoint.name, f"{_FIELD}.created", {"from": None, "to": _shown(endpoint)})
    return endpoint


def get(tx: Connection, endpoint_id: str, scope: Scope) -> Endpoint:
    """The endpoint. Raises: EndpointNotFound."""
    found = store.find(tx, endpoint_id, scopes.visible(tx, scope))
    if found is None:
        raise EndpointNotFound(endpoint_id)
    return found


def find_target(tx: Connection, target: str) -> Endpoint | None:
    """The endpoint that a delivery goes to, whoever's it is; None when it is gone."""
    return store.find(tx, target.removeprefix(name_of("")))


def list_page(tx: Connection, page: Page, scope: Scope) -> list[Endpoint]:
    """One endpoint more than the page holds, if there is one, oldest first; the key is the id."""
    after = str(page.after[0]) if page.after else ""
    return store.page(tx, after=after, limit=page.size + 1, seen=scopes.visible(tx, scope))


def update(tx: Connection, call: Call, change: Change) -> Endpoint:
    """Change the endpoint that still has the etag. What waits for it goes to where it is then.

    Raises: EtagMissing; EndpointNotFound; EtagStale, also for the loser of a race; EventTypeUnknown; Invalid.
    """
    _check(url=change.url or "", event_types=change.event_types or (), description=change.description or "")
    old = _seen_as(tx, call, change.endpoint_id, change.etag)
    types = None if change.event_types is None else tuple(sorted(set(change.event_types)))
    new = replace(
        old,
        url=old.url if change.url is None else change.url,
        event_types=old.event_types if types is None else types,
        description=old.description if change.description is None else change.description,
        disabled=old.disabled if change.disabled is None else change.disabled,
    )
    return _changed(tx, call, old, new, "changed")


def rotate_secret(tx: Connection, call: Call, endpoint_id: str, *, etag: str, key_id: str) -> Endpoint:
    """Give the endpoint a new secret, derived from the master key of `key_id`; the old one signs, too, for a day.

    If the master key is another one by now, the old secret is gone and signs no more.

    Raises: EtagMissing; EndpointNotFound; EtagStale.
    """
    old = _seen_as(tx, call, endpoint_id, etag)
    until_us = now_us(tx) + OLD_SECRET_US if old.key_id == key_id else 0
    new = replace(old, secret_no=old.secret_no + 1, old_secret_until_us=until_us, key_id=key_id)
    return _changed(tx, call, old, new, "secret_rotated")


def delete(tx: Connection, call: Call, endpoint_id: str, *, etag: str) -> None:
    """Delete the endpoint; what waits for it is given up. Raises: EndpointNotFound; EtagStale when an etag is given."""
    old = get(tx, endpoint_id, call.scope)
    if (etag and etag != old.etag) or not store.delete_endpoint(tx, old):
        raise EtagStale(RESOURCE_TYPE, old.name, etag=etag)
    events.append(tx, call, old.name, f"{_FIELD}.deleted", {"from": _shown(old), "to": None})


def test(tx: Connection, call: Call, endpoint_id: str) -> Delivery:
    """Send the endpoint a notification that says nothing; gives its delivery.

    Raises: EndpointNotFound; EndpointDisabled.
    """
    endpoint = get(tx, endpoint_id, call.scope)
    if endpoint.disabled:
        raise EndpointDisabled(resource_name=endpoint.name)
    at_us = now_us(tx)
    key = new_id(at_us)
    told = Happening(key, TESTED, endpoint.name, at_us, endpoint.scope_id)
    (delivery_id,) = deliveries.enqueue(tx, [_notification(endpoint, told, TESTED)])
    events.append(tx, call, endpoint.name, f"{_FIELD}.tested", {"delivery": deliveries.name_of(delivery_id)})
    return deliveries.get(tx, delivery_id)


def announce(tx: Connection, happening: Happening) -> int:
    """Tell every endpoint that wants to know, in the transaction of the event; gives how many.

    An endpoint is told of what lies within the scope of whoever made it. Events that are not in ANNOUNCED are nobody's
    business.

    Cost: one statement; with endpoints, one for each that is told and up to one for its scope.
    """
    event_type = ANNOUNCED.get(happening.kind)
    if event_type is None:
        return 0
    told = [endpoint for endpoint in store.enabled(tx) if endpoint.wants(event_type) and _may(tx, endpoint, happening)]
    return len(deliveries.enqueue(tx, [_notification(endpoint, happening, event_type) for endpoint in told]))


def _may(tx: Connection, endpoint: Endpoint, happening: Happening) -> bool:
    """Whether the endpoint may be told."""
    if endpoint.scope_id in {0, happening.scope_id}:
        return True
    return scopes.load(tx, endpoint.scope_id).covers(scopes.load(tx, happening.scope_id))


def _notification(endpoint: Endpoint, happening: Happening, event_type: str) -> NewDelivery:
    payload: Document = {
        "id": happening.event_id,
        "type": event_type,
        "subject": happening.subject,
        "time": iso_of(happening.at_us),
        "data": happening.data,
    }
    return NewDelivery(
        kind=Kind.WEBHOOK,
        target=endpoint.name,
        key=happening.event_id,
        subject=happening.subject,
        event_type=event_type,
        payload=payload,
        scope_id=happening.scope_id,
    )


def _check(*, url: str, event_types: Sequence[str], description: str) -> None:
    for index, event_type in enumerate(event_types):
        if event_type not in ANNOUNCED.values():
            raise EventTypeUnknown(f"{_FIELD}.event_types[{index}]")
    require_storable(**{f"{_FIELD}.url": url, f"{_FIELD}.description": description})


def _seen_as(tx: Connection, call: Call, endpoint_id: str, etag: str) -> Endpoint:
    """The endpoint, if it still has the etag. Raises: EtagMissing; EndpointNotFound; EtagStale."""
    if not etag:
        raise EtagMissing(f"{_FIELD}.etag")
    found = get(tx, endpoint_id, call.scope)
    if found.etag != etag:
        raise EtagStale(RESOURCE_TYPE, found.name, etag=etag)
    return found


def _changed(tx: Connection, call: Call, old: Endpoint, new: Endpoint, kind: str) -> Endpoint:
    new = replace(new, version=old.version + 1, updated_us=max(now_us(tx), old.updated_us))
    if not store.change(tx, new, from_version=old.version):
        raise EtagStale(RESOURCE_TYPE, old.name, etag=old.etag)
    events.append(tx, call, old.name, f"{_FIELD}.{kind}", {"from": _shown(old), "to": _shown(new)})
    return new


def _shown(endpoint: Endpoint) -> Document:
    """What the audit trail shows: no part of an address that may be a secret."""
    return {
        "host": endpoint.url.partition("://")[2].partition("/")[0],
        "event_types": list(endpoint.event_types),
        "description": endpoint.description,
        "disabled": endpoint.disabled,
        "secret_no": endpoint.secret_no,
    }
