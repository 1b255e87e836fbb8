"""Accounts with agreements, in few words and as hypothesis makes them."""

from __future__ import annotations

from hypothesis import strategies as st

from domain.billing.ordering.model import Agreement, Place

SEQUENCES = st.none() | st.integers(0, 4) | st.integers(0, 2**31 - 1)


def agreement(agreement_id: str, sequence: int | None = None, master_id: str | None = None) -> Agreement:
    """One of the account A."""
    return Agreement(agreement_id, "A", sequence, master_id)


def ids(places: tuple[Place, ...]) -> list[str]:
    """Whose places they are, in order."""
    return [place.agreement.id for place in places]


@st.composite
def accounts(draw: st.DrawFn, *, agreements_max: int = 14) -> list[Agreement]:
    """The agreements of one account, in any order, with ids and sequences that often collide or nearly do."""
    names = draw(st.lists(st.text("AaZz019é", min_size=1, max_size=3), unique=True, max_size=agreements_max))
    heads: list[str] = []
    made = []
    for name in names:
        master = draw(st.none() | st.sampled_from(heads)) if heads else None
        if master is None:
            heads.append(name)
        made.append(agreement(name, draw(SEQUENCES), master))
    return draw(st.permutations(made))
