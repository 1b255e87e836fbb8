"""Lists as iterators."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from google.protobuf.message import Message

from countinghouse.client.paging import ListRequestT, next_token, page_request
from countinghouse.client.sync.calls import Unary

PageT = TypeVar("PageT", bound=Message)
ItemT = TypeVar("ItemT", bound=Message)


class Listing(Generic[ListRequestT, PageT, ItemT]):
    """A list method; calling it gives the items of all pages, fetched as they are asked for."""

    def __init__(self, method: Unary[ListRequestT, PageT], items: Callable[[PageT], Iterable[ItemT]]) -> None:
        self.page = method
        self._items = items

    def __call__(self, request: ListRequestT, *, limit: int | None = None) -> Iterator[ItemT]:
        """The items, at most `limit` of them; a `page_size` in the request sets how many come at a time."""
        token = ""
        while limit is None or limit > 0:
            page = self.page(page_request(request, token=token, limit=limit))
            items = list(self._items(page))
            yield from items
            limit = None if limit is None else limit - len(items)
            token = next_token(page)
            if not token:
                return
