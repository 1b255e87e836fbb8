"""All algorithms that there are, whatever uses them: those asked about bills, and those that create data (BIL-23)."""

from __future__ import annotations

from collections.abc import Mapping

from domain.billing.algorithms.model import Algorithm
from domain.billing.algorithms.registry import Algorithms
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.billing.names import ALGORITHM_TYPE, algorithm_name
from domain.kernel.errors import NotFound
from domain.kernel.paging import Page

Listed = Algorithm | CreationAlgorithm


class Catalogue:
    """Lists them by code; no code is used twice."""

    def __init__(self, algorithms: Algorithms) -> None:
        self._by_code: Mapping[str, Listed] = {**algorithms.creations, **algorithms.by_code}

    def get(self, code: str) -> Listed:
        """The algorithm with the code. Raises: NotFound."""
        if code not in self._by_code:
            raise NotFound(ALGORITHM_TYPE, algorithm_name(code))
        return self._by_code[code]

    def list_page(self, page: Page) -> list[Listed]:
        """Those of a page by code, and one more where there is one."""
        after = str(page.after[0]) if page.after else ""
        return [self._by_code[code] for code in sorted(self._by_code) if code > after][: page.size + 1]
