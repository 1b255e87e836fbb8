"""The channels there are: one line each. What is for tracking only has none: it is executed as it is performed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from domain.accounting.channels.batch import Batch
from domain.accounting.channels.manual import Manual
from domain.accounting.channels.model import Channel
from domain.accounting.channels.service import Service
from domain.accounting.channels.ways import Due, Way
from domain.kernel.script import Script

WAYS: tuple[Way, ...] = (
    Service(),
    Batch(),
    Manual(),
)
"""All of them, in the order of the default table (ACC-10): the first that a client has is taken."""

_BY_CHANNEL: Mapping[Channel, Way] = {way.channel: way for way in WAYS}
assert set(_BY_CHANNEL) == set(Channel), "every channel has a way"


def way_of(channel: Channel) -> Way:
    """How operations of the channel are carried out."""
    return _BY_CHANNEL[channel]


def begin(tx: Connection, script: Script, due: Sequence[Due], *, now_us: int) -> None:
    """Have operations carried out, each by its channel."""
    for way in WAYS:
        mine = [each for each in due if each.assignment.channel is way.channel]
        if mine:
            way.begin(tx, script, mine, now_us=now_us)
