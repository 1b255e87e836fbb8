"""Why a profile's data are not created: given as values, for a data set to carry; one that is not there is raised."""

from __future__ import annotations

from domain.billing.names import DATA_SET_TYPE, data_set_name
from domain.kernel.errors import NotFound, Refused


class DataSetNotFound(NotFound):
    """The account has no such interval data set."""

    reason = "INTERVAL_DATA_SET_NOT_FOUND"

    def __init__(self, account_id: str, data_set_id: str) -> None:
        super().__init__(DATA_SET_TYPE, data_set_name(account_id, data_set_id))


class CreationFault(Refused):
    """The data are not created."""


class DerivationFaulty(CreationFault):
    """What the data are to be created from, or how, is not sound."""

    reason = "DERIVATION_FAULTY"


class SourceDataInError(CreationFault):
    """What the data would be created from is in error itself."""

    reason = "SOURCE_DATA_IN_ERROR"


class SourceCreatedLater(CreationFault):
    """What the data would be created from is created after them."""

    reason = "SOURCE_CREATED_LATER"


class SourceDataMissing(CreationFault):
    """What the data would be created from does not have all intervals."""

    reason = "SOURCE_DATA_MISSING"


class IntervalDataNotCreated(CreationFault):
    """The algorithm cannot create the data."""

    reason = "INTERVAL_DATA_NOT_CREATED"


class SourceDataChanged(CreationFault):
    """What the data would be created from has changed while the algorithm's hook was asked: create them again."""

    reason = "SOURCE_DATA_CHANGED"
