"""Distribution codes as the contract tells them."""

from __future__ import annotations

from typing import Any

from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb
from domain.gl_extraction.distribution.model import Distribution, DistributionCode
from domain.gl_extraction.distribution.rules import FIELDS
from domain.gl_extraction.distribution.service import WORD, Change
from domain.gl_extraction.names import distribution_code_name
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code


def code_from_name(name: str) -> str:
    """The code in `distributionCodes/{code}`."""
    return name.rpartition("/")[2]


def distribution_code_to_proto(found: DistributionCode) -> pb.DistributionCode:
    """A distribution code."""
    return pb.DistributionCode(
        name=found.name,
        code=found.code,
        create_time=instant_to_proto(found.created_us),
        update_time=instant_to_proto(found.updated_us),
        etag=found.etag,
        **{field: getattr(found.distribution, field) for field in FIELDS},
    )


def distribution_from_proto(given: pb.DistributionCode) -> Distribution:
    """What details by the code are to carry."""
    return Distribution(**{field: _value(given, field) for field in FIELDS})


def change_from_proto(request: pb.UpdateDistributionCodeRequest) -> Change:
    """What is changed of which distribution code. Raises: Invalid as `updated_code`."""
    given, mask = request.distribution_code, request.update_mask
    code = updated_code(given, mask, word=WORD, name_of=distribution_code_name)
    asked = asked_fields(given, mask, FIELDS)
    changes = {field: _value(given, field) for field in asked if field != "ledger_code" or given.ledger_code}
    return Change(code, given.etag, changes)


def _value(given: pb.DistributionCode, field: str) -> Any:  # noqa: ANN401 - text, or texts
    value = getattr(given, field)
    return value if isinstance(value, str) else tuple(value)
