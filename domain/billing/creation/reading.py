"""Interval data sets as they are kept. What lies outside a scope is not there."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.billing.accounts import service as accounts
from domain.billing.creation import store
from domain.billing.creation.errors import DataSetNotFound
from domain.billing.creation.model import DataSet, DataSetFilter
from domain.kernel.paging import Page
from domain.kernel.scopes import Scope


def get(tx: Connection, account_id: str, data_set_id: str, scope: Scope) -> DataSet:
    """The data set. Raises: DataSetNotFound."""
    found = store.find(tx, account_id, data_set_id, scope.names("cycles"))
    if found is None:
        raise DataSetNotFound(account_id, data_set_id)
    return found


def list_page(tx: Connection, wanted: DataSetFilter, page: Page, scope: Scope) -> list[DataSet]:
    """One data set of the account more than the page holds, if there is one, the oldest first; the key is the id.

    Raises: AccountNotFound.
    """
    accounts.get_account(tx, wanted.account_id, scope)
    after = str(page.after[0]) if page.after else ""
    return store.page(tx, wanted, after=after, limit=page.size + 1)
