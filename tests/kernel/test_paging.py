"""Page tokens: good for their own query only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import Invalid
from domain.kernel.paging import SIZE_DEFAULT, SIZE_MAX, PageTokens

TOKENS = PageTokens(b"k" * 32)
KEYS = st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(max_size=20)), max_size=4)


@pytest.mark.rule("PLT-08")
@given(KEYS, st.binary(max_size=20))
def test_a_token_brings_its_key_back(key: list[int | str], query: bytes) -> None:
    """The page after the last row begins after that row."""
    assert TOKENS.page(size=0, token=TOKENS.token(key, query), query=query).after == key


@pytest.mark.rule("PLT-08")
@given(st.integers(0, 200), st.integers(1, 63))
def test_a_token_that_was_tampered_with_is_refused(at: int, shift: int) -> None:
    """Another character anywhere in it, and it is none of ours."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = TOKENS.token([20260101, "ledgers/a"], b"query")
    at %= len(token) - 1  # the last character may carry bits that count for nothing
    other = alphabet[(alphabet.index(token[at]) + shift) % 64]
    with pytest.raises(Invalid) as refused:
        TOKENS.page(size=0, token=token[:at] + other + token[at + 1 :], query=b"query")
    assert refused.value.code == "PAGE_TOKEN_INVALID"


@pytest.mark.rule("PLT-08")
@pytest.mark.parametrize(
    ("tokens", "query"), [(TOKENS, b"another query"), (PageTokens(b"j" * 32), b"query")], ids=["query", "server"]
)
def test_a_token_of_another_query_or_another_house_is_refused(tokens: PageTokens, query: bytes) -> None:
    """It would skip or repeat rows."""
    with pytest.raises(Invalid, match="not a token"):
        tokens.page(size=0, token=TOKENS.token([1], b"query"), query=query)


@pytest.mark.rule("PLT-08")
def test_a_page_has_a_default_and_a_maximum() -> None:
    """No list without a page, and no page without a bound."""
    assert TOKENS.page(size=0, token="", query=b"").size == SIZE_DEFAULT
    assert TOKENS.page(size=SIZE_MAX, token="", query=b"").size == SIZE_MAX
    for size in (-1, SIZE_MAX + 1):
        with pytest.raises(Invalid) as refused:
            TOKENS.page(size=size, token="", query=b"")
        assert refused.value.code == "PAGE_SIZE_INVALID"
