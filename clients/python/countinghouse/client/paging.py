"""Pages of lists."""

from typing import Any, TypeVar

from google.protobuf.message import Message

PAGE_SIZE = 1000
"""The most that a server gives in one page."""

ListRequestT = TypeVar("ListRequestT", bound=Message)


def page_request(request: ListRequestT, *, token: str, limit: int | None) -> ListRequestT:
    """The request of one page: the same filter and order, `limit` rows at most, from `token` on."""
    page: Any = type(request)()  # every list request has page_size and page_token (AIP-158)
    page.CopyFrom(request)
    page.page_token = token or page.page_token
    size = page.page_size or PAGE_SIZE
    page.page_size = size if limit is None else min(size, limit)
    narrowed: ListRequestT = page
    return narrowed


def next_token(page: Message) -> str:
    """The token of the page after `page`; empty on the last."""
    return str(getattr(page, "next_page_token"))  # noqa: B009 - every page has one (AIP-158), no type says so
