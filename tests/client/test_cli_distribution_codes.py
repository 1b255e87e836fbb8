"""`countinghouse gl distribution-codes`: each option its field, and what is not given stays."""

from typing import Any

from countinghouse.gl_extraction.v1 import distribution_codes_pb2 as pb
from tests.client.command import run
from tests.client.server import serve

CODE = pb.DistributionCode(code="LOSS", ledger_code="MAIN", distribution_account="6100", etag="4")


def test_options_reach_the_fields_of_a_new_code() -> None:
    """Segments and attributes in their order, empty ones too."""
    seen: list[pb.CreateDistributionCodeRequest] = []

    def create(request: pb.CreateDistributionCodeRequest, _context: object) -> Any:
        seen.append(request)
        return request.distribution_code

    with serve(CreateDistributionCode=create) as address:
        result = run(
            address,
            *("gl", "distribution-codes", "create", "LOSS", "--ledger", "MAIN", "--account", "6100"),
            *("--group-account", "GA1", "--bulking-group", "CLAIMS", "--category", "FEES", "--description", "Losses"),
            *("--segment", "100", "--segment", "", "--segment", "30", "--attribute", "north"),
        )
    assert result.exit_code == 0
    assert seen[0].distribution_code == pb.DistributionCode(
        code="LOSS",
        description="Losses",
        ledger_code="MAIN",
        group_account_code="GA1",
        distribution_account="6100",
        bulking_group="CLAIMS",
        category="FEES",
        gl_segments=["100", "", "30"],
        attributes=["north"],
    )
    assert "6100" in result.stdout


def test_a_change_names_what_was_given_alone() -> None:
    """With the etag as it is now; an empty option empties its field, and without any there is nothing to ask for."""
    seen: list[pb.UpdateDistributionCodeRequest] = []

    def update(request: pb.UpdateDistributionCodeRequest, _context: object) -> Any:
        seen.append(request)
        return CODE

    with serve(GetDistributionCode=lambda _request, _context: CODE, UpdateDistributionCode=update) as address:
        changed = run(address, "gl", "distribution-codes", "update", "LOSS", "--category", "", "--segment", "7")
        nothing = run(address, "gl", "distribution-codes", "update", "LOSS")
    assert (changed.exit_code, nothing.exit_code) == (0, 2)
    (request,) = seen
    assert request.distribution_code == pb.DistributionCode(code="LOSS", etag="4", gl_segments=["7"])
    assert sorted(request.update_mask.paths) == ["category", "gl_segments"]
