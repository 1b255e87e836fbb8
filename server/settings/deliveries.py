"""What goes outside: how patiently, how safely, signed with which key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from server.outbound.addresses import networks_of
from server.outbound.signing import MasterKey
from server.settings import checks


def known_networks(text: str) -> str:
    """Ranges of addresses in CIDR notation, separated by commas."""
    try:
        networks_of(text)
    except ValueError as error:
        raise ValueError(f"is not a list of ranges such as 10.0.0.0/8,fd00::/8: {error}") from None
    return text


class Deliveries(BaseModel):
    """What goes outside: how patiently, how safely, signed with which key."""

    delivery_hands: int = Field(32, ge=1, le=64, description="deliveries that one worker process sends at once")
    deliveries_per_target_max: int = Field(16, ge=1, le=64, description="of them, deliveries to one target")
    delivery_attempts_max: int = Field(30, ge=1, le=1_000, description="attempts before a delivery is given up")
    delivery_patience_days: float = Field(
        3, gt=0, le=90, description="a delivery that fails when it is so old is given up, whatever attempts it had"
    )
    delivery_pause_s: float = Field(2, gt=0, le=3_600, description="longest rest after a first failed attempt")
    delivery_pause_max_s: float = Field(
        21_600, gt=0, le=604_800, description="longest rest between two attempts; it doubles up to this"
    )
    notification_key_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="file of the master key by which notifications are signed; none: no endpoint can be made"
    )
    notification_source: str = Field(
        "countinghouse", min_length=1, max_length=200, description="the source that notifications name: a URI reference"
    )
    webhook_timeout_s: float = Field(10, gt=0, le=120, description="longest notification, from its name's lookup on")
    webhook_loopback: bool = Field(
        False, description="whether notifications may go to this machine itself, then also by plain http"
    )
    webhook_networks: Annotated[str, AfterValidator(known_networks)] = Field(
        "", description="private ranges that notifications may go to, such as 10.0.0.0/8,fd00::/8"
    )
    webhook_ca_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="PEM file of authorities that receivers' certificates may have beside the public ones"
    )


def contradictions(settings: Deliveries, prefix: str) -> list[str]:
    """What these settings say against each other, and against the files they name."""
    lines = []
    if settings.delivery_pause_s > settings.delivery_pause_max_s:
        lines.append(f"{prefix}DELIVERY_PAUSE_S: is above {prefix}DELIVERY_PAUSE_MAX_S")
    if settings.notification_key_file is not None:
        try:
            MasterKey.read(settings.notification_key_file)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            lines.append(f"{prefix}NOTIFICATION_KEY_FILE: {settings.notification_key_file}: {why}")
    return lines
