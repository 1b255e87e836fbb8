"""Everybody can see under which licence an installation is."""

from __future__ import annotations

import pytest

from tools import licences


def test_the_page_is_what_the_packages_say() -> None:
    """Each package of the locks with its licence, all of them accepted."""
    assert licences.main("--check") == 0


def test_a_licence_that_nobody_accepted_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has to be read first."""
    monkeypatch.setattr(licences, "ACCEPTED", frozenset({"MIT"}))
    with pytest.raises(ValueError, match="nobody has accepted"):
        licences.page()
