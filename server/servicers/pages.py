"""Pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from domain.kernel.call import Call
from domain.kernel.paging import Key, Page
from domain.kernel.registers import service
from domain.kernel.registers.model import Register
from domain.kernel.registers.model import T as E
from server.call import Calls, Tx
from server.mapping.listing import listing_key

A = TypeVar("A", bound=Message)
T = TypeVar("T")


def page_of(
    calls: Calls,
    request: Any,  # noqa: ANN401 - any request of a list
    find: Callable[[Tx, Call, Page], Sequence[T]],
    key_of: Callable[[T], str | int | Key],
    answer: Callable[[Sequence[T], str], A],
) -> Callable[[Tx, Call], A]:
    """What reads the page that a request asks for; `find` gives one more where there is one, in the order of keys.

    `answer` makes an answer of what is on the page and the token of the next one.

    Raises: Invalid for a token that is none of this list.
    """
    tokens, query = calls.page_tokens, listing_key(request)
    page = tokens.page(size=request.page_size, token=request.page_token, query=query)

    def read(tx: Tx, call: Call) -> A:
        found = find(tx, call, page)
        shown = found[: page.size]
        return answer(shown, tokens.token(_key(key_of(shown[-1])), query) if len(found) > page.size else "")

    return read


def _key(given: str | int | Key) -> Key:
    return given if isinstance(given, list) else [given]


def entries_of(
    calls: Calls,
    request: Any,  # noqa: ANN401 - any request of a list
    register: Register[E],
    answer: Callable[[Sequence[E], str], A],
) -> Callable[[Tx, Call], A]:
    """As `page_of`, of the entries of a register by their code."""
    return page_of(
        calls,
        request,
        lambda tx, call, page: service.list_page(tx, register, page, call.scope),
        register.code_of,
        answer,
    )
