"""Lists: what ties a page token to its list."""

from __future__ import annotations

from google.protobuf.message import Message


def listing_key(request: Message) -> bytes:
    """What must not change from one page of a list to the next: the request less its page."""
    query = type(request)()
    query.CopyFrom(request)
    query.ClearField("page_size")
    query.ClearField("page_token")
    return request.DESCRIPTOR.name.encode() + query.SerializeToString(deterministic=True)
