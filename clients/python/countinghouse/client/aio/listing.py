"""Lists as asynchronous iterators."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Generic, TypeVar

from google.protobuf.message import Message

from countinghouse.client.aio.calls import Unary
from countinghouse.client.paging import ListRequestT, next_token, page_request

PageT = TypeVar("PageT", bound=Message)
ItemT = TypeVar("ItemT", bound=Message)


class Listing(Generic[ListRequestT, PageT, ItemT]):
    """A list method; calling it gives the items of all pages, fetched as they are asked for."""

    def __init__(self, method: Unary[ListRequestT, PageT], items: Callable[[PageT], Iterable[ItemT]]) -> None:
        self.page = method
        self._items = items

    async def __call__(self, request: ListRequestT, *, limit: int | None = None) -> AsyncIterator[ItemT]:
        """The items, at most `limit` of them; a `page_size` in the request sets how many come at a time."""
        token = ""
        while limit is None or limit > 0:
            page = await self.page(page_request(request, token=token, limit=limit))
            items = list(self._items(page))
            for item in items:
                yield item
            limit = None if limit is None else limit - len(items)
            token = next_token(page)
            if not token:
                return
