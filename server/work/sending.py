"""The dispatch of deliveries as the settings want it: a handler a kind."""

from __future__ import annotations

from domain.data_files import transmissions
from domain.deliveries.model import Patience
from server.outbound.addresses import Reach, networks_of
from server.outbound.posting import Poster
from server.outbound.recording import Recorder
from server.outbound.signing import MasterKey
from server.outbound.stores import file_store
from server.outbound.system_of_record.connectors import connector
from server.outbound.system_of_record.handler import SystemsOfRecord
from server.outbound.transmission import Transmission
from server.outbound.webhooks import Webhooks
from server.settings import Settings
from server.work.dispatch import Dispatch, DispatchSettings, Handler
from server.work.loops import Loop

_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US


def dispatch(settings: Settings, adjustments: Recorder, files: Recorder) -> Loop:
    """The loop that sends, for the worker process; the recorders are told what became of adjustments, and of files."""
    how = dispatch_settings(settings)
    sender = Dispatch(handlers(settings, adjustments, files), how)
    return Loop("dispatch", sender.run, connections=how.connections, wake=sender.wake)


def handlers(settings: Settings, adjustments: Recorder, files: Recorder) -> tuple[Handler, ...]:
    """Who sends what: one line a kind."""
    return (webhooks(settings), transmission(settings, files), systems_of_record(settings, adjustments))


def webhooks(settings: Settings) -> Webhooks:
    """The handler of notifications."""
    poster = Poster(reach(settings), timeout_s=settings.webhook_timeout_s, ca_file=_text(settings.webhook_ca_file))
    return Webhooks(poster, master_key(settings), source=settings.notification_source)


def transmission(settings: Settings, recorder: Recorder) -> Transmission:
    """The handler of files on their way to destinations."""
    known = {transmissions.target_of(each.name): each for each in settings.destinations}
    return Transmission(file_store(settings), known, settings.transmission_timeout_s, recorder)


def systems_of_record(settings: Settings, recorder: Recorder) -> SystemsOfRecord:
    """The handler of adjustments."""
    reach = settings.systems_of_record_reach
    return SystemsOfRecord({each.name: connector(each, reach) for each in settings.systems_of_record}, recorder)


def reach(settings: Settings) -> Reach:
    """Where notifications may go."""
    return Reach(loopback=settings.webhook_loopback, networks=networks_of(settings.webhook_networks))


def master_key(settings: Settings) -> MasterKey | None:
    """The key by which notifications are signed, if there is one. The settings have been checked."""
    path = settings.notification_key_file
    return None if path is None else MasterKey.read(path)


def dispatch_settings(settings: Settings) -> DispatchSettings:
    """How deliveries are sent."""
    return DispatchSettings(
        hands=settings.delivery_hands,
        per_target_max=settings.deliveries_per_target_max,
        lease_s=settings.lease_s,
        patience=Patience(
            attempts_max=settings.delivery_attempts_max,
            within_us=round(settings.delivery_patience_days * _DAY_US),
            pause_us=round(settings.delivery_pause_s * _SECOND_US),
            pause_max_us=round(settings.delivery_pause_max_s * _SECOND_US),
        ),
    )


def _text(path: object) -> str | None:
    return None if path is None else str(path)
