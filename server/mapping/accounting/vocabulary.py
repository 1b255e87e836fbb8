"""Words that many parts of accounting share, as the contract tells them."""

from __future__ import annotations

from countinghouse.accounting.v1 import vocabulary_pb2 as pb
from domain.accounting.channels.model import Channel
from domain.accounting.configuration.model import Resolution

# Made when the module loads: a word of the domain that the contract lacks stops the server.
CHANNELS = {channel: pb.Channel.Value(f"CHANNEL_{channel}") for channel in Channel}
CHANNELS_BY_NUMBER = {number: channel for channel, number in CHANNELS.items()}
RESOLUTIONS = {resolution: pb.Resolution.Value(f"RESOLUTION_{resolution}") for resolution in Resolution}
RESOLUTIONS_BY_NUMBER = {number: resolution for resolution, number in RESOLUTIONS.items()}
