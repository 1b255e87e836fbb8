"""Resource names of the room (AIP-122), made and read in one place."""

from __future__ import annotations

CUSTOMER_CLASS_TYPE = "countinghouse.billing/CustomerClass"
SCHEME_TYPE = "countinghouse.billing/TimeOfUseScheme"
PROFILE_TYPE_TYPE = "countinghouse.billing/ProfileType"
AGREEMENT_TYPE_TYPE = "countinghouse.billing/ServiceAgreementType"
RATE_TYPE = "countinghouse.billing/Rate"
RATE_VERSION_TYPE = "countinghouse.billing/RateVersion"
CYCLE_TYPE = "countinghouse.billing/BillCycle"
WINDOW_TYPE = "countinghouse.billing/BillCycleWindow"
ALGORITHM_TYPE = "countinghouse.billing/Algorithm"
ACCOUNT_TYPE = "countinghouse.billing/Account"
PREMISE_TYPE = "countinghouse.billing/Premise"
AGREEMENT_TYPE = "countinghouse.billing/ServiceAgreement"
PROFILE_TYPE = "countinghouse.billing/Profile"
DATA_SET_TYPE = "countinghouse.billing/IntervalDataSet"
BILL_TYPE = "countinghouse.billing/Bill"
SEGMENT_TYPE = "countinghouse.billing/BillSegment"
EXCEPTION_TYPE = "countinghouse.billing/BillingException"

RESERVED_ID = "-"
"""Stands for any account, and for whichever window is open: none is called so."""


def customer_class_name(code: str) -> str:
    """`customerClasses/{code}`."""
    return f"customerClasses/{code}"


def scheme_name(code: str) -> str:
    """`timeOfUseSchemes/{code}`."""
    return f"timeOfUseSchemes/{code}"


def profile_type_name(code: str) -> str:
    """`profileTypes/{code}`."""
    return f"profileTypes/{code}"


def agreement_type_name(code: str) -> str:
    """`serviceAgreementTypes/{code}`."""
    return f"serviceAgreementTypes/{code}"


def rate_name(code: str) -> str:
    """`rates/{code}`."""
    return f"rates/{code}"


def rate_version_name(code: str, number: int) -> str:
    """`rates/{code}/versions/{number}`."""
    return f"rates/{code}/versions/{number}"


def cycle_name(code: str) -> str:
    """`billCycles/{code}`."""
    return f"billCycles/{code}"


def window_name(cycle: str, code: str) -> str:
    """`billCycles/{cycle}/windows/{code}`."""
    return f"billCycles/{cycle}/windows/{code}"


def algorithm_name(code: str) -> str:
    """`algorithms/{code}`."""
    return f"algorithms/{code}"


def account_name(account: str) -> str:
    """`accounts/{account}`."""
    return f"accounts/{account}"


def premise_name(premise: str) -> str:
    """`premises/{premise}`."""
    return f"premises/{premise}"


def agreement_name(account: str, agreement: str) -> str:
    """`accounts/{account}/serviceAgreements/{agreement}`."""
    return f"accounts/{account}/serviceAgreements/{agreement}"


def profile_name(account: str, profile: str) -> str:
    """`accounts/{account}/profiles/{profile}`."""
    return f"accounts/{account}/profiles/{profile}"


def data_set_name(account: str, data_set: str) -> str:
    """`accounts/{account}/intervalDataSets/{data_set}`."""
    return f"accounts/{account}/intervalDataSets/{data_set}"


def bill_name(account: str, bill: str) -> str:
    """`accounts/{account}/bills/{bill}`."""
    return f"accounts/{account}/bills/{bill}"


def segment_name(account: str, segment: str) -> str:
    """`accounts/{account}/billSegments/{segment}`."""
    return f"accounts/{account}/billSegments/{segment}"


def exception_name(account: str, exception: str) -> str:
    """`accounts/{account}/billingExceptions/{exception}`."""
    return f"accounts/{account}/billingExceptions/{exception}"
