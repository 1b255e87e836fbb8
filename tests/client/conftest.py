"""What the tests of the client share."""

import pytest

from tests.client.driver import Drive, drive_aio, drive_sync


@pytest.fixture(params=[drive_sync, drive_aio], ids=["sync", "aio"])
def drive(request: pytest.FixtureRequest) -> Drive:
    """Both facades, one after the other."""
    chosen: Drive = request.param
    return chosen
